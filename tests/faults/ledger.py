"""The oracle: what was served and became durable is an obligation, and the lake is held to it.

The spool's own log is the ledger: its archive keeps every page that was ever durable, and a trigger
counts each dead letter in the transaction that makes it durable, whatever happens to the process.
So the shipped program is watched, unchanged, and nothing is an obligation that was never durable.
"""

import contextlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from faults.network import Served, form_of
from faults.standin import Document, poisoned
from ingestor import spool_log
from ingestor.spool_file import SpoolFile
from lake.contract import Line
from lake.lines import record_of
from lake.records import Post

_WATCH = """
CREATE TABLE IF NOT EXISTS burials (number INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS buried AFTER INSERT ON dead_letters
  BEGIN INSERT INTO burials VALUES (new.number); END;
"""
_lines = msgspec.msgpack.Decoder(list[Line]).decode

Key = tuple[str, str]  # table and id


class Kept(msgspec.Struct):
    """What a spool's file says it was trusted with."""

    lines: list[Line]
    dead: list[Key]  # dead letters that are there
    burials: int  # dead letters that were ever written
    waiting: int  # pages


class Findings(msgspec.Struct, frozen=True):
    """What the lake owes, and what it has that it should not have. All but the first are 0."""

    obligations: int  # different records
    lost: int = 0  # durable once, not in the lake
    stale: int = 0  # in the lake in an older version
    wrong: int = 0  # in the lake with another content
    never_issued: int = 0  # in the lake, or in the spool, but never served
    missed: int = 0  # posts that were served, and served again, and are not in the lake
    dead_missing: int = 0  # poison that is not in the dead letters
    dead_extra: int = 0  # dead letters that are no poison
    dead_twice: int = 0
    waiting: int = 0  # pages in the spool
    examples: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Return whether nothing was found."""
        return self == Findings(obligations=self.obligations)


def watch(path: Path, *, cap_bytes: int) -> None:
    """Make a spool's file, if it is not there, and let it keep a ledger from now on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    SpoolFile(path, cap_bytes=cap_bytes).close()
    spool_log.archive_of(path).mkdir(exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(_WATCH)


class _Trusted(msgspec.Struct):
    """The pages a spool was trusted with, by number, and which of them wait."""

    pages: dict[int, bytes]
    waiting: set[int]


def _trusted(path: Path, *, all_pages: bool = True) -> _Trusted:
    """Return what stands in the log; without `all_pages` only what SQLite has not taken over."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        waiting = {seq for (seq,) in db.execute("SELECT seq FROM spool")}
        row = db.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
    taken = -1 if row is None else int(row[0])
    found = _Trusted(pages={}, waiting=waiting)
    for generation, record in _records(path, -1 if all_pages else taken):
        fresh = generation > taken
        for entry, body in zip(record.tail.entries, record.bodies(), strict=True):
            if body:
                found.pages[entry.number] = body
            if body and fresh:
                found.waiting.add(entry.number)
        found.waiting.difference_update(record.tail.done if fresh else ())
    return found


def _records(path: Path, after: int) -> list[tuple[int, spool_log.Record]]:
    """Return all records of later generations, oldest first. A segment may go to the archive while
    we look.
    """
    segments: dict[int, list[spool_log.Record]] = {}
    archived = [(int(file.name), file) for file in spool_log.archive_of(path).iterdir()]
    for generation, file in [*archived, *spool_log.files(path)]:
        if generation <= after:
            continue
        if not file.exists():
            return _records(path, after)
        segments[generation] = spool_log.read(file, generation).records
    return [(number, record) for number in sorted(segments) for record in segments[number]]


def read(path: Path) -> Kept:
    """Return what a spool's file was trusted with so far."""
    trusted = _trusted(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        dead = db.execute("SELECT line_table, line_id FROM dead_letters").fetchall()
        burials = db.execute("SELECT count(*) FROM burials").fetchone()[0]
    lines = [line for _, body in sorted(trusted.pages.items()) for line in _lines(body)]
    return Kept(lines=lines, dead=dead, burials=burials, waiting=len(trusted.waiting))


def mark(path: Path) -> int:
    """Return the number of the last page that became durable, 0 before the first."""
    return max(_trusted(path).pages, default=0)


def oldest(path: Path) -> int | None:
    """Return the number of the oldest page that waits, None if none does."""
    return min(_trusted(path, all_pages=False).waiting, default=None)


def backlog(path: Path) -> int:
    """Return how many pages wait."""
    return len(_trusted(path, all_pages=False).waiting)


def logged(path: Path) -> dict[int, bytes]:
    """Return the packed lines of the pages that wait in the log."""
    trusted = _trusted(path, all_pages=False)
    return {number: body for number, body in trusted.pages.items() if number in trusted.waiting}


def wasted(kept: Kept, served: Served) -> tuple[int, int]:
    """Return how many of the first pages showed something new that never became durable from them,
    and how many pages were looked at.

    The posts on such a page were asked for again: it is what a kill costs.
    """
    durable = {form for line in kept.lines if (form := _form(line)) is not None}
    known: dict[str, str] = {}
    lost = 0
    for page in served.first:
        changed = [(key, counts, form) for key, counts, form in page if known.get(key) != counts]
        if changed and not any(form in durable for _, _, form in changed):
            lost += 1
        else:
            known.update((key, counts) for key, counts, _ in changed)
    return lost, len(served.first)


def _form(line: Line) -> str | None:
    if line.table != "posts":
        return None
    record = record_of(line.table, line.body)
    assert isinstance(record, Post)
    return None if record.raw is None else form_of(bytes(record.raw))


def judge(
    kept: Iterable[Kept],
    documents: Sequence[Document],
    served: Served | None,
    *,
    prefix: str,
    poison: int = 0,
) -> Findings:
    """Hold a lake to what spools were trusted with, and those to what was served."""
    spools = list(kept)
    owed: dict[Key, dict[int, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for line in (line for spool in spools for line in spool.lines):
        owed[line.table, line.id][line.version].append(line.body)
    bad = {key for key in owed if key[0] == "posts" and poisoned(key[1], poison)}
    there = {(_table(found.index, prefix), found.id): found for found in documents}
    case = _Case(there)
    for key, versions in owed.items():
        if key not in bad:
            case.compare(key, versions)
    case.strangers(owed)
    if served is not None:
        case.provenance(owed, served)
        case.missed(served, bad)
    dead = Counter(key for spool in spools for key in spool.dead)
    return Findings(
        obligations=len(owed),
        **{
            name: case.counts[name] for name in ("lost", "stale", "wrong", "never_issued", "missed")
        },
        dead_missing=len(bad - dead.keys()),
        dead_extra=len(dead.keys() - bad),
        dead_twice=sum(spool.burials for spool in spools) - dead.total(),
        waiting=sum(spool.waiting for spool in spools),
        examples=tuple(case.examples),
    )


class _Case:
    """One judgement while it is made."""

    def __init__(self, there: dict[Key, Document]) -> None:
        self._there = there
        self.counts: Counter[str] = Counter()
        self.examples: list[str] = []

    def _find(self, what: str, key: object) -> None:
        self.counts[what] += 1
        if len(self.examples) < 10:
            self.examples.append(f"{what}: {key}")

    def compare(self, key: Key, versions: dict[int, list[bytes]]) -> None:
        """Compare one record with what the lake has of it."""
        newest, found = max(versions), self._there.get(key)
        if found is None:
            self._find("lost", key)
        elif found.version < newest:
            self._find("stale", (key, newest - found.version))
        elif found.version > newest:
            self._find("never_issued", key)
        elif not any(_same(key[0], body, found.source) for body in versions[newest]):
            self._find("wrong", key)

    def strangers(self, owed: dict[Key, dict[int, list[bytes]]]) -> None:
        """Find what is in the lake and was never durable in a spool."""
        for key in self._there.keys() - owed.keys():
            self._find("never_issued", key)

    def provenance(self, owed: dict[Key, dict[int, list[bytes]]], served: Served) -> None:
        """Find posts that say what the network never served."""
        for (table, key), versions in owed.items():
            if table != "posts":
                continue
            shown = served.posts.get(key)
            for body in (body for bodies in versions.values() for body in bodies):
                record = record_of(table, body)
                assert isinstance(record, Post)
                if shown is None:
                    self._find("never_issued", key)
                elif record.raw is not None and form_of(bytes(record.raw)) not in shown.forms:
                    self._find("wrong", key)

    def missed(self, served: Served, bad: set[Key]) -> None:
        """Find posts that were served, again after every crash, and are not in the lake."""
        for key in served.posts:
            if ("posts", key) not in self._there and ("posts", key) not in bad:
                self._find("missed", key)


def _same(table: str, body: bytes, source: bytes) -> bool:
    """Return whether a document is the record of a line; the lake may add fields of its own."""
    return record_of(table, body) == record_of(table, source)


def _table(index: str, prefix: str) -> str:
    return index.removeprefix(f"{prefix}-").rsplit("-", 1)[0]
