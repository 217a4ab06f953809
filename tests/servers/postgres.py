"""A real PostgreSQL for tests, from Debian's package: own cluster, own port, gone afterwards."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.requirement import Missing

OUTSIDE = "TAGLAKE_TEST_POSTGRES"
NO_PROGRAMS = f"PostgreSQL is missing: apt install postgresql, or set {OUTSIDE}=postgresql+asyncpg://user@host/empty"
# A test cluster may lose everything in a crash, so it waits for no disk.
SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=100",
)


@contextmanager
def running(directory: Path) -> Iterator[str]:
    """Yield the SQLAlchemy URL of an empty database; its server and files are gone afterwards.

    Raises Missing where there is no PostgreSQL, or no user below root to run it.
    """
    if outside := os.environ.get(OUTSIDE):
        yield outside
        return
    programs, user = _programs(), _user()
    with _home(directory, user) as home:
        port = _free_port()
        _run(user, programs / "initdb", "-D", home / "data", "-A", "trust", "-U", "taglake", "-N")
        options = " ".join(f"-c {setting}" for setting in (*SETTINGS, f"port={port}"))
        control = (programs / "pg_ctl", "-D", home / "data", "-w", "-l", home / "server.log")
        _run(user, *control, "-o", options, "start")
        try:
            yield f"postgresql+asyncpg://taglake@127.0.0.1:{port}/postgres"
        finally:
            _run(user, *control, "-m", "immediate", "stop")


def _programs() -> Path:
    """Return the folder with initdb and pg_ctl; Debian keeps its own off PATH."""
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("[0-9]*"), key=lambda path: int(path.name))
    if not versions or not (versions[-1] / "bin" / "pg_ctl").exists():
        raise Missing(NO_PROGRAMS)
    return versions[-1] / "bin"


def _user() -> str | None:
    """Return whom to run the server as: None for ourselves, since PostgreSQL refuses only root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known and shutil.which("runuser"):
            return name
    raise Missing("PostgreSQL refuses root, and there is no user postgres or nobody to run it as")


@contextmanager
def _home(directory: Path, user: str | None) -> Iterator[Path]:
    """Yield a folder the server can reach: pytest's own are closed to all but root."""
    if user is None:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="taglake-postgres-") as home:
        shutil.chown(home, user)
        yield Path(home)


def _run(user: str | None, *command: object) -> None:
    """Run one program to its end; its words come with the error."""
    words = [str(word) for word in command]
    if user is not None:
        words = ["runuser", "-u", user, "--", *words]
    # No pipes: the server inherits them and would hold them open for as long as it runs.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(words, stdout=said, stderr=said, cwd="/", check=False)
        said.seek(0)
        if done.returncode != 0:
            raise RuntimeError(f"{words[-1]} ended with {done.returncode}: {said.read()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
