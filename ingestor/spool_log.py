"""The spool's log: what is appended is durable here first, in one write and one sync a commit.

The SQLite file takes it over later, a segment at a time, and by then most pages have left for the
lake: they are never written a second time. A segment is a file of fixed length that is used again:

    record: head | the pages' lines, packed | tail: what moves with the pages | foot

The head carries a checksum of the record and the generation of its segment, so what an earlier use
left in the file is not taken for a record. Head and foot both say how many pages the record holds:
when a record is damaged, what is lost is known.
"""

import errno
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from isal import isal_zlib

from ingestor.revisit_file import Row

_HEAD = struct.Struct("<4sQIIIQI")  # mark, generation, pages, tail, length, segment, checksum
_FOOT = struct.Struct("<4sQI")  # mark, generation, pages
_MARK = struct.Struct("<4sQ")
_BEGIN, _END = b"\xf5TLb", b"\xf5TLe"  # 0xf5 occurs in no UTF-8
_FRAME = _HEAD.size + _FOOT.size
_BLOCK = 4096


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One page in a record's tail; without lines it has no number."""

    number: int
    length: int
    lines: int
    target: str | None
    position: bytes | None
    fence: int
    seen: tuple[tuple[str, bytes], ...]
    visits: tuple[Row, ...]
    touched: int


class Tail(msgspec.Struct, frozen=True, array_like=True):
    """What moves with the pages of a record, and which pages have left since the one before."""

    entries: tuple[Entry, ...]
    done: tuple[int, ...]


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a page's packed lines stand in a segment."""

    offset: int
    length: int
    lines: int
    crc: int


class Loss(msgspec.Struct):
    """What could not be read when a log was replayed."""

    pages: int = 0
    cut: bool = False  # a file is missing or too short: nobody knows what stood there

    def __bool__(self) -> bool:
        return bool(self.pages) or self.cut


class Record(msgspec.Struct, frozen=True):
    """One record as it was read: its tail, its pages' packed lines and where they begin."""

    tail: Tail
    packed: bytes
    offset: int
    lost: int  # pages before it that could not be read

    def bodies(self) -> Iterator[bytes]:
        """Yield the packed lines of each page of the tail."""
        at = 0
        for entry in self.tail.entries:
            yield self.packed[at : at + entry.length]
            at += entry.length


class Contents(msgspec.Struct):
    """What was read of a segment."""

    cut: bool
    records: list[Record] = []
    end: int = 0
    lost: int = 0  # pages behind the last record


class Unsynced(Exception):
    """The disk refused to sync: what it holds is unknown, and no later sync can be trusted."""


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Tail).decode


class Segment:
    """One file of the log, and what of it the SQLite file has not taken over."""

    def __init__(self, path: Path, generation: int) -> None:
        self.path = path
        self.generation = generation
        self.end = 0
        self.live: dict[int, Place] = {}  # pages whose lines lack a final verdict
        self.seen: dict[str, tuple[bytes, int]] = {}  # state, and when it was seen
        self.cursors: dict[str, tuple[bytes, int]] = {}  # position and fence
        self.visits: list[Row] = []
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.size = os.fstat(self._fd).st_size

    def write(self, parts: Sequence[bytes]) -> None:
        """Write a record whole behind the last one and sync it. Raises OSError: the next record
        takes its place; or Unsynced.
        """
        left, at = [memoryview(part) for part in parts], self.end
        while left:
            written = os.pwritev(self._fd, left[:512], at)
            if not written:
                raise OSError(errno.ENOSPC, "the disk took nothing")
            at += written
            while left and written >= len(left[0]):
                written -= len(left.pop(0))
            if left:  # a full disk writes short without an error
                left[0] = left[0][written:]
        try:
            os.fdatasync(self._fd)
        except OSError as exc:
            raise Unsynced(str(exc)) from exc
        self.end = at

    def read(self, place: Place) -> bytes | None:
        """Return a page's packed lines; None if they are damaged."""
        body = os.pread(self._fd, place.length, place.offset)
        return body if isal_zlib.crc32(body) == place.crc else None

    def close(self) -> None:
        """Close the file and leave it."""
        os.close(self._fd)


