"""A fleet of shipped `taglake ingest` processes between one registry and a provider that counts."""

import asyncio
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
import sqlalchemy as sa

from faults.judge import Asked
from registry import Registry, open_registry, schema
from registry.models import CampaignDraft
from servers.processes import TAGLAKE, eventually, free_port, started

PEPPER = "a pepper for the faults of fleets"
LOOK = 0.1  # seconds between two looks at the registry
START_SECONDS = 90.0  # for all lanes to be held and shared, on a machine that is busy


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """How large a fleet is, and how fast its time runs."""

    lanes: int
    limit: int
    window: float
    lease: float
    tags: int
    refresh: float = 1.0


class Held(msgspec.Struct, frozen=True):
    """Who held a lane at an instant of our monotonic clock, in milliseconds."""

    at: int
    owner: str | None
    fence: int


class Fleet:
    """Processes by name, ended by the stack. Life: `prepare`, then `start`, `kill`, `stop`."""

    def __init__(self, folder: Path, registry_url: str, setup: Setup, stack: ExitStack) -> None:
        self.setup, self._folder, self._stack = setup, folder, stack
        self.registry_url = registry_url
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: list[tuple[int, str]] = []  # when (monotonic milliseconds), whom
        self._config = folder / "taglake.toml"
        self._config.write_text(self._settings())
        secrets = folder / "secrets"
        secrets.mkdir()
        (secrets / "TAGLAKE_PEPPER").write_text(PEPPER)
        for name in self.accounts:
            (secrets / name).write_text(f"token-of-{name}")

    @property
    def accounts(self) -> list[str]:
        """Return the names of all accounts."""
        return [f"account-{number:02d}" for number in range(self.setup.lanes)]

    def _settings(self) -> str:
        setup = self.setup
        lines = [
            f'secrets = "{self._folder}/secrets"',
            "[registry]", f'url = "{self.registry_url}"',
            "[ingest]", f"lease = {setup.lease}", f"refresh = {setup.refresh}", "grace = 3",
        ]  # fmt: skip
        for name in self.accounts:
            lines += [
                "[[accounts]]", 'source = "mastodon"', f'name = "{name}"',
                f'base_url = "http://127.0.0.1:{self.port}"', f'secret = "{name}"',
                f"limit = {setup.limit}", f"window = {setup.window}",
            ]  # fmt: skip
        return "\n".join(lines) + "\n"

    async def prepare(self) -> None:
        """Start the provider, and register campaigns of as many tags as the setup wants."""
        setup, now = self.setup, datetime.now(UTC)
        self._start("provider", TAGLAKE[0], "-m", "faults.judge", "--port", str(self.port),
                    "--limit", str(setup.limit), "--window", str(setup.window),
                    PYTHONPATH=str(Path(__file__).parents[1]))  # fmt: skip
        async with await open_registry(self.registry_url, pepper=PEPPER) as registry:
            client = await registry.clients.create("fleet", max_targets=setup.tags)
            names = [f"tag{number}" for number in range(setup.tags)]
            for first in range(0, setup.tags, 1000):
                draft = CampaignDraft(
                    name=f"part {first}", networks=("mastodon",),
                    hashtags=tuple(names[first : first + 1000]), baseline_days=0,
                    start=now - timedelta(hours=1), end=now + timedelta(days=7),
                )  # fmt: skip
                await registry.campaigns.create(client.id, draft)
        eventually(self._answers, "the provider answers")

    def _answers(self) -> Asked | None:
        try:
            return self.asked()
        except OSError:
            return None

    def start(self, name: str, **environment: str) -> None:
        """Start one ingestor, on the spool it had before if it ran before."""
        home = self._folder / name
        home.mkdir(exist_ok=True)
        own = {
            "TAGLAKE_INGEST__SPOOL": str(home / "spool.db"),
            "TAGLAKE_LAKE__URL": f"files:{home / 'lake'}",
        }
        words = (*TAGLAKE, "--config", str(self._config), "ingest")
        self._start(name, *words, **own, **environment)

    def _start(self, name: str, *command: str, **environment: str) -> None:
        ours = {key: value for key, value in os.environ.items() if "TAGLAKE" not in key}
        out = self._folder / f"{name}.out"
        self.processes[name] = self._stack.enter_context(
            started(*command, out=out, env=ours | environment)
        )

    def command(self, *arguments: str) -> str:
        """Run one command of an operator to its end and return what it printed."""
        ours = {key: value for key, value in os.environ.items() if "TAGLAKE" not in key}
        words = [*TAGLAKE, "--config", str(self._config), *arguments]
        done = subprocess.run(words, env=ours, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kill(self, name: str) -> str:
        """End a process as a power cut does; return its name in the registry."""
        process = self.processes[name]
        self.kills.append((milliseconds(), self.owner(name)))
        process.kill()
        process.wait()
        return self.kills[-1][1]

    def freeze(self, name: str) -> None:
        """Stop a process where it is."""
        self.processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a stopped process go on."""
        self.processes[name].send_signal(signal.SIGCONT)

    def stop(self, names: list[str]) -> dict[str, int]:
        """Ask processes to end and return their exit codes."""
        for name in names:
            self.processes[name].send_signal(signal.SIGTERM)
        return {name: self.processes[name].wait(timeout=30) for name in names}

    def owner(self, name: str) -> str:
        """Return what a process is called in the registry."""
        return f"{os.uname().nodename}-{self.processes[name].pid}"

    def asked(self) -> Asked:
        """Return what the provider saw."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/__seen", timeout=10) as answer:
            return msgspec.json.decode(answer.read(), type=Asked)

    def said(self, name: str) -> list[dict[str, object]]:
        """Return what a process logged, all its lives together."""
        lines = (self._folder / f"{name}.out").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


