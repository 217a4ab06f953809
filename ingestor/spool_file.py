"""The spool on disk: a log of what came in of late, and a SQLite file for what stays. Synchronous;
one thread at a time.

A page is durable in the log (`ingestor.spool_log`). The file takes over what the oldest segment of
the log still holds when the log needs its room, and all of it when the spool is closed.

    spool         one row a page: its lines as one compressed blob, with a checksum
    cursor        where each target's polls have got to
    seen          the last known state of each post, profile and tag: the ground of deltas
    dead_letters  lines no lake will ever take, once each, with the reason and the line
    revisit       posts to ask for directly, and when (`ingestor.revisit_file`)
    wanted        dead letters to put back, asked for while another process has the spool
    meta          the file's version, how often it was opened, how far the log was taken over

A line's number is its page's `seq` * LINES + its position, so numbers grow and are never used
twice.
"""

import contextlib
import fcntl
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import msgspec
import structlog
from isal import isal_zlib

from ingestor import revisit_file
from ingestor.revisit_file import RevisitTable, Visit
from ingestor.spool_log import Entry, Segment, SpoolLog, Tail, Unsynced, encode
from lake.contract import Line
from lake.killpoint import reached

LINES = 1 << 16  # lines a page may hold
PAGE_BYTES = 4096
VERSION = 2
SEGMENT_BYTES, SEGMENTS = 8 << 20, 4  # of the log: some seconds of the busiest ingest
# Bytes of the cap for each state and each visit that is remembered: they take about a twentieth and
# an eighth of it. A spool of a gigabyte has room for all.
STATE_SHARE, VISIT_SHARE = 4096, 16 << 10
STATES = 100  # rows of one statement: the interpreter's lock changes hands at every statement

log = structlog.get_logger()

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
CREATE TABLE IF NOT EXISTS wanted (number INTEGER PRIMARY KEY);
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
    lost: int = 0  # pages that damage to the log has ever cost; their targets were asked again
    cuts: int = 0  # starts that found a part missing, nobody knows how large


class InUse(Exception):
    """Another process has the spool open; only it may write."""


class Full(Exception):
    """The file has reached its cap or the disk is full; nothing of the transaction was kept."""


def pack(lines: Sequence[Line]) -> bytes:
    """Return lines as one blob, not compressed: most pages are gone within seconds."""
    if len(lines) > LINES:
        raise ValueError(f"a page of {len(lines)} lines: the spool takes up to {LINES}")
    return _pack(lines) if lines else b""


def compress(body: bytes) -> bytes:
    """Return a page as it is kept when it has to stay. Level 1: it is read once."""
    return isal_zlib.compress(body, 1)


