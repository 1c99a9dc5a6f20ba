"""The report as one page of HTML: nothing is loaded, nothing runs, light or dark, as narrow as a phone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tradebot.interfaces.report.charts import bars, histogram, line
from tradebot.interfaces.report.figures import Figures, Rows

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --paper: #ffffff; --card: #f5f6f8; --rule: #d8dce1;
  --gain: #1a7f4b; --loss: #c0392b; --line: #2563b0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --soft: #9aa4b0; --paper: #14171b; --card: #1d2127;
  --rule: #333a43; --gain: #3fb97b; --loss: #e8705f; --line: #6ea8ef; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: .5rem 0; } h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .6rem; margin: 1rem 0; }
.facts div, section { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .8rem; }
.facts dt { color: var(--soft); font-size: .85rem; } .facts dd { margin: 0; font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
section { margin-bottom: 1rem; } .charts section { margin: 0; }
.charts { margin-bottom: 1rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; overflow-wrap: normal; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--soft); font-weight: 500; white-space: nowrap; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.n + :not(.n) { padding-left: .7rem; }
td:last-child { min-width: 8rem; } td.n:last-child { min-width: 0; }
p, footer { color: var(--soft); } footer { font-size: .85rem; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font-size: 12px; }
.y { text-anchor: end; } .x { text-anchor: middle; } .grid { stroke: var(--rule); } .zero { stroke: var(--soft); }
.gain { fill: var(--gain); } .loss { fill: var(--loss); }
.line { fill: none; stroke: var(--line); stroke-width: 2; } .dot { fill: var(--line); }
""".strip()
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def report_page(figures: Figures) -> str:
    """A whole document; every text from outside is escaped."""
    title = f"tradebot run {escape(figures.session)}"
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in figures.facts)
    sources = "".join(f"<li>{escape(source)}</li>" for source in figures.sources)
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n<h1>{title}</h1>",
            f'<dl class="facts">{facts}</dl>',
            f'<div class="charts">\n{_charts(figures)}\n</div>',
            *(_table(rows) for rows in figures.tables),
            f"<footer>Made from:<ul>{sources}</ul>Instants are IST, money is rupees.</footer>\n</body>\n</html>\n",
        ]
    )


def _charts(figures: Figures) -> str:
    by_day = [(f"{day:%d %b}", pnl) for day, pnl in figures.pnl_by_day]
    total = [(f"{day:%d %b}", pnl) for day, pnl in figures.cumulative]
    slippage = "Slippage of orders, bps (positive is worse)"
    return "\n".join(
        [
            _chart("Realised P&L by day, Rs", by_day, bars(by_day, "Realised P&L by day", "Rs")),
            _chart("Realised P&L, all days together, Rs", total, line(total, "Realised P&L of all days", "Rs")),
            _chart(slippage, figures.slippage_bps, histogram(figures.slippage_bps, "Slippage of orders", "bps")),
        ]
    )


def _chart(title: str, points: Sequence[object], drawn: str) -> str:
    inside = drawn if points else "<p>nothing to draw</p>"
    return f"<section>\n<h2>{escape(title)}</h2>\n{inside}\n</section>"


def _table(rows: Rows) -> str:
    title = f"<h2>{escape(rows.title)}</h2>"
    if not rows.rows:
        return f"<section>{title}<p>{escape(rows.empty)}</p></section>"
    head = "".join(_cell("th", name, column, rows) for column, name in enumerate(rows.header))
    body = "\n".join(
        "<tr>" + "".join(_cell("td", text, column, rows) for column, text in enumerate(row)) + "</tr>"
        for row in rows.rows
    )
    more = f"<p>and {rows.left_out} more</p>" if rows.left_out else ""
    inside = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    return f'<section>{title}<div class="wide">{inside}</div>{more}</section>'


def _cell(kind: str, text: str, column: int, rows: Rows) -> str:
    mark = ' class="n"' if column in rows.right else ""
    return f"<{kind}{mark}>{escape(text)}</{kind}>"