class Watcher:
    """Looks at the registry as nobody else does: who holds what, and all that was ever reserved."""

    def __init__(self, registry: Registry, *, now: Callable[[], int] | None = None) -> None:
        self._registry = registry
        self._now = now or milliseconds
        self.held: dict[str, list[Held]] = {}  # by account, only changes
        self.reserved: dict[int, tuple[str, int]] = {}  # by row: account, requests
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> "Watcher":
        await self.look()
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.look()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            await self.look()

    async def look(self) -> None:
        """Note what changed."""
        async with self._registry._database.read() as tx:
            rows = await tx.all(sa.select(schema.spending))
            lanes = await tx.all(sa.select(schema.lanes))
        for row in rows:
            self.reserved[row["id"]] = (row["lane_id"].partition("/")[2], row["grants"])
        for row in lanes:
            changes = self.held.setdefault(row["account"], [])
            now = Held(self._now(), row["lease_owner"], row["fence"])
            if not changes or (changes[-1].owner, changes[-1].fence) != (now.owner, now.fence):
                changes.append(now)

    @property
    def grants(self) -> int:
        """Return how many requests were written ahead."""
        return sum(grants for _, grants in self.reserved.values())

    def grants_of(self, account: str) -> int:
        """Return how many requests of one account were written ahead."""
        return sum(grants for name, grants in self.reserved.values() if name == account)

    async def shared(self, owners: set[str], *, least: int) -> None:
        """Return when all lanes are held, and by each of the owners at least so many."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                held = list(self.owned().values())
                if None not in held and all(held.count(owner) >= least for owner in owners):
                    return
                await asyncio.sleep(LOOK)

    def owned(self) -> dict[str, str | None]:
        """Return who holds each account now."""
        return {account: changes[-1].owner for account, changes in self.held.items()}


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    """Make a database on a server of PostgreSQL for a while, and return its address."""
    asyncio.run(_execute(server, f"CREATE DATABASE {name}"))
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        asyncio.run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def calm(
    held: Mapping[str, list[Held]], kills: list[tuple[int, str]], *, settle: int, end: int
) -> dict[str, list[tuple[int, int]]]:
    """Return when each account was held by a living process, `settle` milliseconds after its claim.

    That long a new holder may have to wait for what the last one wrote ahead.
    """
    died = {owner: at for at, owner in kills}
    stretches: dict[str, list[tuple[int, int]]] = {}
    for account, changes in held.items():
        ends = [change.at for change in changes[1:]] + [end]
        for change, until in zip(changes, ends, strict=True):
            since, last = change.at + settle, min(until, died.get(change.owner or "", until), end)
            if change.owner is not None and since < last:
                stretches.setdefault(account, []).append((since, last))
    return stretches


def milliseconds() -> int:
    """Return the instant of the clock that all processes of this machine share."""
    return time.monotonic_ns() // 1_000_000
