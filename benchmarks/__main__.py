"""`python -m benchmarks`: the whole table; with the names of rows, those alone."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from time import perf_counter

from benchmarks import machine, results
from benchmarks.effort import QUICK, WHOLE, Effort
from benchmarks.figures import as_text
from benchmarks.results import Measured
from benchmarks.rows import ROWS


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    effort, names = _effort(options), options.rows or list(ROWS)
    print("\n".join([f"{machine.today()}, commit {machine.commit()}", *machine.described()]), flush=True)
    path = results.FOLDER / f"{_file_name(options.rows)}.json"
    found: dict[str, Measured] = {}
    for name in names:
        if (measured := _measured(name, effort)) is not None:
            found[name] = measured
            if not options.quick:
                # After each row: a run that is interrupted has what it had.
                results.write(path, found)
    if options.quick:
        print("\na quick run: not kept")
    else:
        print(f"\nkept in {path}; `python -m benchmarks.page {path}` puts it into docs/performance.md")
    return 0 if len(found) == len(names) else 1


def _measured(name: str, effort: Effort) -> Measured | None:
    """None for a row that broke: the others are measured all the same."""
    machine_now, began = machine.described(), perf_counter()
    try:
        tables = ROWS[name](effort)
    except Exception:  # told in full, and in the exit code
        print(f"\n{name} broke:\n{traceback.format_exc()}", flush=True)
        return None
    took_s = perf_counter() - began
    for row in tables:
        print(f"\n{as_text(row)}", flush=True)
    print(f"\n({name} took {took_s:.0f} s)", flush=True)
    return Measured(
        on=machine.today(), commit=machine.commit(), machine=machine_now, took_s=round(took_s, 1), tables=tables
    )


def _file_name(rows: Sequence[str]) -> str:
    return "-".join([machine.today(), machine.commit(), *rows])


def _effort(options: argparse.Namespace) -> Effort:
    given = {each.name: getattr(options, each.name) for each in fields(Effort)}
    told = {name: value for name, value in given.items() if value is not None}
    return replace(QUICK if options.quick else WHOLE, **told)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What things cost, beside their floors.")
    parser.add_argument("rows", nargs="*", type=_row, metavar="row", help=f"of {', '.join(ROWS)}; or all")
    parser.add_argument("--quick", action="store_true", help="to try it: few rounds, nothing kept")
    parser.add_argument("--runs", type=int, help=f"runs, of which the median counts ({WHOLE.runs})")
    parser.add_argument("--rounds", type=int, help=f"rounds of a run, where its time allows them ({WHOLE.rounds})")
    parser.add_argument(
        "--seconds",
        type=float,
        help=f"how long crash points and each rate of the stream are tried ({WHOLE.seconds:g})",
    )
    parser.add_argument("--load-s", type=float, help=f"how long each load is kept up ({WHOLE.load_s:g}; promised: 600)")
    parser.add_argument("--to", type=date.fromisoformat, dest="last_day", help=f"the replay's end ({WHOLE.last_day})")
    parser.add_argument("--days", type=int, help=f"trading days of the soak ({WHOLE.days})")
    parser.add_argument("--ticks-s", type=int, help="end the day of ticks after so many seconds (at its close)")
    parser.add_argument("--folder", type=Path, help="where the temporary files go (a quiet disk)")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter with nautilus_trader, for the row `peers`")
    return parser


def _row(name: str) -> str:
    if name not in ROWS:
        raise argparse.ArgumentTypeError(f"there is no row {name!r}")
    return name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
