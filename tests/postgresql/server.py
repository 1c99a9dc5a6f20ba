"""One server for each process of the tests, started when the first test wants it, and stopped with the process."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg

from tests.postgresql import programs
from tests.postgresql.programs import NoServer

URL_VARIABLE = "TRADEBOT_TEST_POSTGRES_URL"
"""A server that is there already; its databases named tradebot_test_... are made and dropped."""

_USER, _PASSWORD = "tester", "a-pass:word/of tests"
_PASSWORD_IN_URL = "a-pass%3Aword%2Fof%20tests"
_START_TIMEOUT_S = 120
_STOP_TIMEOUT_S = 60
# Nothing of a test outlives its process: no sync is ever waited for.
_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}


class Server:
    """PostgreSQL's programs running in a temporary folder, as an unprivileged user where we are root."""

    def __init__(self, folder: Path) -> None:
        self._user = _unprivileged()
        self._place = Path(tempfile.mkdtemp(prefix="tradebot-postgresql-"))
        self._programs = self._reachable(folder)
        self._log = self._place / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Raises NoServer with the server's own words."""
        secret = self._place / "password"
        secret.write_text(_PASSWORD, encoding="utf-8")
        self._give_away()
        data = self._place / "data"
        access = ("-U", _USER, "--auth=scram-sha-256", f"--pwfile={secret}")
        self._run(["initdb", "-D", str(data), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", *access])
        port = _free_port()
        options = [
            word for name, value in (_OPTIONS | {"port": str(port)}).items() for word in ("-c", f"{name}={value}")
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(data), *options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self._place,
                user=self._user,
                start_new_session=True,
            )
        self.url = f"postgresql+psycopg://{_USER}:{_PASSWORD_IN_URL}@127.0.0.1:{port}/postgres"
        self._wait(port)
        os.environ["PATH"] = f"{self._programs}{os.pathsep}{os.environ['PATH']}"

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._place, ignore_errors=True)

    def _reachable(self, folder: Path) -> Path:
        """Our own copy is copied again, with its libraries, to where another user can run it."""
        if self._user is None or not folder.is_relative_to(programs.OWN):
            return folder
        shutil.copytree(programs.OWN, self._place / "programs", symlinks=True)
        return self._place / "programs" / folder.relative_to(programs.OWN)

    def _give_away(self) -> None:
        if self._user is not None:
            for path in (self._place, self._place / "password"):
                shutil.chown(path, self._user)

    def _run(self, command: list[str]) -> None:
        program = str(self._programs / command[0])
        try:
            done = subprocess.run(
                [program, *command[1:]],
                cwd=self._place,
                user=self._user,
                capture_output=True,
                text=True,
                timeout=_START_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoServer(f"{program} does not run: {error}") from error
        if done.returncode:
            raise NoServer(f"{program} ended with {done.returncode}: {done.stderr.strip()}")

    def _wait(self, port: int) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(
                    host="127.0.0.1", port=port, user=_USER, password=_PASSWORD, dbname="postgres", connect_timeout=5
                ).close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = self._log.read_text(encoding="utf-8", errors="replace")[-1_000:]
                    raise NoServer(f"the server did not start: {error}\n{said}") from error
                time.sleep(0.05)
            else:
                return


def url() -> str:
    """The URL of a server, its password in it. Raises NoServer."""
    named = os.environ.get(URL_VARIABLE)
    return named or _started().url


def described() -> str:
    """For the head of a test run: which server it will be, without starting one."""
    if os.environ.get(URL_VARIABLE):
        return f"the server that {URL_VARIABLE} names"
    folder = programs.find()
    return str(folder) if folder is not None else "none: `make test` installs one; its tests are skipped"


def stop() -> None:
    """End what this process has started."""
    if _started.cache_info().currsize:
        _started().stop()
        _started.cache_clear()


@contextmanager
def a_database_server() -> Iterator[str]:
    """A server of its own, for a test that stops it."""
    server = Server(_folder())
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


@cache
def _started() -> Server:
    server = Server(_folder())
    try:
        server.start()
    except BaseException:
        server.stop()
        raise
    return server


def _folder() -> Path:
    folder = programs.find()
    if folder is None:
        raise NoServer(f"there is no PostgreSQL here, and {URL_VARIABLE} names no server; `make test` installs one")
    return folder


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root; who else there is."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
