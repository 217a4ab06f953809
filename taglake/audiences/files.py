"""Audiences in and out of files, and signing them, for a terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
import numpy as np

from insights.audiences.edges import gather
from insights.audiences.exports import Format, export_edges
from signatures import EdgeStore, Writer
from signatures.edges.applying import Mode
from signatures.edges.store import is_store
from signatures.hashing import id_of
from taglake.errors import BadSetting, NotThere
from taglake.settings import Settings

Told = Callable[[int, int], None]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """What to read, and how it changes what is known."""

    files: tuple[Path, ...]
    network: str
    columns: tuple[str, str] | None
    mode: Mode
    memory: int  # bytes
    shards: int  # of a new store


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import came to."""

    network: str
    edges: int  # that the files list
    accounts: int  # that they name
    added: int
    removed: int
    accounts_known: int  # in the store afterwards
    edges_known: int
    seconds: float


def import_edges(settings: Settings, asked: Import, bars: "Bars") -> Imported:
    """Read lists of edges into a network's store and sign it.

    Raises StoreBusy, BadRequest, BadQuestion; nothing is changed then.
    """
    began = time.monotonic()
    folder = settings.audience.folder / asked.network
    with Writer(folder, shards=asked.shards, threads=2) as writer:
        with writer.changes(memory=asked.memory) as changes:
            for path in asked.files:
                with bars.of(path.name, path.stat().st_size) as told:
                    gather(changes, path, asked.columns, told=lambda _, read: told(read))
            with bars.of("sorting and writing") as told:
                now = round(time.time() * 1000)
                applied = writer.apply(changes, asked.mode, read_at=now, progress=_steps(told))
        with bars.of("signing") as told:
            writer.sign(progress=_steps(told))
    store = EdgeStore(folder)
    return Imported(
        network=asked.network,
        edges=applied.given,
        accounts=len(applied),
        added=applied.added,
        removed=applied.removed,
        accounts_known=len(store),
        edges_known=int(store.sizes.sum()),
        seconds=round(time.monotonic() - began, 1),
    )


def sign(settings: Settings, network: str, slots: int, bars: "Bars") -> int:
    """Sign all audiences of a network and return how many there are. Raises NotThere, StoreBusy."""
    store_of(settings, network)
    with Writer(settings.audience.folder / network) as writer, bars.of("signing") as told:
        return len(writer.sign(slots=slots, progress=_steps(told)))


def check(settings: Settings, network: str) -> EdgeStore:
    """Read a store whole and return it. Raises NotThere, BadStore."""
    store = store_of(settings, network)
    store.check()
    return store


def forget(settings: Settings, network: str, ids: tuple[str, ...], bars: "Bars") -> int:
    """Remove people from all audiences and return how many edges went.

    Raises NotThere, StoreBusy.
    """
    store_of(settings, network)
    natives = [one.removeprefix(f"{network}:") for one in ids]
    followers = np.array([id_of(one) for one in natives], dtype=np.uint64)
    with Writer(settings.audience.folder / network) as writer, bars.of("rewriting") as told:
        return writer.forget(followers, progress=_steps(told))


def export(
    settings: Settings, network: str, accounts: tuple[str, ...], path: Path, format: Format
) -> int:
    """Write audiences to a file and return the edges. Raises NotThere, UnknownAccount, OSError."""
    if path.exists():
        raise BadSetting(f"DESTINATION {path}: is there already; name a new file")
    store = store_of(settings, network)
    rows = [store.row(one.removeprefix(f"{network}:")) for one in accounts] or range(len(store))
    return export_edges(store, np.array(rows, dtype=np.int64), path, format)


def store_of(settings: Settings, network: str) -> EdgeStore:
    """Return the audiences of a network. Raises NotThere, BadStore."""
    folder = settings.audience.folder / network
    if not is_store(folder):
        raise NotThere(
            f"--network {network}: no audiences are known; `taglake audience import` or `collect` "
            "brings some"
        )
    return EdgeStore(folder)


def _steps(told: Callable[[int], None]) -> Told:
    """Return what tells steps as thousandths."""

    def tell(done: int, of: int) -> None:
        told(1000 * done // max(of, 1))

    return tell


class Bars:
    """Progress bars on stderr, hidden where nobody looks."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown

    @contextmanager
    def of(self, label: str, length: int = 1000) -> Iterator[Callable[[int], None]]:
        """Give what is told how much of the length is done."""
        with click.progressbar(
            length=max(length, 1), label=label, file=sys.stderr, hidden=not self._shown
        ) as bar:
            done = 0

            def told(now: int) -> None:
                nonlocal done
                bar.update(max(now - done, 0))
                done = max(now, done)

            yield told