class SpoolFile:
    """One open spool file. Made and used in one thread; `close` ends it."""

    def __init__(self, path: Path, *, cap_bytes: int, seen_limit: int = 200_000) -> None:
        self.path = path
        # What is remembered never leaves: it must not fill a small spool, or nothing moves again.
        self._seen_limit = min(seen_limit, cap_bytes // STATE_SHARE)
        self._owner = _own(path)
        # isolation_level=None: transactions are ours, written out below.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        cap = max(64, cap_bytes // PAGE_BYTES)
        self.cap_bytes = cap * PAGE_BYTES
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(f"PRAGMA wal_autocheckpoint={min(1000, cap // 8)}")
        # `append` keeps to the cap. What was appended must have room here too, and so must dead
        # letters, or they would block the way out.
        self._db.execute(f"PRAGMA max_page_count={cap + cap // 4}")
        self._db.executescript(_SCHEMA + revisit_file.SCHEMA)
        limit = min(revisit_file.LIMIT, cap_bytes // VISIT_SHARE)
        self._revisits = RevisitTable(self._db, limit=limit)
        self._log = SpoolLog(path, segment_bytes=min(SEGMENT_BYTES, self.cap_bytes // 16))
        self._rows = self._one("SELECT count(*) FROM seen")  # at most; counted anew when it matters
        self._used = 0
        self._wishes = 0  # the file's state when we looked for wanted dead letters
        self._next = 1 + max(
            self._one("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'spool'"),
            int(self._meta("number") or 0),
        )
        self._measure()
        if self._owner is not None:
            self._recover()

    def close(self) -> None:
        """Close the file; everything committed is durable already."""
        if self._owner is not None:
            try:
                self._retire(len(self._log.segments))
            except (Full, OSError) as exc:  # the next start reads the log
                log.warning("spool keeps its log", reason=str(exc))
            self._log.close()
        self._db.close()
        if self._owner is not None:
            os.close(self._owner)

    @property
    def in_use(self) -> bool:
        """Return whether another process has the spool: then this one may look, and ask for dead
        letters to be put back.
        """
        return self._owner is None

    def open_count(self) -> int:
        """Note one more start of a process on this file and return how many there were."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('version', ?)", (str(VERSION),))
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('starts', '0')")
            self._db.execute("UPDATE meta SET value = value + 1 WHERE key = 'starts'")
        return int(self._meta("starts") or 0)

    def append(self, pages: Iterable[Append], done: Sequence[int] = ()) -> list[int]:
        """Make pages durable, all or none, with one sync, and note which pages are `done`; return
        the pages' numbers (0: no lines).

        Raises Full: nothing of it was kept.
        """
        self._must_own()
        entries, bodies = self._entries(pages)
        tail = encode(Tail(entries=tuple(entries), done=tuple(done)))
        size = sum(map(len, bodies)) + len(tail)
        if entries and self._used + self._log.waiting_bytes + size > self.cap_bytes:
            raise Full("the spool has reached its cap")
        try:
            if self._log.suspect:
                self._retire(len(self._log.segments))
            if not self._log.fits(size):
                self._extend(size)
            self._log.write(entries, bodies, tail)
        except (OSError, Unsynced) as exc:
            raise Full(f"disk: {exc}") from exc
        self._learn(entries)
        return [entry.number for entry in entries]

    def _entries(self, pages: Iterable[Append]) -> tuple[list[Entry], list[bytes]]:
        entries, bodies, number = [], [], self._next
        for page in pages:
            body = pack(page.lines)
            visits: tuple[revisit_file.Row, ...] = ()
            if page.visits:
                texts = {line.id: line.body for line in page.lines if line.table == "posts"}
                visits = self._revisits.plan(page.visits, texts)
            entry = Entry(
                number if body else 0,
                len(body),
                len(page.lines),
                page.target,
                page.position,
                page.fence,
                page.seen,
                visits,
                page.touched,
            )
            number += bool(body)
            entries.append(entry)
            bodies.append(body)
        return entries, bodies

    def _learn(self, entries: Sequence[Entry]) -> None:
        """Remember what the newest segment now holds beside pages."""
        segment = self._log.segments[-1]
        for entry in entries:
            if entry.number:
                self._next = max(self._next, entry.number + 1)
            if entry.target is not None and entry.position is not None:
                known = segment.cursors.get(entry.target)
                # A fence lower than the stored one is a holder that lost its lease: its cursor
                # must not win.
                if known is None or entry.fence >= known[1]:
                    segment.cursors[entry.target] = (entry.position, entry.fence)
            for key, state in entry.seen:
                segment.seen[key] = (state, entry.touched)
            segment.visits.extend(entry.visits)

    # --- from the log to the file

    def _recover(self) -> None:
        """Take over what a crash left in the log."""
        tails, loss = self._log.replay(int(self._meta("generation") or 0))
        if not self._log.segments:
            return
        for tail in tails:
            self._learn(tail.entries)
        if loss:
            log.error("spool log was damaged", lost_pages=loss.pages, cut_short=loss.cut)
            with self._transaction():
                self._set("lost", int(self._meta("lost") or 0) + loss.pages)
                self._set("cuts", int(self._meta("cuts") or 0) + loss.cut)
        self._retire(len(self._log.segments))

    def _extend(self, size: int) -> None:
        """Give the log another segment, and take over what its oldest ones hold."""
        count = max(self._log.settled(), len(self._log.segments) - SEGMENTS + 1)
        if self._log.segments and not self._log.segments[-1].live:
            count = len(self._log.segments)
        if count > 0:
            self._retire(count)
        self._log.extend(size)

    def _retire(self, count: int) -> None:
        """Take over what the oldest segments hold. Raises Full."""
        segments = self._log.segments[:count]
        if not segments:
            return
        with self._transaction():
            for segment in segments:
                self._take_over(segment)
            self._set("generation", segments[-1].generation)
            self._set("number", self._next - 1)
        self._log.retire(count)
        self._prune()
        self._measure()

    def _take_over(self, segment: Segment) -> None:
        for number, place in segment.live.items():
            body = segment.read(place)
            payload = b"" if body is None else compress(body)
            row = (number, zlib.crc32(payload), place.lines, body is None, payload)
            self._db.execute("INSERT INTO spool VALUES (?, ?, ?, ?, ?)", row)
        self._db.executemany(
            "INSERT INTO cursor VALUES (?, ?, ?) ON CONFLICT (target) DO UPDATE"
            " SET position = excluded.position, fence = excluded.fence"
            " WHERE excluded.fence >= cursor.fence",
            [(target, *cursor) for target, cursor in segment.cursors.items()],
        )
        states = [(key, *state) for key, state in segment.seen.items()]
        self._rows += len(states)
        whole = len(states) - len(states) % STATES
        rows = ",".join(["(?, ?, ?)"] * STATES)
        for start in range(0, whole, STATES):
            values = [value for row in states[start : start + STATES] for value in row]
            self._db.execute(f"INSERT OR REPLACE INTO seen VALUES {rows}", values)  # noqa: S608
        self._db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", states[whole:])
        self._keep_visits(segment)

    def _keep_visits(self, segment: Segment) -> None:
        self._revisits.put(segment.visits)
        segment.visits.clear()

    def visits(self, now: int, limit: int, lanes: Sequence[str]) -> list[Visit]:
        """Return the direct visits of posts that are due at `now` (milliseconds) through lanes."""
        self._flush_visits()
        return self._revisits.due(now, limit, lanes)

    def move_visits(self, steps: Sequence[tuple[str, int | None, int]]) -> None:
        """Move posts to their next visit; without a due time they are not visited again."""
        self._flush_visits()
        with self._transaction():
            self._revisits.move(steps)

    def _flush_visits(self) -> None:
        if any(segment.visits for segment in self._log.segments):
            with self._transaction():
                for segment in self._log.segments:
                    self._keep_visits(segment)

    def pages_after(self, seq: int, limit: int) -> list[tuple[int, list[Line]]]:
        """Return up to `limit` pages behind `seq`, oldest first; a damaged one is marked, counted,
        left out.
        """
        rows = self._db.execute(
            "SELECT seq, crc, payload FROM spool WHERE seq > ? AND damaged = 0"
            " ORDER BY seq LIMIT ?",
            (seq, limit),
        ).fetchall()
        found = [(number, _open(payload, crc)) for number, crc, payload in rows]
        # Dead letters that were put back are rows with later numbers than pages in the log.
        logged = self._log.after(seq, limit, before=rows[-1][0] if len(rows) == limit else None)
        found += [
            (number, None if body is None else _unpack_lines(body)) for number, body in logged
        ]
        found = sorted(found, key=itemgetter(0))[:limit]
        for number, lines in found:
            if lines is None:
                self._mark_damaged(number)
        return [(number, lines) for number, lines in found if lines is not None]

    def finish(self, done: Sequence[int], dead: Sequence[tuple[DeadLetter, bytes]]) -> None:
        """Forget pages whose lines all have a final verdict and keep dead letters. Raises Full, on
        a full disk only.
        """
        if logged := self.forget(done, dead):
            self.append([], logged)

    def forget(self, done: Sequence[int], dead: Sequence[tuple[DeadLetter, bytes]]) -> list[int]:
        """Do as `finish`, but return the pages whose end the next `append` has to note."""
        logged = [seq for seq in done if self._log.holds(seq)]
        if dead or len(logged) < len(done):
            with self._transaction():
                # First the deletes: in a full file they make the room that the dead letters need.
                self._db.executemany("DELETE FROM spool WHERE seq = ?", [(seq,) for seq in done])
                if dead:
                    reached("in_burial")
                self._db.executemany(
                    "INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [(d.number, d.code, d.reason, d.first_seen, d.table, d.id, b) for d, b in dead],
                )
            self._measure()
        for seq in logged:
            self._log.drop(seq)
        return logged

    def positions(self, target: str) -> bytes | None:
        """Return where the target's polls have got to; None before the first."""
        query = "SELECT position, fence FROM cursor WHERE target = ?"
        found: tuple[bytes, int] | None = self._db.execute(query, (target,)).fetchone()
        for segment in self._log.segments:
            later = segment.cursors.get(target)
            if later is not None and (found is None or later[1] >= found[1]):
                found = later
        return None if found is None else found[0]

    def seen(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the last known state of those subjects that have one."""
        found: dict[str, bytes] = {}
        for start in range(0, len(ids), 500):  # SQLite takes 999 variables in old builds
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"SELECT id, state FROM seen WHERE id IN ({marks})"  # noqa: S608 - only marks
            found.update(self._db.execute(query, part).fetchall())
        for segment in self._log.segments:
            found.update((key, segment.seen[key][0]) for key in ids if key in segment.seen)
        return found

    def remembered(self) -> Iterator[str]:
        """Yield the ids of the subjects that have a state, those seen longest ago first."""
        for (key,) in self._db.execute("SELECT id FROM seen ORDER BY touched"):
            yield key
        for segment in self._log.segments:
            yield from segment.seen

    def _prune(self) -> None:
        """Forget the subjects not seen for longest, if they are a tenth over the limit.

        Without an index on `touched`: it would double the writes of every page to speed up a rare
        scan.
        """
        if self._rows <= self._seen_limit * 1.1:
            return
        self._rows = self._one("SELECT count(*) FROM seen")
        extra = self._rows - self._seen_limit
        if extra <= self._seen_limit // 10:
            return
        with self._transaction():
            self._db.execute(
                "DELETE FROM seen WHERE id IN (SELECT id FROM seen ORDER BY touched LIMIT ?)",
                (extra,),
            )
        self._rows -= extra

    def waiting(self) -> tuple[int, int]:
        """Return how many sound pages and lines wait to be sent."""
        query = "SELECT count(*), coalesce(sum(lines), 0) FROM spool WHERE damaged = 0"
        pages, lines = self._db.execute(query).fetchone()
        logged = self._log.waiting()
        return pages + logged[0], lines + logged[1]

    def fill(self) -> float:
        """Return the share of the cap in use, 0 to 1; pages that SQLite would use again count as
        free.
        """
        return (self._used + self._log.waiting_bytes) / self.cap_bytes

    def _measure(self) -> None:
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        self._used = pages * PAGE_BYTES

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
        """Put dead letters, all without `numbers`, back into the spool and return how many. Of a
        spool that another process has open, it does so with what it appends next.
        """
        wanted = [d.number for d in self.dead_letters(-1)]
        if numbers is not None:
            wanted = sorted(set(wanted) & set(numbers))
        if self._owner is None:
            with self._transaction():
                self._db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", _one_each(wanted))
            return len(wanted)
        for start in range(0, len(wanted), 500):
            self._put_back(wanted[start : start + 500])
        self._measure()
        return len(wanted)

    def _put_back(self, numbers: Sequence[int]) -> None:
        """Make a page of dead letters, in one transaction and less room than they leave: a spool
        that is full of them can be emptied.
        """
        where = f"WHERE number IN ({','.join('?' * len(numbers))})"
        with self._transaction():
            query = f"SELECT payload FROM dead_letters {where} ORDER BY number"  # noqa: S608
            lines = [_unpack_line(row[0]) for row in self._db.execute(query, numbers)]
            self._db.execute(f"DELETE FROM dead_letters {where}", numbers)  # noqa: S608
            payload = isal_zlib.compress(pack(lines), 1)
            row = (self._next, zlib.crc32(payload), len(lines), False, payload)
            self._db.execute("INSERT INTO spool VALUES (?, ?, ?, ?, ?)", row)
        self._next += 1

    def replay_wanted(self) -> int:
        """Put back the dead letters that another process asked for; return how many."""
        version = self._pragma("data_version")
        if version == self._wishes:
            return 0
        self._wishes = version
        numbers = [number for (number,) in self._db.execute("SELECT number FROM wanted")]
        if not numbers:
            return 0
        count = self.replay(numbers)
        with self._transaction():
            self._db.executemany("DELETE FROM wanted WHERE number = ?", _one_each(numbers))
        return count

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
            bytes=self._pragma("page_count") * PAGE_BYTES + self._log.waiting_bytes,
            cap_bytes=self.cap_bytes,
            lost=int(self._meta("lost") or 0),
            cuts=int(self._meta("cuts") or 0),
        )

    def pages_after_all(self) -> None:
        """Read every waiting page, so that each damaged one is marked."""
        if self._owner is not None:
            self._retire(len(self._log.segments))
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
        self._must_own()
        self.pages_after_all()
        with self._transaction():
            dropped = self._db.execute("DELETE FROM spool WHERE damaged = 1").rowcount
            self._db.execute("REINDEX")
        self._db.execute("VACUUM")
        return dropped

    def _mark_damaged(self, seq: int) -> None:
        with self._transaction():
            if self._log.holds(seq):
                row = "INSERT OR IGNORE INTO spool VALUES (?, 0, 0, 1, x'')"
                self._db.execute(row, (seq,))
            else:
                self._db.execute("UPDATE spool SET damaged = 1 WHERE seq = ?", (seq,))
        self._log.drop(seq)

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

    def _must_own(self) -> None:
        if self._owner is None:
            raise InUse(f"{self.path.name}: another process has the spool open")

    def _meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _set(self, key: str, value: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, str(value)))

    def _rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _one(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])


def in_use(path: Path) -> bool:
    """Return whether any process has a spool open."""
    file = _own(path)
    if file is not None:
        os.close(file)
    return file is None


def _own(path: Path) -> int | None:
    """Return what makes the spool ours until it is closed; None if another process has it."""
    file = os.open(
        path.with_name(f"{path.name}-owner"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _one_each(numbers: Iterable[int]) -> list[tuple[int]]:
    return [(number,) for number in numbers]


def _open(payload: bytes, crc: int) -> list[Line] | None:
    if zlib.crc32(payload) != crc:
        return None
    try:
        return _unpack_lines(zlib.decompress(payload))
    except (zlib.error, msgspec.DecodeError, msgspec.ValidationError):
        return None