class SpoolLog:
    """The segments of one spool, oldest first. Used in one thread.

    Life: `replay` once; then `extend` where a record does not fit, `write`, and `retire` when the
    SQLite file holds what the oldest segments held. While it is `suspect`, after Unsynced, all
    segments must be retired before the next `write`.
    """

    def __init__(self, spool: Path, *, segment_bytes: int) -> None:
        self._spool = spool
        self._segment_bytes = -(-segment_bytes // _BLOCK) * _BLOCK
        self._generation = 0
        self._spare: Path | None = None
        self.segments: list[Segment] = []
        self.suspect = False
        self.waiting_bytes = 0  # of pages whose lines lack a final verdict

    # --- after a crash

    def replay(self, after: int) -> tuple[list[Tail], Loss]:
        """Read the segments of later generations than `after`; return their records' tails, in
        order, and what is lost. A cursor behind a loss must not move: its target is asked again.
        """
        self._generation = after
        tails: list[Tail] = []
        loss = Loss()
        for generation, path in files(self._spool):
            if generation <= after:
                self._leave(path, generation)
                continue
            # A gap: the SQLite file has lost transactions, and what they took over.
            loss.cut |= generation != self._generation + 1
            self._generation = generation
            segment, found = Segment(path, generation), read(path, generation)
            self.segments.append(segment)
            segment.end = found.end
            for record in found.records:
                loss.pages += record.lost
                tails.append(_without_cursors(record.tail) if loss else record.tail)
                self._keep(segment, record)
            loss.pages += found.lost
            loss.cut |= found.cut
        return tails, loss

    def _keep(self, segment: Segment, record: Record) -> None:
        offset = record.offset
        for entry, body in zip(record.tail.entries, record.bodies(), strict=True):
            if body:
                place = Place(offset, entry.length, entry.lines, isal_zlib.crc32(body))
                self._add(segment, entry, place)
            offset += entry.length
        for number in record.tail.done:
            self.drop(number)

    def _path(self, name: int | str) -> Path:
        return self._spool.with_name(f"{self._spool.name}-log-{name}")

    def _leave(self, path: Path, generation: int) -> None:
        """Remove a segment that nothing needs; where there is an archive, it is kept there."""
        archive = archive_of(self._spool)
        if archive.is_dir():
            path.rename(archive / str(generation))
        else:
            path.unlink()

    # --- writing

    def fits(self, size: int) -> bool:
        """Return whether a record of so many bytes fits into the newest segment."""
        return (
            bool(self.segments) and self.segments[-1].end + size + _FRAME <= self.segments[-1].size
        )

    def extend(self, size: int) -> None:
        """Begin a segment that has room for a record of `size` bytes. Raises OSError."""
        length = max(self._segment_bytes, -(-(size + _FRAME) // _BLOCK) * _BLOCK)
        path = self._path(self._generation + 1)
        fresh = self._spare or self._make(length)
        if fresh.stat().st_size < length:
            fresh.unlink()
            fresh = self._make(length)
        self._spare = None
        fresh.rename(path)  # under its name only at its full length
        _sync_folder(path.parent)
        self._generation += 1
        self.segments.append(Segment(path, self._generation))

    def _make(self, length: int) -> Path:
        """Return a new file that has its room on the disk: a disk that fills refuses no record."""
        path = self._path("new")
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, length)
            os.fsync(file)
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(file)
        return path

    def write(self, entries: Sequence[Entry], bodies: Sequence[bytes], tail: bytes) -> None:
        """Make a record durable in the newest segment. Raises OSError: it is not; or Unsynced:
        nobody knows.

        entries, bodies: of the same pages; a page without lines has an empty body. tail: encoded,
        with these entries.
        """
        segment = self.segments[-1]
        parts = [body for body in bodies if body]
        pages = len(parts)
        length = sum(map(len, parts)) + len(tail)
        head = _HEAD.pack(_BEGIN, segment.generation, pages, len(tail), length, segment.size, 0)
        crc = isal_zlib.crc32(head, segment.end)  # a record elsewhere than it was put is none
        for part in (*parts, tail):
            crc = isal_zlib.crc32(part, crc)
        head = head[:-4] + struct.pack("<I", crc)
        foot = _FOOT.pack(_END, segment.generation, pages)
        offset = segment.end + _HEAD.size
        try:
            segment.write([head, *parts, tail, foot])
        except Unsynced:
            self.suspect = True
            raise
        for entry, body in zip(entries, bodies, strict=True):
            if body:
                place = Place(offset, entry.length, entry.lines, isal_zlib.crc32(body))
                self._add(segment, entry, place)
            offset += entry.length

    def _add(self, segment: Segment, entry: Entry, place: Place) -> None:
        segment.live[entry.number] = place
        self.waiting_bytes += place.length

    # --- reading

    def holds(self, number: int) -> bool:
        """Return whether a page waits here."""
        return any(number in segment.live for segment in self.segments)

    def waiting(self) -> tuple[int, int]:
        """Return how many pages and lines wait here."""
        places = [place for segment in self.segments for place in segment.live.values()]
        return len(places), sum(place.lines for place in places)

    def after(
        self, number: int, limit: int, *, before: int | None = None
    ) -> list[tuple[int, bytes | None]]:
        """Return up to `limit` waiting pages behind `number` and `before` another, oldest first;
        None: damaged.
        """
        found: list[tuple[int, bytes | None]] = []
        for segment in self.segments:
            for each, place in segment.live.items():
                if before is not None and each > before:
                    return found
                if each > number and len(found) < limit:
                    found.append((each, segment.read(place)))
        return found

    def drop(self, number: int) -> bool:
        """Forget a page; return whether it was here."""
        for segment in self.segments:
            if (place := segment.live.pop(number, None)) is not None:
                self.waiting_bytes -= place.length
                return True
        return False

    # --- handing over

    def settled(self) -> int:
        """Return how many of the oldest segments, but not the newest, hold no page that waits."""
        for count, segment in enumerate(self.segments[:-1]):
            if segment.live:
                return count
        return max(0, len(self.segments) - 1)

    def retire(self, count: int) -> None:
        """Give up the oldest segments: the SQLite file holds what they held."""
        for segment in self.segments[:count]:
            segment.close()
            self.waiting_bytes -= sum(place.length for place in segment.live.values())
            reusable = segment.size == self._segment_bytes and not self.suspect
            if self._spare is None and reusable and not archive_of(self._spool).is_dir():
                self._spare = segment.path.rename(self._path("spare"))
            else:
                self._leave(segment.path, segment.generation)
        del self.segments[:count]
        self.suspect = self.suspect and bool(self.segments)

    def close(self) -> None:
        """Close the files; those that were not retired stay, and are replayed at the next start."""
        for segment in self.segments:
            segment.close()
        for name in ("spare", "new"):
            self._path(name).unlink(missing_ok=True)


def archive_of(spool: Path) -> Path:
    """Return the folder that, if somebody made it, collects all that was ever durable."""
    return spool.with_name(f"{spool.name}-archive")


def files(spool: Path) -> list[tuple[int, Path]]:
    """Return the segments of a spool with their generations, oldest first."""
    prefix = f"{spool.name}-log-"
    names = [path.name[len(prefix) :] for path in spool.parent.glob(f"{prefix}*")]
    return sorted((int(name), spool.with_name(prefix + name)) for name in names if name.isdigit())


def read(path: Path, generation: int) -> Contents:
    """Return the records of a segment; what lies between or behind them is a loss if it bears marks
    of ours.
    """
    body = path.read_bytes()
    begin = _MARK.pack(_BEGIN, generation)
    found = Contents(cut=len(body) < _BLOCK)
    at, lost = 0, 0
    while at >= 0:
        record = _record(body, at, generation)
        if record is None:
            later = body.find(begin, at + 1)
            lost += _lost(body[at : later if later > 0 else None], generation)
            at = later
            continue
        head, tail = record
        size, found.cut = head[4] - head[3], found.cut or len(body) < head[5]
        start = at + _HEAD.size
        found.records.append(Record(tail, body[start : start + size], start, lost))
        found.end = at = at + _FRAME + head[4]
        lost = 0
    found.lost = lost
    return found


def _record(body: bytes, at: int, generation: int) -> tuple[tuple[int, ...], Tail] | None:
    """Return the head and the tail of the record at a place, None if there is none or it is
    damaged.
    """
    if len(body) < at + _FRAME:
        return None
    head = _HEAD.unpack_from(body, at)
    end = at + _HEAD.size + head[4]
    if head[:2] != (_BEGIN, generation) or end + _FOOT.size > len(body) or head[3] > head[4]:
        return None
    crc = isal_zlib.crc32(_HEAD.pack(*head[:6], 0), at)
    view = memoryview(body)
    if isal_zlib.crc32(view[at + _HEAD.size : end], crc) != head[6]:
        return None
    return head, _decode(view[end - head[3] : end])


def _lost(body: bytes, generation: int) -> int:
    """Return how many pages the unreadable records of a stretch held, by their heads or feet."""
    begin, end = _MARK.pack(_BEGIN, generation), _MARK.pack(_END, generation)
    pages, at = 0, 0
    while at < len(body):
        foot = body.find(end, at)
        headed = body.startswith(begin, at) and len(body) >= at + _HEAD.size
        if foot < 0:
            return pages + (_HEAD.unpack_from(body, at)[2] if headed else 0)
        if len(body) < foot + _FOOT.size:
            return pages + 1
        pages += _FOOT.unpack_from(body, foot)[2]
        at = foot + _FOOT.size
    return pages


def _without_cursors(tail: Tail) -> Tail:
    change = msgspec.structs.replace
    return Tail(tuple(change(entry, target=None) for entry in tail.entries), tail.done)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
