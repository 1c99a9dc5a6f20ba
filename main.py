"""Runs tradebot's command line."""

from tradebot.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
