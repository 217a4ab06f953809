"""A real Elasticsearch 8.19 without Docker: started in some ten seconds, stopped by its pid.

Maven Central carries Elastic's own distribution with the core features. To use a server that
already runs, set `TAGLAKE_TEST_ELASTICSEARCH=http://...`; nothing is started then.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.requirement import Missing

VERSION = "8.19.21"
ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
SETTLED = "wait_for_no_initializing_shards=true&wait_for_status=yellow&timeout=5s"
START_SECONDS = 120.0
UNPRIVILEGED = "nobody"  # Elasticsearch refuses to run as root

SETTINGS = """\
cluster.name: taglake-test
discovery.type: single-node
network.host: 127.0.0.1
http.port: {http}
transport.port: {transport}
path.data: {data}
path.logs: {home}/logs
xpack.security.enabled: false
action.auto_create_index: "*"
# The machine's disk is not what these tests are about; the flood stage is set by hand where it is.
cluster.routing.allocation.disk.threshold_enabled: false
"""


@contextmanager
def running(directory: Path, *, heap: str = "512m", data: Path | None = None) -> Iterator[str]:
    """Start a node and yield its address; `directory` keeps what it printed, and its files.

    data: a folder whose indices outlive the node (see `cache`), for what takes minutes to fill.

    Raises Missing without Java 17 or Maven, RuntimeError when the node does not come up.
    """
    given = os.environ.get("TAGLAKE_TEST_ELASTICSEARCH")
    if given:
        yield given.rstrip("/")
        return
    with own(directory, heap=heap, data=data) as node:
        yield node.url


@contextmanager
def own(directory: Path, *, heap: str = "512m", data: Path | None = None) -> "Iterator[Node]":
    """Start a node for the caller alone, who may kill it and start it again. Raises as `running`
    does.
    """
    java, distribution = _java_home(), _distribution()
    with _home(directory) as home:
        node = Node(_configure(home, distribution, data), directory / "elasticsearch.out")
        command = [str(distribution / "bin" / "elasticsearch")]
        try:
            node.start(command, home, _environment(home, java, heap))
            node.wait()
            yield node
        finally:
            node.stop()


class Node:
    """One node at one address, whose files outlive its process; made by `own`."""

    def __init__(self, port: int, out: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._out = out
        self._process: subprocess.Popen[bytes]
        self._again: tuple[list[str], Path, dict[str, str]]

    def start(self, command: list[str], home: Path, env: dict[str, str]) -> None:
        """Start the process; `wait` returns when it answers."""
        self._again = command, home, env
        with self._out.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                env=env,
                cwd=home,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=UNPRIVILEGED if _root() else None,
                group=pwd.getpwnam(UNPRIVILEGED).pw_gid if _root() else None,
                extra_groups=[] if _root() else None,
            )

    def wait(self) -> None:
        """Return when the node answers. Raises RuntimeError if it does not come up."""
        _wait_until_ready(self.url, self._process, self._out)

    def kill(self) -> None:
        """End the node at once, as a power cut would."""
        os.killpg(self._process.pid, signal.SIGKILL)  # a session of its own: nobody else is in it
        self._process.wait()

    def restart(self) -> None:
        """Start a killed node again on its files."""
        self.start(*self._again)

    def stop(self) -> None:
        """Stop the launcher, which stops its node; what does not end in time is killed."""
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()


def _root() -> bool:
    return os.geteuid() == 0


def _java_home() -> Path:
    java = shutil.which("java")
    if not java:
        raise Missing(
            "no java: a real Elasticsearch needs Java 17 or later "
            "(apt-get install openjdk-17-jre-headless), or set TAGLAKE_TEST_ELASTICSEARCH=http://..."
        )
    return Path(java).resolve().parents[1]


def cache() -> Path:
    """Return where what is large is kept: outside the checkout, open to who runs the node."""
    if _root():
        return Path("/var/cache/taglake")  # root's home is closed to everybody else
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "taglake"


def _distribution() -> Path:
    """Return the unpacked distribution; fetch and unpack it the first time."""
    ready = cache() / f"elasticsearch-{VERSION}"
    if not ready.is_dir():
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache()) as scratch:
            _unpack(_fetch(Path(scratch)), Path(scratch))
            _adopt(Path(scratch) / f"elasticsearch-{VERSION}", ready)
    return ready


def _fetch(folder: Path) -> Path:
    maven = shutil.which("mvn")
    if not maven:
        raise Missing(
            "no mvn: Elasticsearch comes from Maven Central (apt-get install maven), "
            "or set TAGLAKE_TEST_ELASTICSEARCH=http://..."
        )
    copy = [
        maven,
        "-q",
        "-B",
        "dependency:copy",
        f"-Dartifact={ARTIFACT}",
        f"-DoutputDirectory={folder}",
    ]
    done = subprocess.run(copy, cwd=folder, capture_output=True, text=True, check=False)
    archive = folder / f"elasticsearch-{VERSION}.zip"
    if done.returncode or not archive.is_file():
        raise Missing(f"Maven could not fetch {ARTIFACT}: {done.stdout.strip()[-300:]}")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            target = Path(packed.extract(member, folder))
            mode = member.external_attr >> 16  # zipfile forgets that scripts are executable
            target.chmod(0o755 if target.is_dir() or mode & 0o100 else 0o644)


def _adopt(unpacked: Path, ready: Path) -> None:
    try:
        unpacked.rename(ready)
    except OSError:
        if not ready.is_dir():  # else another session was faster, and its copy is as good
            raise


@contextmanager
def _home(directory: Path) -> Iterator[Path]:
    """Yield a folder the node may write to: `directory`, or, for root, one that others can reach.

    pytest's temporary folders are closed to all but their owner, and pytest closes them again if
    somebody opens them.
    """
    if not _root():
        yield directory
        return
    home = Path(tempfile.mkdtemp(prefix="taglake-elastic-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _configure(home: Path, distribution: Path, data: Path | None) -> int:
    """Write the node's own configuration and return its HTTP port."""
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("127.0.0.1", 0)) as second,
    ):
        http, transport = first.getsockname()[1], second.getsockname()[1]
    shutil.copytree(distribution / "config", home / "config")
    for name in ("data", "logs", "tmp"):
        (home / name).mkdir()
    kept = data or home / "data"
    kept.mkdir(parents=True, exist_ok=True)
    text = SETTINGS.format(http=http, transport=transport, home=home, data=kept)
    (home / "config" / "elasticsearch.yml").write_text(text)
    if _root():
        for path in (home, kept, *home.rglob("*")):
            shutil.chown(path, UNPRIVILEGED)
    return int(http)


def _environment(home: Path, java: Path, heap: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ES_JAVA_HOME": str(java),
        "ES_PATH_CONF": str(home / "config"),
        "ES_TMPDIR": str(home / "tmp"),
        "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap}",
        # The launcher is a second JVM that only waits: the smallest one.
        "CLI_JAVA_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    }


def _wait_until_ready(url: str, node: "subprocess.Popen[bytes]", out: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if node.poll() is not None:
            raise RuntimeError(
                f"Elasticsearch ended with {node.returncode}:\n{out.read_text()[-2000:]}"
            )
        if _healthy(url):
            return
        time.sleep(0.2)
    raise RuntimeError(
        f"Elasticsearch did not start in {START_SECONDS} s:\n{out.read_text()[-2000:]}"
    )


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_cluster/health?{SETTLED}", timeout=9) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
