"""How the process ends: each way has its number, as operators and service managers expect."""

from __future__ import annotations

from enum import IntEnum

from config.market_rules import MarketDataFileError
from config.problems import ConfigError
from tradebot.cli.out_of_memory import OUT_OF_MEMORY, is_out_of_memory
from tradebot.domain.calendar import CalendarHorizonError
from tradebot.domain.errors import AlreadyRunning, BrokerError, SaveFailed, StateCorrupt, TradebotError
from tradebot.exchange.books import BooksFailed


class ExitCode(IntEnum):
    """The numbers are those of sysexits.h where it has one."""

    OK = 0
    CRASH = 1
    USAGE = 2
    REFUSED = 65
    DIFFERS = 66
    BROKER_UNAVAILABLE = 69
    STATE_CORRUPT = 70
    MEMORY = OUT_OF_MEMORY
    FOLDER = 73
    LATER = 75
    CONFIGURATION = 78


MEANINGS = {
    ExitCode.OK: "done, or stopped in an orderly way",
    ExitCode.CRASH: "crash: a defect of tradebot itself",
    ExitCode.USAGE: "the command line cannot be understood",
    ExitCode.REFUSED: "the command was understood and not carried out: what it is about does not allow it",
    ExitCode.DIFFERS: "a recorded session that ran again decides something else today",
    ExitCode.BROKER_UNAVAILABLE: "the broker cannot be reached at the start",
    ExitCode.STATE_CORRUPT: "the books cannot be trusted, or the database does not fit the code",
    ExitCode.MEMORY: "the system gives no more memory: nothing that was told is lost, and what was open is looked up",
    ExitCode.FOLDER: "a folder is in use by another process, or cannot be written",
    ExitCode.LATER: "the command is kept, and is done when tradebot runs",
    ExitCode.CONFIGURATION: "the configuration, a data file or a date is wrong",
}


def exit_code(error: Exception) -> ExitCode:
    """The code for an error that ends the process; CRASH for one that nobody foresaw."""
    if is_out_of_memory(error):
        return ExitCode.MEMORY
    match error:
        case AlreadyRunning() | SaveFailed() | BooksFailed() | OSError():
            return ExitCode.FOLDER
        case StateCorrupt():
            return ExitCode.STATE_CORRUPT
        case BrokerError():
            return ExitCode.BROKER_UNAVAILABLE
        case ConfigError() | MarketDataFileError() | CalendarHorizonError() | TradebotError():
            return ExitCode.CONFIGURATION
        case _:
            return ExitCode.CRASH
