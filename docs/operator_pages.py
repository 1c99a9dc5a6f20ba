"""MONITORING.md and DEPLOYMENT.md: what can be made from the code in them is."""

# Whole rows and sentences are easier to read than broken ones.
# ruff: noqa: E501

from __future__ import annotations

from datetime import timedelta

from tradebot.domain.alerts import ALERT_RULES, AlertAction, AlertRule, Measure
from tradebot.domain.rollout import GROUPS, PHASES, Phase

_ACTIONS = {
    AlertAction.NONE: "none",
    AlertAction.STOP_ENTRIES: "entries stop until somebody resumes them",
    AlertAction.OFFER_GUARDS: "none; the alert names the guards' thresholds and offers to switch them off",
    AlertAction.FETCH_LESS: "quotes are fetched less often while it stands",
    AlertAction.TELEMETRY_OFF: "fill telemetry is off while it stands",
    AlertAction.MONITORS_OFF: "the terminal's live monitors are off while it stands",
}

_GATES = {
    1: "no duplicate, no silence of the engine",
    2: "fill rate down by less than 10 % of the phase before, average slippage below that of the phase before",
    3: "memory less than 10 MB above the phase before",
    4: "the terminal uses less than 5 points of a processor more",
    5: "none: it is the last one",
}

_MONITORING = """\
# Monitoring

The tables are made from the code by `python -m docs.generate`; the page is not to be edited by hand.

## What to look at

| question | where |
|---|---|
| is it alive? | `HEARTBEAT` in the log every `HEARTBEAT_INTERVAL_S` (live and paper); the terminal's first line; `/health` |
| does an alert stand? | `grep "ALERT_FIRING" logs/*.jsonl`; the terminal's alerts; Grafana by the rules in `monitoring/alerts.yml` |
| how were orders filled? | `telemetry.json` and `fills.csv` in the session's folder |
| what did the guards do? | `grep "GUARD_BLOCK" logs/*.jsonl`; `main.py orders why SYMBOL`; `main.py what-if sessions/NAME` |
| was anything changed? | `grep "CONFIG_CHANGED" logs/*.jsonl`; `settings.json` in the session's folder |
| does a step of the rollout hold? | `main.py rollout` |

## Commands for the log

Each of these gives the figure that the database has; a test runs them on the log of a replay with a few hundred orders.

```sh
grep "COID_DUPLICATE" logs/*.jsonl
grep "ENTRY_SLIPPAGE" logs/*.jsonl | jq '.slippage_bps' | awk '{s+=$1; n++} END {print s/n}'
grep "ORDER_FILLED" logs/*.jsonl | wc -l
grep "ORDER_PARTIAL" logs/*.jsonl | wc -l
grep "RATE_LIMIT_THROTTLE" logs/*.jsonl | wc -l
grep "CACHE_HIT" logs/*.jsonl | wc -l
grep "CACHE_MISS" logs/*.jsonl | wc -l
grep "ERROR" logs/*.jsonl | tail -20
grep "WARNING" logs/*.jsonl | tail -20
wc -l state/coid_registry.json
```

Exactly one file matches `logs/*.jsonl`; earlier ones lie in `logs/archive/`. Uses of remembered quotes are logged in a
replay only with `LOG_CACHE_EVENTS_IN_REPLAY = true`. In a replay nothing waits, since its time stands still during a
call: `RATE_LIMIT_THROTTLE` then says how long the call would have waited. [events.md](events.md) has every event with
its fields.

## Alerts

A rule fires with the first figure beyond its threshold and is resolved with the first one that is not; each change is a
line in the log (`ALERT_FIRING`, `ALERT_RESOLVED`) and goes through the engine, so that a replay of the session shows it
again. Figures are made every 10 seconds, in a replay once a minute of its time. An alert can be acknowledged with
`main.py alerts ack NAME`, over HTTP or with a key of the screen (`ALERT_ACKNOWLEDGED`); it stands until its cause is
gone, and wants to be seen again when it gets worse.

**Rates** are over `ALERT_WINDOW_MIN` minutes and need `ALERT_EVENTS_MIN` events; the growth of memory is the slope over
`ALERT_MEMORY_WINDOW_H` hours, once the figures cover a quarter of them. The fill rate is of finished entries, the rate of
throttled calls is delayed calls over all calls. The thresholds are in `tradebot/domain/alerts.py`, and the rules for
Prometheus in `monitoring/alerts.yml` are made from the same table.
"""

_SILENCE = """
**The engine's thread** is watched by a thread of its own. When it is silent for 10 seconds, or three heartbeats are
missing, entries are refused from that moment on, the alert is written into the log past the engine, and as soon as the
engine wakes it takes the pause into its books: entries stay stopped until somebody resumes them. Exits go on.

## Fill telemetry

With `ENABLE_FILL_TELEMETRY` each order that was sent and has ended becomes a line of `fills.csv`: when it was submitted
and filled, `latency_ms` (from its submission, or from the release of the session where it was placed at night, to its
last fill), quantity and filled quantity, `slippage_bps` beside the price at the decision (without one, beside its limit;
positive is worse), `fees` (taxes and charges of NSE and BSE cash; brokerage and the depository's charge are left out),
attempts and outcome: `full` from 99.9 % on, `partial`, `none` or `error`. `telemetry.json` has counts, rates, means and
percentiles by window, side and symbol. `FILL_TELEMETRY_MAX_HISTORY` orders are kept; 10,000 are below 10 MB.

## Rate limits and remembered quotes

Every call to a broker waits for its turn, at most 5 seconds; then it fails with a clear error, and certainly nothing was
sent. Cancellations overtake placements. Of the operator's limit and the broker's own the smaller one counts; orders never
exceed 10 in any second, rolling or of the calendar. Quotes are answered from memory for `QUOTE_FRESH_S`, up to
`QUOTE_STALE_S` while one refresh runs; equal requests under way at one time are one.
"""

