"""The composition root: builds a daemon from the settings. The only place that knows every part; no logic."""

from tradebot.app.books import look_at_database, open_reader
from tradebot.app.configuration import ConfigSource, read_market
from tradebot.app.daemon import Ports, Rules, build_engine, job_messages
from tradebot.app.live import Live, open_live
from tradebot.app.paper import Paper, open_paper
from tradebot.app.replay import Replay, open_replay
from tradebot.app.spool import command_files

__all__ = [
    "ConfigSource",
    "Live",
    "Paper",
    "Ports",
    "Replay",
    "Rules",
    "build_engine",
    "command_files",
    "job_messages",
    "look_at_database",
    "open_live",
    "open_paper",
    "open_reader",
    "open_replay",
    "read_market",
]
