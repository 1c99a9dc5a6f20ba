"""From an event to somebody's mailbox: at least once, also with a channel that is down and a process that dies."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import a_signal, some_terms
from tests.unit.engine.house import House
from tests.unit.notify.receivers import Received, a_mail_server, a_webhook
from tradebot.adapters.mailbag import Mailbag
from tradebot.adapters.notify.channel import AppriseChannel, Channel, ChannelFailed
from tradebot.adapters.notify.courier import Courier
from tradebot.adapters.storage.outbox_reader import OutboxReader
from tradebot.domain.errors import BrokerRejected
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.notice_limits import NoticeLimits
from tradebot.domain.notices import Topic, announcing
from tradebot.domain.outbox import OutboxEntry, OutboxKind, OutboxState
from tradebot.engine.messages import OutboxMarked


class Post:
    """A house whose events go out over channels, moved on by hand; `told` is what the courier says of itself."""

    def __init__(self, *channels: Channel, limits: NoticeLimits | None = None) -> None:
        self.announce = announcing([channel.name for channel in channels], frozenset(Topic))
        self.house = House(announcers=[self.announce])
        self.channels = channels
        self.limits = limits or NoticeLimits()
        self.told: list[Event] = []
        self.marks_lost = False
        self.begin()

    def begin(self) -> None:
        """A courier of its own, as after a start of the process."""
        self.mailbag = Mailbag(
            OutboxReader(self.house.database.engine), OutboxKind.NOTIFICATION, self.announce, self._mark
        )
        self.courier = Courier(self.mailbag, self.channels, self.limits, self.house.clock, self.told.append)

    def reject(self, decision: str = "signal-1") -> None:
        symbol = decision.upper()
        self.house.broker.symbol_terms[symbol] = some_terms()
        self.house.broker.troubles["place"] = [BrokerRejected(f"RMS: no margin for {decision}")]
        self.house.signals(a_signal(id=decision, symbol=symbol))

    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes * 6):
            self.house.clock.at += timedelta(seconds=10)
            self.courier.step()
            self.house.settle()

    def states(self) -> list[OutboxState]:
        counts = OutboxReader(self.house.database.engine).counts()
        return [state for (_, _, state), number in counts.items() for _ in range(number)]

    def _mark(self, entries: tuple[OutboxEntry, ...]) -> bool:
        if self.marks_lost:
            return False
        self.house.inbox.put(OutboxMarked(entries=entries))
        return True


class Deaf:
    """Takes nothing while it is down."""

    name = "deaf"

    def __init__(self) -> None:
        self.is_down = True
        self.taken: list[tuple[str, str]] = []
        self.tries = 0

    def send(self, title: str, body: str) -> None:
        self.tries += 1
        if self.is_down:
            raise ChannelFailed("nobody answers")
        self.taken.append((title, body))


def rejections(messages: list[tuple[str, str]]) -> list[str]:
    return [title for title, _ in messages if "rejected" in title]


def test_a_rejection_arrives_at_a_webhook_and_in_a_mailbox() -> None:
    with a_webhook() as (hook, at_hook), a_mail_server() as (mail, in_box):
        post = Post(AppriseChannel(hook), AppriseChannel(mail))

        post.reject()
        post.pass_time(1)

        for received in (at_hook, in_box):
            (said,) = [(title, body) for title, body in received.messages if "rejected" in title]
            assert "Broker rejected: RMS: no margin" in said[0]
            assert "order: " in said[1]
        assert set(post.states()) == {OutboxState.DELIVERED}


@pytest.mark.parametrize("server", [a_webhook, a_mail_server])
def test_a_server_that_refuses_is_tried_again_and_the_address_stays_secret(server: object) -> None:
    assert callable(server)
    with server() as (url, received):
        received: Received
        received.refuses = True
        post = Post(AppriseChannel(url))

        post.reject()
        post.pass_time(2)
        assert received.messages == []
        assert received.refused >= 3
        received.refuses = False
        post.pass_time(5)

        assert len(rejections(received.messages)) == 1
        said = " ".join(event.message for event in post.told)
        assert "does not take messages" in said
        assert not [word for word in ("hook-pass-7f3a", "hook-token-91bc", "operator@local") if word in said]


def test_a_channel_that_is_down_for_an_hour_loses_nothing_critical_and_is_told() -> None:
    deaf = Deaf()
    post = Post(deaf)
    for number in range(25):
        post.reject(f"signal-{number}.")
        post.pass_time(2)
    post.pass_time(20)
    assert deaf.taken == []
    assert [event.name for event in post.told] == [EventName.NOTIFICATION_FAILED] * 2
    assert deaf.tries < 40

    deaf.is_down = False
    post.pass_time(10)

    said = "\n".join(f"{title}\n{body}" for title, body in deaf.taken)
    rejected = post.house.told(EventName.ORDER_REJECTED)
    assert len(rejected) >= 5
    assert all(event.message in said for event in rejected)
    assert post.told[-1].name is EventName.NOTIFICATION_RESTORED
    assert set(post.states()) == {OutboxState.DELIVERED}


def test_what_was_not_sent_when_the_process_died_is_sent_by_the_next_one() -> None:
    deaf = Deaf()
    post = Post(deaf)
    post.reject()

    post.house.restart()
    deaf.is_down = False
    post.begin()
    post.pass_time(1)

    assert len(rejections(deaf.taken)) == 1
    post.house.restart()
    post.begin()
    post.pass_time(1)
    assert len(rejections(deaf.taken)) == 1


def test_a_mark_that_is_not_saved_yet_does_not_send_it_again() -> None:
    deaf = Deaf()
    deaf.is_down = False
    post = Post(deaf)
    post.marks_lost = True

    post.reject()
    post.pass_time(5)
    assert len(rejections(deaf.taken)) == 1
    assert OutboxState.WAITING in post.states()
    post.marks_lost = False
    post.pass_time(1)

    assert set(post.states()) == {OutboxState.DELIVERED}
    assert len(rejections(deaf.taken)) == 1


def test_an_event_without_a_row_is_sent_and_gets_one() -> None:
    deaf = Deaf()
    post = Post(deaf)
    stopped = Event(
        name=EventName.ENTRIES_STOPPED, at=post.house.clock.at, level=Level.CRITICAL, message="the disk is full"
    )

    post.mailbag.hear(stopped)
    post.pass_time(1)
    assert post.states() == [OutboxState.WAITING]
    deaf.is_down = False
    post.pass_time(3)

    assert [title for title, _ in deaf.taken] == ["CRITICAL: alert: the disk is full"]
    assert post.states() == [OutboxState.DELIVERED]


def test_a_database_that_cannot_be_read_does_not_keep_an_alert_back() -> None:
    deaf = Deaf()
    deaf.is_down = False
    post = Post(deaf)
    post.house.database.engine.dispose()  # the next connection finds another database in memory, without tables
    stopped = Event(name=EventName.ENTRIES_STOPPED, at=post.house.clock.at, level=Level.CRITICAL, message="gone")

    post.mailbag.hear(stopped)
    post.courier.step()

    assert [title for title, _ in deaf.taken] == ["CRITICAL: alert: gone"]


def test_one_channel_that_is_down_does_not_keep_the_other_back() -> None:
    deaf, other = Deaf(), Deaf()
    other.name, other.is_down = "other", False
    post = Post(deaf, other)

    post.reject()
    post.pass_time(1)

    assert len(rejections(other.taken)) == 1
    assert deaf.taken == []


def test_what_waits_for_a_channel_that_is_gone_is_given_up() -> None:
    post = Post(Deaf())
    post.reject()

    other = Deaf()
    other.name = "other"
    post.channels = (other,)
    post.begin()
    post.pass_time(1)

    assert set(post.states()) == {OutboxState.DEAD}


def test_an_address_that_is_none_is_refused_without_naming_it() -> None:
    with pytest.raises(ValueError, match=r"^nonsense-[0-9a-f]{8} is no address") as refusal:
        AppriseChannel("nonsense://secret-word")

    assert "secret-word" not in str(refusal.value)


def test_the_thread_sends_what_it_hears_and_stops() -> None:
    with a_webhook() as (hook, received):
        post = Post(AppriseChannel(hook))
        post.courier.start()

        post.mailbag.hear(
            Event(name=EventName.ENTRIES_STOPPED, at=post.house.clock.at, level=Level.CRITICAL, message="stop")
        )
        found = received.wait_for(1)
        post.courier.stop()

    assert [title for title, _ in found] == ["CRITICAL: alert: stop"]
