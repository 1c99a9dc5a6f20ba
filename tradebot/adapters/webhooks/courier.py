"""The courier: takes what waits in the outbox to its receivers, and tells the engine what became of it."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

from tradebot.adapters.webhooks.sending import NotDelivered, UnfitUrl, send
from tradebot.domain.outbox import OutboxEntry, OutboxKind
from tradebot.domain.webhooks import GIVEN_UP_AFTER, Webhook
from tradebot.ports import Clock, Outbox

LOOK_S = 1.0
AT_ONCE_MAX = 100
THREADS = 4
SETTLED_MAX = 10_000
_log = logging.getLogger("tradebot.webhooks")


class Courier:
    """A thread that looks once a second. One receiver's entries go one after the other, the oldest first; a slow
    receiver holds nobody else up, and no order.

    Delivery is at least once: what was delivered just before a crash is delivered again, under the same event id.
    """

    def __init__(
        self,
        outbox: Outbox,
        find: Callable[[str], Webhook | None],
        mark: Callable[[list[OutboxEntry]], None],
        clock: Clock,
        real: Clock,
        *,
        allows_private: bool,
    ) -> None:
        """`mark` may raise when the engine takes nothing right now; then it is delivered again. `clock` is the
        daemon's, which the outbox goes by; `real` the machine's, for receivers."""
        self._outbox = outbox
        self._find = find
        self._mark = mark
        self._clock = clock
        self._real = real
        self._allows_private = allows_private
        self._busy: set[str] = set()
        self._told: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._stopping = Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook")
        self._thread = Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is being sent is left to end by itself; what was not sent waits for the next start."""
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._thread.join(LOOK_S * 2)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            try:
                self.look()
            except Exception:  # the next look may find things mended
                _log.exception("the outbox could not be looked through")

    def look(self) -> None:
        """Hand over what is due, receiver by receiver."""
        due: dict[str, list[OutboxEntry]] = {}
        now = self._clock.now()
        for entry in self._outbox.waiting(OutboxKind.WEBHOOK, AT_ONCE_MAX):
            is_told = (entry.id, entry.attempts) in self._told
            if entry.next_attempt_at <= now and not is_told and entry.target not in self._busy:
                due.setdefault(entry.target, []).append(entry)
        for target, entries in due.items():
            self._busy.add(target)
            self._pool.submit(self._deliver_all, target, entries)

    def _deliver_all(self, target: str, entries: Sequence[OutboxEntry]) -> None:
        try:
            for entry in entries:
                after = self.deliver(entry)
                self._mark([after])
                self._told[entry.id, entry.attempts] = None
                while len(self._told) > SETTLED_MAX:
                    self._told.popitem(last=False)
                if after.settled_at is None:
                    return
        except Exception:  # it is looked at again
            _log.exception("webhook %s", target)
        finally:
            self._busy.discard(target)

    def deliver(self, entry: OutboxEntry) -> OutboxEntry:
        """The entry as it is afterwards: delivered, to be tried again later, or given up."""
        webhook = self._find(entry.target)
        now = self._clock.now()
        if webhook is None:
            return entry.given_up(now, "the webhook was removed")
        event_id, timestamp = str(json.loads(entry.payload)["event_id"]), int(self._real.now().timestamp())
        try:
            body = entry.payload.encode()
            taken = send(webhook, event_id, body, timestamp, allows_private=self._allows_private)
        except UnfitUrl as cause:
            return entry.given_up(self._clock.now(), str(cause))
        except NotDelivered as cause:
            return self._failed(entry, str(cause))
        return entry.delivered(self._clock.now(), taken)

    def _failed(self, entry: OutboxEntry, why: str) -> OutboxEntry:
        now = self._clock.now()
        if now - entry.created_at >= GIVEN_UP_AFTER:
            return entry.given_up(now, f"given up after a day: {why}")
        return entry.failed(now, why)
