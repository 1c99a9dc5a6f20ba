"""What the lines of the daemon itself say: its start and end, its configuration, its health, its alerts and its log."""

from __future__ import annotations

from collections.abc import Mapping

from tradebot.domain.event_fields.documented import CRITICAL_ONLY, ERROR_ONLY, WARNING_ONLY, EventFields
from tradebot.domain.events import EventName, Level

PROCESS_EVENTS: Mapping[EventName, EventFields] = {
    EventName.SYSTEMS_INITIALIZED: EventFields(
        meaning="Everything is built and the books are read; the loop begins.", always=("mode", "pending", "positions")
    ),
    EventName.SYSTEMS_STOPPED: EventFields(
        meaning="The loop has ended in an orderly way; nothing is handled any more.", always=("pending", "positions")
    ),
    EventName.CLOCK_STEPPED: EventFields(
        meaning="The wall clock jumped, or (with 0) the scheduler was silent; the day is planned anew.",
        levels=WARNING_ONLY,
        always=("step_s",),
    ),
    EventName.CLOCK_DISAGREES: EventFields(
        meaning="The machine's clock is more than 5 s from the one that the broker writes into its answers (drift_s;"
        " negative: behind). No entries, and nothing of a day is ended, until they agree.",
        levels=CRITICAL_ONLY,
        always=("drift_s",),
    ),
    EventName.CLOCK_AGREES: EventFields(
        meaning="The machine's clock agrees with the broker's again: entries are open, what was held up is caught up.",
        levels=WARNING_ONLY,
    ),
    EventName.CALENDAR_ENDED: EventFields(
        meaning="The clock shows a day that the calendar does not know: nothing is planned, and no entries are taken,"
        " until it shows one that it knows.",
        levels=CRITICAL_ONLY,
    ),
    EventName.FLAGS_IN_FORCE: EventFields(
        meaning="At the start: which switches count, each flag AND the master, as lists in the words of the log."
        " WARNING: something is switched off, judges only, or nothing is sent.",
        levels=(Level.INFO, Level.WARNING),
        always=("master", "switched_on", "switched_off", "shadow"),
    ),
    EventName.CONFIG_CHANGED: EventFields(
        meaning="A live key was edited; its new value counts from the next message on.", always=("key", "old", "new")
    ),
    EventName.CONFIG_NOT_APPLIED: EventFields(
        meaning="A key was edited, and the value in force stays: it needs a restart, or a higher place pins it (cause:"
        " restart, command line, environment or .env).",
        levels=WARNING_ONLY,
        always=("key", "in_force", "wanted", "cause"),
    ),
    EventName.CONFIG_REFUSED: EventFields(
        meaning="An edit of the configuration is wrong; all old values stay. The message names what is wrong.",
        levels=ERROR_ONLY,
        always=("problems",),
    ),
    EventName.INTERNAL_FAULT: EventFields(
        meaning="A defect of tradebot: one message, or (with coid, ERROR) one order, was left out; the rest went on.",
        levels=(Level.ERROR, Level.CRITICAL),
        sometimes=("coid",),
    ),
    EventName.HEARTBEAT: EventFields(
        meaning="The engine's thread is alive; figures of the process, in live and paper only.",
        always=("uptime_s", "inbox", "pending", "positions", "alerts", "memory_mb", "cpu_pct", "ui_cpu_pct"),
    ),
    EventName.SIGN_OF_LIFE: EventFields(
        meaning="The dead-man URL does not take the sign of life (WARNING), or takes it again.",
        levels=(Level.INFO, Level.WARNING),
    ),
    EventName.ALERT_FIRING: EventFields(
        meaning="An alert rule fires, or has got worse or better; action is what is done by itself.",
        levels=(Level.WARNING, Level.CRITICAL),
        always=("alert", "severity", "figure", "threshold", "events", "action"),
    ),
    EventName.ALERT_ACKNOWLEDGED: EventFields(
        meaning="Somebody has seen an alert that stands.", always=("alert", "by")
    ),
    EventName.ALERT_RESOLVED: EventFields(
        meaning="The cause of an alert is gone.", always=("alert", "figure", "lasted_s")
    ),
    EventName.NOTIFICATIONS_OFF: EventFields(
        meaning="Nobody is told of anything: notifications are switched off. WARNING: with real orders.",
        levels=(Level.INFO, Level.WARNING),
    ),
    EventName.NOTIFICATION_FAILED: EventFields(
        meaning="A channel does not take messages; they wait. Told again each hour that it lasts.",
        levels=ERROR_ONLY,
        always=("channel", "failures"),
    ),
    EventName.NOTIFICATION_RESTORED: EventFields(
        meaning="A channel takes messages again; what waited follows.", always=("channel", "failures")
    ),
    EventName.LIBRARY: EventFields(
        meaning="A library has logged something.",
        levels=(Level.WARNING, Level.ERROR, Level.CRITICAL),
        always=("logger",),
        sometimes=("exception",),
    ),
    EventName.LOG_LOST: EventFields(
        meaning="Lines are missing before this one: more came than could be written, or the disk refused them.",
        levels=WARNING_ONLY,
        always=("lost",),
    ),
}
