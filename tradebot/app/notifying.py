"""Messages to people: channels, limits and the thread that sends, from the settings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from config.settings import Settings
from tradebot.adapters.mailbag import Mailbag
from tradebot.adapters.notify.courier import Courier
from tradebot.adapters.storage.outbox_reader import OutboxReader
from tradebot.app.books import Books
from tradebot.app.configuration import notification_channels
from tradebot.app.daemon import Ports
from tradebot.domain.events import Event, EventName, Level
from tradebot.domain.notice_limits import NoticeLimits
from tradebot.domain.notices import announcing
from tradebot.domain.outbox import OutboxEntry, OutboxKind
from tradebot.engine.announcing import Announcer
from tradebot.engine.engine import Engine
from tradebot.engine.inbox import Inbox, InboxFull
from tradebot.engine.messages import OutboxMarked
from tradebot.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """What the engine asks for entries of the outbox, and the end of the thread that sends them."""

    announcers: tuple[Announcer, ...] = ()
    stop: Callable[[], None] = lambda: None

    def added_to(self, ports: Ports) -> Ports:
        return replace(ports, announcers=(*ports.announcers, *self.announcers))

    def finish(self, engine: Engine) -> None:
        """Nothing more is sent, and what became of the last messages is saved."""
        self.stop()
        engine.run_pending()


def begin_notifications(
    stack: ExitStack, settings: Settings, books: Books, inbox: Inbox, clock: Clock
) -> Notifications:
    """Nothing where they are switched off, which is told."""
    if not settings.notifications.enable_notifications:
        books.bus.publish([_switched_off(settings, clock)])
        return Notifications()
    channels = notification_channels(settings)
    announce = announcing([channel.name for channel in channels], settings.notifications.topics)

    def mark(entries: tuple[OutboxEntry, ...]) -> bool:
        try:
            inbox.put(OutboxMarked(entries=entries))
        except InboxFull:
            return False
        return True

    mailbag = Mailbag(OutboxReader(books.database), OutboxKind.NOTIFICATION, announce, mark)
    courier = Courier(mailbag, channels, limits_of(settings), clock, books.relay.put)
    books.bus.subscribe(mailbag.hear)
    courier.start()
    stack.callback(courier.stop)
    return Notifications(announcers=(announce,), stop=courier.stop)


def limits_of(settings: Settings) -> NoticeLimits:
    section = settings.notifications
    return NoticeLimits(
        per_minute=section.notify_per_minute_max,
        per_hour=section.notify_per_hour_max,
        quiet_from=section.notify_quiet_from,
        quiet_until=section.notify_quiet_until,
    )


def _switched_off(settings: Settings, clock: Clock) -> Event:
    is_live = settings.run.mode == "live"
    return Event(
        name=EventName.NOTIFICATIONS_OFF,
        at=clock.now(),
        level=Level.WARNING if is_live else Level.INFO,
        message="notifications are off: nobody is told of rejections, manual activity or alerts"
        + (", with real orders" if is_live else ""),
        component="notifications",
    )
