"""The real Bluesky network on loopback, from its own npm package: PLC, PDS, AppView, and a client.

Installed once into a cache outside the checkout (some minutes: it compiles a database), started in
ten seconds with a PostgreSQL and a redis of its own, stopped by pid.
"""

import fcntl
import hashlib
import json
import os
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from servers import postgres
from servers.requirement import Missing

HERE = Path(__file__).parents[1] / "networks"
PASSWORD = "a-password-of-a-test"
INSTALL_SECONDS, START_SECONDS, ANSWER_SECONDS, STOP_SECONDS = 1200.0, 60.0, 90.0, 15.0
LISTS = ("package.json", "package-lock.json")
NATIVE = "better-sqlite3"  # the only package whose install script we need, and so run
PORTS = ("PDS_PORT", "APPVIEW_PORT", "PLC_PORT", "OZONE_PORT", "INTROSPECT_PORT")


class Network:
    """A running network and its own client. People and posts are numbered as they were made."""

    def __init__(self, node: subprocess.Popen[str], log: Path) -> None:
        self._node, self._log = node, log
        ready = self._answer()
        self.pds, self.appview = str(ready["pds"]), str(ready["appview"])

    def accounts(self, *handles: str) -> list[str]:
        """Make people called `HANDLE.test`; return the DIDs of all people so far."""
        return list(self._do("accounts", handles=handles)["dids"])

    def post(self, by: int, text: str, *langs: str) -> str:
        """Post a text, tags and links marked as the network's own client does; return the uri."""
        return str(self._do("post", by=by, text=text, langs=langs)["uri"])

    def reply(self, by: int, post: int, text: str) -> str:
        """Answer a post; return the uri."""
        return str(self._do("reply", by=by, post=post, text=text)["uri"])

    def delete(self, by: int, post: int) -> None:
        """Delete an own post."""
        self._do("delete", by=by, post=post)

    def like(self, by: int, post: int) -> None:
        """Like a post."""
        self._do("like", by=by, post=post)

    def repost(self, by: int, post: int) -> None:
        """Repost a post."""
        self._do("repost", by=by, post=post)

    def follow(self, by: int, whom: int) -> None:
        """Follow a person."""
        self._do("follow", by=by, whom=whom)

    def settle(self) -> None:
        """Return when the AppView has seen all that was done."""
        self._do("settle")

    def _do(self, name: str, **arguments: Any) -> dict[str, Any]:
        assert self._node.stdin is not None
        self._node.stdin.write(json.dumps({"do": name, **arguments}) + "\n")
        self._node.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(f"{name} failed: {answer['error']}")
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self._node.stdout is not None
        # One answer a command: nothing is buffered when we start to wait, so the pipe tells.
        if not select.select([self._node.stdout], [], [], ANSWER_SECONDS)[0]:
            raise RuntimeError(f"the network was silent for {ANSWER_SECONDS:.0f} s")
        line = self._node.stdout.readline()
        if not line:
            said = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"the network has ended: {said}")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def running(directory: Path) -> Iterator[Network]:
    """Start the network and yield it; `directory` keeps what its parts print.

    Raises Missing without Node, npm, redis or PostgreSQL, or when npm cannot install.
    """
    for program, package in (("node", "nodejs"), ("npm", "npm"), ("redis-server", "redis-server")):
        if shutil.which(program) is None:
            raise Missing(f"{program} is missing: apt install {package}")
    modules = _installed()
    with ExitStack() as parts:
        database = parts.enter_context(postgres.running(directory))
        ports = _free_ports(len(PORTS) + 1)
        parts.enter_context(_redis(ports[-1], directory))
        environment = {
            **os.environ,
            **{name: str(port) for name, port in zip(PORTS, ports, strict=False)},
            "DB_POSTGRES_URL": database.replace("+asyncpg", ""),
            "DB_POSTGRES_SCHEMA": "bsky",
            "REDIS_HOST": f"127.0.0.1:{ports[-1]}",
            "NODE_PATH": str(modules),
        }
        yield parts.enter_context(_network(environment, directory))


@contextmanager
def _network(environment: Mapping[str, str], directory: Path) -> Iterator[Network]:
    log = directory / "network.log"
    with log.open("wb") as said:
        node = subprocess.Popen(
            ["node", str(HERE / "bluesky.js")],
            env=environment,
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            encoding="utf-8",
        )
        try:
            yield Network(node, log)
        finally:
            _stop(node)


@contextmanager
def _redis(port: int, directory: Path) -> Iterator[None]:
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with (directory / "redis.log").open("wb") as said:
        server = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            _wait_for(port, server)
            yield
        finally:
            _stop(server)


def _wait_for(port: int, server: subprocess.Popen[Any]) -> None:
    """Return when a server accepts connections."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"redis-server did not start on port {port}")


def _stop(process: subprocess.Popen[Any]) -> None:
    """End a process: the network by the end of its commands, others by a signal."""
    pipes: list[IO[Any]] = [pipe for pipe in (process.stdin, process.stdout) if pipe]
    if process.stdin is None:
        process.terminate()
    else:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in pipes:
        pipe.close()


def _free_ports(count: int) -> list[int]:
    """Return free ports, all different: held open together until all are known."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _installed() -> Path:
    """Return the `node_modules` that tests/networks/package.json asks for, installed if need be.

    Several test runs may want it at once, and any may be killed: one holds the lock, and the folder
    gets its name when it is complete.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "taglake"
    target = cache / f"bluesky-{_key()}"
    if target.is_dir():
        return target / "node_modules"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "bluesky.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            partial = cache / "bluesky.partial"
            shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
            _install(partial)
            partial.rename(target)
    return target / "node_modules"


def _key() -> str:
    """Return what an installation depends on: the list of packages, and the ABI of Node."""
    node = _said("node", "-p", "process.versions.modules + process.arch")
    lists = b"".join((HERE / name).read_bytes() for name in LISTS)
    return hashlib.sha256(lists + node.encode()).hexdigest()[:12]


def _install(folder: Path) -> None:
    """Install into a folder. Raises Missing with npm's last words."""
    folder.mkdir()
    for name in LISTS:
        shutil.copy(HERE / name, folder)
    _npm(folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    # From npm 11 on an install script has to be allowed by name; before, there is no such command.
    _said("npm", "install-scripts", "approve", NATIVE, cwd=folder, check=False)
    _npm(folder, "rebuild", NATIVE, "--ignore-scripts=false")
    if not list((folder / "node_modules" / NATIVE).rglob("better_sqlite3.node")):
        raise Missing(f"npm built no {NATIVE}: apt install g++ make python3, then try again")


def _npm(folder: Path, *words: str) -> None:
    try:
        _said("npm", *words, cwd=folder)
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stdout.splitlines() if "error" in line] or ["no reason"]
        reason = " ".join(lines[:3])[:300]
        raise Missing(f"npm {words[0]} failed, is a registry in reach? {reason}") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"npm {words[0]} took over {INSTALL_SECONDS:.0f} s") from None


def _said(*command: str, cwd: Path | None = None, check: bool = True) -> str:
    """Run a program to its end and return what it printed."""
    return subprocess.run(
        command,
        cwd=cwd,
        check=check,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_SECONDS,
    ).stdout
