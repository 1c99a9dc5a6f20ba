"""Which schema a database stands at, whether this code can work with it, and how a new one is made."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    Column,
    Engine,
    MetaData,
    NullPool,
    PrimaryKeyConstraint,
    String,
    Table,
    create_engine,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import DBAPIError

from tradebot.adapters.storage import tables
from tradebot.adapters.storage.database import Durability, for_reading, open_engine
from tradebot.adapters.storage.faults import as_refusal
from tradebot.domain.errors import StateCorrupt

DEFAULT_URL = "sqlite:///state/tradebot.db"
OLDER_REVISION = "b8f2a1c3d4e5"
# Oldest first; a test compares them with the files in `migrations/versions`.
REVISIONS = (
    "c38b470b20d1",
    "873e86bc5772",
    "3473a345c7fb",
    "5d1e0c7a94b2",
    "8f4b2d6c1e37",
    "9c27e4b0d815",
    "b61d0f3e72a9",
    "d24c9b7e1f60",
)
HEAD = REVISIONS[-1]

_UPGRADE = "python main.py migrate up"
_alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


class WrongSchema(StateCorrupt):
    """The database does not stand at the schema of this code; `mend` names the command that helps."""


def create_database(url: str, durability: Durability = "power") -> Engine:
    """An engine for the database at `url`, which is made when it is empty or not there.

    A new one is made from `tables.py` in one transaction and stamped as if all migrations had run, which a test
    proves to be the same. Raises WrongSchema for one that is behind, ahead or foreign, and StateCorrupt for one
    that cannot be read.
    """
    _look_first(url)
    engine = open_engine(url, durability)
    database = engine.url.database
    if engine.dialect.name == "sqlite" and database not in (None, "", ":memory:"):
        Path(str(database)).parent.mkdir(parents=True, exist_ok=True)
    try:
        if _is_empty(engine):
            _create(engine)
        check_version(engine)
    except DBAPIError as error:
        engine.dispose()
        raise as_refusal(engine.url.render_as_string(), error) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def _look_first(url: str) -> None:
    """A file that is not ours is refused before a connection of ours has changed anything in it."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or not Path(parsed.database).is_file():
        return
    plain = create_engine(parsed, poolclass=NullPool)
    try:
        if not _is_empty(plain):
            check_version(plain)
    except DBAPIError:
        return  # not readable at all: the opening that follows says why
    finally:
        plain.dispose()


def check_version(engine: Engine) -> None:
    """Raises WrongSchema unless the database stands at `HEAD`."""
    place = engine.url.render_as_string()
    match _stamps(engine):
        case (stamp,) if stamp == HEAD:
            return
        case () if _is_empty(engine):
            raise WrongSchema(place, "holds no tables", mend="run `python main.py` once, or name another database")
        case ():
            raise WrongSchema(place, "holds tables of something else, or was never stamped", mend=_mend_unstamped())
        case (stamp,) if stamp == OLDER_REVISION:
            raise WrongSchema(place, f"stands at {OLDER_REVISION}, older than the history", mend=mend_older())
        case (stamp,) if stamp in REVISIONS:
            raise WrongSchema(place, f"is behind the code: at {stamp}, not at {HEAD}", mend=_UPGRADE)
        case stamps:
            found = ", ".join(stamps)
            mend = f"run the newer tradebot that made it, or go back with that one: python main.py migrate down {HEAD}"
            raise WrongSchema(place, f"is ahead of the code: at {found}, not at {HEAD}", mend=mend)


def mend_older() -> str:
    """What to do with a database that is stamped with the revision before the baseline."""
    return (
        f"{OLDER_REVISION} belongs to an older history that ended in the nine-status schema of {REVISIONS[0]}. "
        "If orders has the ten monitoring columns (failure_reason ... execution_time) and order_metadata, run: "
        f"alembic stamp --purge {REVISIONS[0]}, then: {_UPGRADE}. If not, bring it there with the old software first"
    )


def _mend_unstamped() -> str:
    return (
        f"if these are the orders of the nine-status schema, run: alembic stamp {REVISIONS[0]}, "
        f"then: {_UPGRADE}; else name another database"
    )


def _is_empty(engine: Engine) -> bool:
    with for_reading(engine).begin() as connection:
        return not inspect(connection).get_table_names()


def _create(engine: Engine) -> None:
    with engine.begin() as connection:
        tables.whole_schema.create_all(connection)
        _alembic_version.create(connection)
        connection.execute(insert(_alembic_version).values(version_num=HEAD))


def _stamps(engine: Engine) -> tuple[str, ...]:
    with for_reading(engine).begin() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ()
        return tuple(connection.execute(select(_alembic_version.c.version_num)).scalars())