_DEPLOYMENT = """\
# Deployment

The tables are made from the code by `python -m docs.generate`; the page is not to be edited by hand.

## Pre-checks

Before the first start, and before each new version:

```sh
python3 -c "import config; config.validate_config_schema(); print('Config validation: PASSED')"
python3 tests/validate_terminal_ui.py
python3 tests/test_integration_order_flow.py
python3 tests/test_performance_features.py
.venv/bin/python main.py doctor
.venv/bin/python main.py config show
alembic upgrade head
```

- `doctor` finds nothing; the disk has room; the clock is synchronised.
- A copy of `state/` is somewhere else. [migrations.md](migrations.md) says how to go back a version.
- The last session replays without a difference through the new code: `main.py replay sessions/NAME` says
  `no difference`. Where it names a decision, that decision is what the new version changes.
- What other thresholds would have done is known: `main.py what-if sessions/NAME --max-spread-bps 8`.

## Phases

`main.py rollout` shows the phase, the figure of each gate from the sessions' own events, and go or no-go.
`main.py rollout start` begins with phase 1, in which the first hour only observes (`OBSERVE_ONLY`). `main.py rollout next`
is the operator's yes: it edits the flags in `config/tradebot.toml`, keeps its comments and a copy of the file in
`state/config_backups/`, and says which flags need a restart; it refuses on a no-go, and `--force REASON` goes on and
keeps the reason in `state/rollout.json`.
"""

_GATE_NOTE = """
Each gate also needs 24 hours without a critical error. Figures are against the phase before, on the clock that runs: a
replay's own, or the machine's. Nothing recorded is a no-go.

## Rolling back
"""

_SIGN_OFF = """
A flag that is live counts after about two seconds; the others after `pkill -SIGTERM -f "python3 main.py"; sleep 5;
python3 main.py`. Switching the client order ids off because of duplicates would make duplicates: entries stop instead.

## Sign-off

| phase | figures seen | go or no-go | name | date |
|---|---|---|---|---|
| 1 core safety | | | | |
| 2 entry guards | | | | |
| 3 telemetry and exits | | | | |
| 4 terminal UI | | | | |
| 5 full | | | | |

`state/rollout.json` keeps the figures of every step, and each reason for a step that was forced.
"""


def monitoring_page() -> str:
    """docs/MONITORING.md."""
    rows = [_alert_row(rule) for rule in ALERT_RULES.values()]
    head = ["| alert | measured | warning | critical | over | on critical |", "|---|---|---|---|---|---|"]
    return "\n".join([_MONITORING, *head, *rows]) + "\n" + _SILENCE


def deployment_page() -> str:
    """docs/DEPLOYMENT.md."""
    phases = ["| phase | flags | gate to go on |", "|---|---|---|", *(_phase_row(phase) for phase in PHASES)]
    back = [
        "| what goes wrong | step | flags that go off |",
        "|---|---|---|",
        *(f"| {_WRONG[word]} | `main.py rollout back {word}` | {_named(flags)} |" for word, flags in GROUPS.items()),
        "| anything else in the phase at hand | `main.py rollout back` | all of this phase |",
        "| everything | `ENABLE_ORDER_FLOW_HARDENING = false` | every flag under the master |",
        "| orders must not go out at all | `main.py kill`, or `OBSERVE_ONLY = true` | none |",
    ]
    return "\n".join([_DEPLOYMENT, *phases]) + "\n" + _GATE_NOTE + "\n" + "\n".join(back) + "\n" + _SIGN_OFF


_WRONG = {
    "guards": "slippage or the fill rate is critical, or guards block what they should not",
    "telemetry": "memory grows",
    "ui": "the terminal uses the processor",
}


def _alert_row(rule: AlertRule) -> str:
    cells = (f"`{rule.name}`", rule.meaning, _limit(rule, "warning"), _limit(rule, "critical"), _span(rule))
    return f"| {' | '.join(cells)} | {_ACTIONS[rule.action]} |"


def _limit(rule: AlertRule, which: str) -> str:
    threshold = getattr(rule, which)
    if threshold is None:
        return ""
    sign = "<" if rule.is_low_bad else ">"
    return f"{sign}{'=' if rule.is_equal_bad else ''} {threshold} {rule.unit}"


def _span(rule: AlertRule) -> str:
    if rule.measure is Measure.LEVEL:
        return "now"
    span = "24 h" if rule.window == timedelta(hours=24) else "1 h"
    return f"{span}, from {rule.events_min} events on" if rule.events_min > 1 else span


def _phase_row(phase: Phase) -> str:
    lasts = (
        f"{_GATES[phase.number]}; {phase.lasts.total_seconds() / 3600:.0f} h" if phase.lasts else _GATES[phase.number]
    )
    return f"| {phase.number} {phase.name} | {_named(phase.flags)} | {lasts} |"


def _named(flags: tuple[str, ...]) -> str:
    return ", ".join(f"`{flag}`" for flag in flags)
