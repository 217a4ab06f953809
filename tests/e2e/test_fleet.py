"""The compose stack's topology as plain processes, on the settings that the stack mounts.

A real Elasticsearch and PostgreSQL, the simulated networks, one ingestor, one worker, and two API
processes behind HAProxy: a campaign is registered through the balancer and its report read back.
"""

import asyncio
import http.client
import json
import os
import shutil
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import pytest

from servers.processes import TAGLAKE, eventually, free_port, started, stopped
from servers.requirement import require
from simnet.brands import sports_brands
from simnet.truth import Truth
from simnet.world import World

DEPLOY = Path(__file__).parents[2] / "deploy"
SITE = "mastodon.example"
GRACE_SECONDS = 30.0
pytestmark = [pytest.mark.elastic, pytest.mark.postgres]


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Fleet:
    """The processes by name, on ports of their own, and a way to ask through the balancer."""

    def __init__(self, folder: Path, elastic_url: str, registry_url: str, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.prefix = f"fleet{uuid.uuid4().hex[:10]}"
        self.begin = datetime.now(UTC).replace(microsecond=0)
        self.simnet_port, self.port = free_port(), free_port()
        self.config = folder / "taglake.toml"
        self.config.write_text(self._settings(elastic_url, registry_url))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def _settings(self, elastic_url: str, registry_url: str) -> str:
        """Return what the stack mounts, with this machine's addresses and folders."""
        text = (DEPLOY / "taglake.demo.toml").read_text()
        for name, here in {
            "http://elasticsearch:9200": elastic_url,
            "postgresql://taglake@postgres:5432/taglake": registry_url,
            "http://simnet:8900": f"http://127.0.0.1:{self.simnet_port}",
            "/var/lib/taglake": str(self._folder),
            "/tmp/taglake.alive": str(self._folder / "alive"),
            "0.0.0.0": "127.0.0.1",
        }.items():
            assert name in text, name
            text = text.replace(name, here)
        return text

    def command(self, *arguments: str) -> str:
        """Run a command to its end and return what it printed."""
        done = subprocess.run(
            [*TAGLAKE, "--config", str(self.config), *arguments],
            env=self._environment(), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def client(self, name: str) -> str:
        """Make a tenant and return its key."""
        return str(json.loads(self.command("client", "add", name, "--json"))["key"])

    def start(self, name: str, *arguments: str, **environment: str) -> None:
        """Start one role."""
        self._start(name, *TAGLAKE, "--config", str(self.config), *arguments, **environment)

    def start_balancer(self, haproxy: str, *ports: int) -> None:
        """Start HAProxy on the stack's settings, with two addresses in place of a resolver's."""
        lines = (DEPLOY / "haproxy.cfg").read_text().splitlines()
        template = next(line for line in lines if line.strip().startswith("server-template"))
        servers = [f"    server api{port} 127.0.0.1:{port} check" for port in ports]
        text = "\n".join(lines).replace(template, "\n".join(servers)) + "\n"
        config = self._folder / "haproxy.cfg"
        config.write_text(text.replace("bind :8000", f"bind 127.0.0.1:{self.port}"))
        self._start("balancer", haproxy, "-db", "-f", str(config))

    def _start(self, name: str, *command: str, **environment: str) -> None:
        out, env = self.out(name), self._environment() | environment
        self.processes[name] = self._stack.enter_context(started(*command, out=out, env=env))

    def _environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if "TAGLAKE" not in name}
        return ours | {"TAGLAKE_LAKE__PREFIX": self.prefix}

    def out(self, name: str) -> Path:
        """Return the file with all that a process said."""
        return self._folder / f"{name}.out"

    def ask(self, path: str, *, key: str = "", method: str = "GET", body: object = None) -> Answer:
        """Ask through the balancer, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, body=sent, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def answers(self) -> bool | None:
        """Return True once the service is ready behind the balancer."""
        try:
            return self.ask("/readyz").status == 200 or None
        except OSError:
            return None


def _database(postgres_url: str, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(execute())


@pytest.fixture(scope="module")
def registry_url(postgres_url: str) -> Iterator[str]:
    """A database of the fleet's own, addressed as settings address it."""
    name = f"fleet_{uuid.uuid4().hex[:10]}"
    _database(postgres_url, f"CREATE DATABASE {name}")
    yield urlsplit(postgres_url)._replace(scheme="postgresql", path=f"/{name}").geturl()
    _database(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def fleet(
    elastic_url: str, registry_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """The whole stack, started in the order of the compose file."""
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if not haproxy:
        require("haproxy is missing: apt-get install haproxy")
    with ExitStack() as stack:
        fleet = Fleet(tmp_path_factory.mktemp("fleet"), elastic_url, registry_url, stack)
        begin = fleet.begin.isoformat()
        fleet.start("simnet", "simnet", "--port", str(fleet.simnet_port), "--seed", "5",
                    "--speed", "1", "--start", begin)  # fmt: skip
        fleet.command("init", "--secrets")
        fleet.command("client", "list")  # makes the tables, once, before many ask for them
        ports = free_port(), free_port()
        for number, port in enumerate(ports):
            fleet.start(f"api-{number}", "serve", TAGLAKE_SERVE__PORT=str(port))
        fleet.start("ingestor", "ingest")
        fleet.start("worker", "work")
        fleet.start_balancer(str(haproxy), *ports)
        eventually(fleet.answers, "both stores answer behind the balancer", seconds=90)
        yield fleet
    _forget(elastic_url, fleet.prefix)


def _forget(url: str, prefix: str) -> None:
    with urllib.request.urlopen(f"{url}/_cat/indices?format=json&h=index") as answer:
        names = [row["index"] for row in json.load(answer) if row["index"].startswith(prefix)]
    if not names:
        return
    gone = urllib.request.Request(f"{url}/{','.join(names)}", method="DELETE")
    urllib.request.urlopen(gone).close()


def _truth(fleet: Fleet) -> Truth:
    begin = fleet.begin
    return Truth(World(5, start=begin, days=28, brands=sports_brands(begin), lift=0.5))


def _visible(truth: Truth, since: datetime) -> set[str]:
    """Return the posts about the brand that the simulated server lists now."""
    now = datetime.now(UTC)
    recent = {post.id for post in truth.posts("nike", since, now, network="mastodon")}
    return recent & set(truth.visible("nike", now, site=SITE))


@pytest.mark.timeout(300)
def test_a_campaign_registered_through_the_balancer_is_reported_and_survives_a_killed_api(
    fleet: Fleet,
) -> None:
    key, other = fleet.client("My brand"), fleet.client("Another brand")
    since = fleet.begin - timedelta(hours=36)
    wish = {
        "name": "Spring", "networks": ["mastodon"], "hashtags": ["nike"],
        "start": since.isoformat(), "end": (since + timedelta(days=7)).isoformat(),
        "baseline_days": 0, "after_days": 0,
        "competitors": [{"name": "adidas", "hashtags": ["adidas"]}],
    }  # fmt: skip

    def fits() -> Any:
        plan = fleet.ask("/v1/campaigns?dry_run=true", key=key, method="POST", body=wish)
        assert plan.status == 200, plan.body
        return plan.json() if plan.json()["fits"] else None

    plan = eventually(fits, "the ingestor makes its lane known")
    targets = {target["target"] for target in plan["targets"]}
    assert targets == {"mastodon/tag/nike", "mastodon/tag/adidas"}
    assert fleet.ask("/v1/campaigns", key=key).json()["campaigns"] == []

    made = fleet.ask("/v1/campaigns", key=key, method="POST", body=wish)
    assert made.status == 201, made.body
    address = made.headers["location"]
    truth = _truth(fleet)

    def collected() -> Any:
        found = fleet.ask(f"{address}/summary", key=key)
        if found.status == 503:  # the month's index is being made
            assert found.headers["retry-after"]
            return None
        assert found.status == 200, found.body
        there = found.json()["kpis"]["posts"]["value"]
        return found.json() if there == len(_visible(truth, since)) else None

    summary = eventually(collected, "all visible posts are in the report", seconds=90)
    assert summary["kpis"]["posts"]["value"] > 20
    assert _listed(fleet, address, key) == _visible(truth, since)
    assert _exported(fleet, address, key) == _visible(truth, since)

    for path in ("", "/summary", "/posts", "/export", "/quality"):
        assert fleet.ask(f"{address}{path}", key=other).status == 404

    fleet.processes["api-0"].kill()
    until = time.monotonic() + 3  # the balancer notices after 4
    while time.monotonic() < until:
        answer = fleet.ask(address, key=key)
        assert answer.status == 200, answer.body
    assert eventually(collected, "the report is served by one process")

    _everybody_ends(fleet)
    waits = json.loads(fleet.command("spool", "check", "--json"))
    assert (waits["pages"], waits["damaged"]) == (0, 0)
    _nobody_talks(fleet, key.rpartition("_")[2])


def _listed(fleet: Fleet, address: str, key: str) -> set[str]:
    """Return the ids of all posts of the report, page after page."""
    found: set[str] = set()
    cursor = ""
    while True:
        answer = fleet.ask(f"{address}/posts?limit=20{cursor}", key=key)
        assert answer.status == 200, answer.body
        page = answer.json()
        found |= {post["id"] for post in page["posts"]}
        if page["cursor"] is None:
            return found
        cursor = f"&cursor={page['cursor']}"


def _exported(fleet: Fleet, address: str, key: str) -> set[str]:
    answer = fleet.ask(f"{address}/export?format=jsonl", key=key)
    assert answer.status == 200, answer.body
    return {json.loads(line)["id"] for line in answer.body.splitlines()}


def _everybody_ends(fleet: Fleet) -> None:
    """Stop every role as an operator does: each ends by itself, in time, content."""
    fleet.processes["balancer"].terminate()
    for name in ("api-1", "ingestor", "worker", "simnet"):
        assert stopped(fleet.processes[name], seconds=GRACE_SECONDS) == 0, fleet.out(name)


def _nobody_talks(fleet: Fleet, secret: str) -> None:
    """Find no traceback and no secret in what the processes said."""
    for name in fleet.processes:
        said = fleet.out(name).read_text()
        assert "Traceback" not in said, f"{name}: {said[-3000:]}"
        assert secret not in said, name
