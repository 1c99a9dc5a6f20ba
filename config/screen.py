"""The keys that say what the terminal shows."""

from __future__ import annotations

from decimal import Decimal

from config.declaring import SECONDS, Section, key
from config.kinds import Number, Ui, UiWord


class Screen(Section):
    """What the terminal shows. `ui` (and `--ui`) win over the switches, unless it is "auto"."""

    ui: UiWord = key(
        "ui",
        Ui.AUTO,
        "auto: what the switches below say; full: the dashboard; line: plain lines; off: the end of a run alone. Where"
        " there is no terminal fit for it, lines take the place of everything else",
    )
    live_monitor_refresh_s: Number = key(
        "LIVE_MONITOR_REFRESH_S",
        Decimal(2),
        "how often the dashboard shows a new picture; + and - change it while it runs",
        unit=SECONDS,
        low=Decimal("0.5"),
        high=Decimal(5),
    )
    watchlist: str = key(
        "WATCHLIST",
        "",
        "symbols to watch beside those of the signals, with commas between them",
        allowed="symbols such as INFY,M&M, at most 40, or empty",
        pattern=r"^([A-Z0-9&-]{1,20}(,[A-Z0-9&-]{1,20}){0,39})?$",
    )
    enable_live_monitors: bool = key(
        "ENABLE_LIVE_MONITORS",
        True,
        "a screen that stays and changes; off: lines, one below the other",
        under_master=True,
    )
    enable_live_dashboard: bool = key("ENABLE_LIVE_DASHBOARD", True, "all panels of that screen", under_master=True)
    enable_live_heartbeat: bool = key(
        "ENABLE_LIVE_HEARTBEAT", True, "its header alone, where the dashboard is off", under_master=True
    )
    enable_rich_logging: bool = key(
        "ENABLE_RICH_LOGGING", True, "lines in colour on a terminal, where no screen is on", under_master=True
    )

    @property
    def watched(self) -> tuple[str, ...]:
        return tuple(symbol for symbol in self.watchlist.split(",") if symbol)
