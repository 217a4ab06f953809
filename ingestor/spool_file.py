"""The spool's one SQLite file: pages, cursors, what was seen, dead letters. Synchronous; one thread
at a time.

    spool         one row a page: its lines as one compressed blob, with a checksum
    cursor        where each target's polls have got to
    seen          the last known state of each post, profile and tag: the ground of deltas
    dead_letters  lines no lake will ever take, once each, with the reason and the line
    revisit       posts to ask for directly, and when (`ingestor.revisit_file`)
    meta          the file's version, how often it was opened, pages that were found damaged

A line's number is its page's `seq` * LINES + its position, so numbers grow and are never used
twice.
"""

import contextlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from isal import isal_zlib

from ingestor import revisit_file
from ingestor.revisit_file import RevisitTable, Visit
from lake.contract import Line
from lake.killpoint import reached

LINES = 1 << 16  # lines a page may hold
PAGE_BYTES = 4096
VERSION = "1"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, crc INTEGER NOT NULL, lines INTEGER NOT NULL,
  damaged INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS cursor (target TEXT PRIMARY KEY, position BLOB NOT NULL, fence INTEGER
NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, state BLOB NOT NULL, touched INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead_letters (
  number INTEGER PRIMARY KEY, code TEXT NOT NULL, reason TEXT NOT NULL, first_seen TEXT NOT NULL,
  line_table TEXT NOT NULL, line_id TEXT NOT NULL, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_pack = msgspec.msgpack.Encoder().encode
_unpack_lines = msgspec.msgpack.Decoder(list[Line]).decode
_unpack_line = msgspec.msgpack.Decoder(Line).decode


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """One page to make durable: its lines, and what must move in the same transaction."""

    lines: tuple[Line, ...] = ()
    target: str | None = None  # whose cursor moves
    position: bytes | None = None
    fence: int = 0
    seen: tuple[tuple[str, bytes], ...] = ()
    visits: tuple[Visit, ...] = ()
    touched: int = 0  # milliseconds; when `seen` was seen


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One line no lake will take. `payload` holds it whole; `reason` never holds its text."""

    number: int
    code: str
    reason: str
    first_seen: str  # RFC 3339
    table: str
    id: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the file found."""

    sound: bool  # SQLite's own integrity check passed
    problems: tuple[str, ...]
    pages: int
    lines: int
    damaged: int  # pages whose checksum is wrong: kept, never sent
    dead_letters: int
    targets: int
    subjects: int
    bytes: int
    cap_bytes: int


class Full(Exception):
    """The file has reached its cap or the disk is full; nothing of the transaction was kept."""


def pack(lines: Sequence[Line]) -> bytes:
    """Return lines as one compressed blob. Level 1: the spool is written once and read once."""
    if len(lines) > LINES:
        raise ValueError(f"a page of {len(lines)} lines: the spool takes up to {LINES}")
    return isal_zlib.compress(_pack(lines), 1)


class SpoolFile:
    """One open spool file. Made and used in one thread; `close` ends it."""

    def __init__(self, path: Path, *, cap_bytes: int, seen_limit: int = 200_000) -> None:
        self.path = path
        self._seen_limit = seen_limit
        # isolation_level=None: transactions are ours, written out below.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA wal_autocheckpoint=200")
        self._cap = max(64, cap_bytes // PAGE_BYTES)
        self._limit(self._cap)
        self._db.executescript(_SCHEMA + revisit_file.SCHEMA)
        self._revisits = RevisitTable(self._db)
        self.cap_bytes = self._cap * PAGE_BYTES

    def close(self) -> None:
        """Close the file; everything committed is durable already."""
        self._db.close()

    def open_count(self) -> int:
        """Note one more start of a process on this file and return how many there were."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('version', ?)", (VERSION,))
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('starts', '0')")
            self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'starts'")
        return int(self._one("SELECT value FROM meta WHERE key = 'starts'"))

    def append(self, pages: Iterable[Append]) -> list[int]:
        """Make pages durable, all or none, in one transaction; return their numbers (0: no lines).

        Raises Full.
        """
        with self._transaction():
            return [self._put(page) for page in pages]

    def _put(self, page: Append) -> int:
        seq = 0
        if page.lines:
            payload = pack(page.lines)
            row = (zlib.crc32(payload), len(page.lines), payload)
            done = self._db.execute("INSERT INTO spool (crc, lines, payload) VALUES (?, ?, ?)", row)
            seq = done.lastrowid or 0
        if page.target is not None:
            # A fence lower than the stored one is a holder that lost its lease: its cursor must not
            # win.
            self._db.execute(
                "INSERT INTO cursor VALUES (?, ?, ?) ON CONFLICT (target) DO UPDATE"
                " SET position = excluded.position, fence = excluded.fence"
                " WHERE excluded.fence >= cursor.fence",
                (page.target, page.position, page.fence),
            )
        self._db.executemany(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)",
            [(key, state, page.touched) for key, state in page.seen],
        )
        self._revisits.put(page.visits)
        return seq

    def visits(self, now: int, limit: int, lanes: Sequence[str]) -> list[Visit]:
        """Return the direct visits of posts that are due at `now` (milliseconds) through lanes."""
        return self._revisits.due(now, limit, lanes)

    def move_visits(self, steps: Sequence[tuple[str, int | None, int]]) -> None:
        """Move posts to their next visit; without a due time they are not visited again."""
        with self._transaction():
            self._revisits.move(steps)

    def pages_after(self, seq: int, limit: int) -> list[tuple[int, list[Line]]]:
        """Return up to `limit` pages behind `seq`, oldest first; a damaged one is marked, counted,
        left out.
        """
        rows = self._db.execute(
            "SELECT seq, crc, payload FROM spool WHERE seq > ? AND damaged = 0"
            " ORDER BY seq LIMIT ?",
            (seq, limit),
        ).fetchall()
        good = []
        for number, crc, payload in rows:
            lines = _open(payload, crc)
            if lines is None:
                self._mark_damaged(number)
            else:
                good.append((number, lines))
        return good

    def finish(self, done: Sequence[int], dead: Sequence[tuple[DeadLetter, bytes]]) -> None:
        """Forget pages whose lines all have a final verdict and keep dead letters, in one
        transaction. Raises Full, on a full disk only.
        """
        try:
            self._finish(done, dead)
        except Full:
            # Dead letters may need more room than their pages leave. They must not block the way
            # out, so they alone may go a quarter over the cap.
            self._limit(self._cap + self._cap // 4)
            try:
                self._finish(done, dead)
            finally:
                self._limit(self._cap)

    def _limit(self, pages: int) -> None:
        self._db.execute(f"PRAGMA max_page_count={pages}")

    def _finish(self, done: Sequence[int], dead: Sequence[tuple[DeadLetter, bytes]]) -> None:
        with self._transaction():
            # First the deletes: in a full file they make the room that the dead letters need.
            self._db.executemany("DELETE FROM spool WHERE seq = ?", [(seq,) for seq in done])
            if dead:
                reached("in_burial")
            self._db.executemany(
                "INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(d.number, d.code, d.reason, d.first_seen, d.table, d.id, b) for d, b in dead],
            )

    def positions(self, target: str) -> bytes | None:
        """Return where the target's polls have got to; None before the first."""
        row = self._db.execute("SELECT position FROM cursor WHERE target = ?", (target,)).fetchone()
        return None if row is None else bytes(row[0])

    def seen(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the last known state of those subjects that have one."""
        found: dict[str, bytes] = {}
        for start in range(0, len(ids), 500):  # SQLite takes 999 variables in old builds
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"SELECT id, state FROM seen WHERE id IN ({marks})"  # noqa: S608 - only marks
            found.update(self._db.execute(query, part).fetchall())
        return found

    def prune_seen(self) -> int:
        """Forget the subjects not seen for longest, if they are a tenth over the limit; return how
        many went.

        Without an index on `touched`: it would double the writes of every page to speed up a rare
        scan.
        """
        extra = int(self._one("SELECT count(*) FROM seen")) - self._seen_limit
        if extra <= self._seen_limit // 10:
            return 0
        with self._transaction():
            self._db.execute(
                "DELETE FROM seen WHERE id IN (SELECT id FROM seen ORDER BY touched LIMIT ?)",
                (extra,),
            )
        return extra

    def waiting(self) -> tuple[int, int]:
        """Return how many sound pages and lines wait to be sent."""
        query = "SELECT count(*), coalesce(sum(lines), 0) FROM spool WHERE damaged = 0"
        pages, lines = self._db.execute(query).fetchone()
        return pages, lines

    def fill(self) -> float:
        """Return the share of the cap in use, 0 to 1; pages that SQLite would use again count as
        free.
        """
        used = self._pragma("page_count") - self._pragma("freelist_count")
        return used / self._cap

    def dead_letters(self, limit: int = 1000) -> list[DeadLetter]:
        """Return dead letters, oldest first."""
        rows = self._db.execute(
            "SELECT number, code, reason, first_seen, line_table, line_id FROM dead_letters"
            " ORDER BY number LIMIT ?",
            (limit,),
        )
        return [
            DeadLetter(number=n, code=c, reason=r, first_seen=f, table=t, id=i)
            for n, c, r, f, t, i in rows
        ]

    def replay(self, numbers: Sequence[int] | None = None) -> int:
        """Put dead letters, all without `numbers`, back into the spool and return how many."""
        wanted = [d.number for d in self.dead_letters(-1)]
        if numbers is not None:
            wanted = sorted(set(wanted) & set(numbers))
        with self._transaction():
            for number in wanted:
                where = "FROM dead_letters WHERE number = ?"
                blob = self._db.execute(f"SELECT payload {where}", (number,)).fetchone()[0]
                self._put(Append(lines=(_unpack_line(blob),)))
                self._db.execute(f"DELETE {where}", (number,))
        return len(wanted)

    def check(self) -> Report:
        """Read everything and say what is there and what is damaged; changes nothing but damage
        marks.
        """
        self.pages_after_all()
        problems = tuple(row[0] for row in self._db.execute("PRAGMA integrity_check(20)"))
        pages, lines = self.waiting()
        return Report(
            sound=problems == ("ok",),
            problems=() if problems == ("ok",) else problems,
            pages=pages,
            lines=lines,
            damaged=self._one("SELECT count(*) FROM spool WHERE damaged = 1"),
            dead_letters=self._one("SELECT count(*) FROM dead_letters"),
            targets=self._one("SELECT count(*) FROM cursor"),
            subjects=self._one("SELECT count(*) FROM seen"),
            bytes=self._pragma("page_count") * PAGE_BYTES,
            cap_bytes=self.cap_bytes,
        )

    def pages_after_all(self) -> None:
        """Read every waiting page, so that each damaged one is marked."""
        last = 0
        while pages := self._db.execute(
            "SELECT seq FROM spool WHERE seq > ? ORDER BY seq LIMIT 100", (last,)
        ).fetchall():
            self.pages_after(last, 100)
            last = pages[-1][0]

    def repair(self) -> int:
        """Drop damaged pages and rebuild the file's indexes and free space; return how many pages
        went.
        """
        self.pages_after_all()
        with self._transaction():
            dropped = self._db.execute("DELETE FROM spool WHERE damaged = 1").rowcount
            self._db.execute("REINDEX")
        self._db.execute("VACUUM")
        return dropped

    def _mark_damaged(self, seq: int) -> None:
        with self._transaction():
            self._db.execute("UPDATE spool SET damaged = 1 WHERE seq = ?", (seq,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as exc:
            self._rollback()
            if "full" in str(exc) or "disk I/O" in str(exc):
                raise Full(str(exc)) from exc
            raise
        except BaseException:
            self._rollback()
            raise

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _one(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])


def _open(payload: bytes, crc: int) -> list[Line] | None:
    if zlib.crc32(payload) != crc:
        return None
    try:
        return _unpack_lines(zlib.decompress(payload))
    except (zlib.error, msgspec.DecodeError, msgspec.ValidationError):
        return None
