"""`taglake import`: recorded answers into the lake, on the same path as live ones."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ingestor.contract import Fault, Page, Source
from ingestor.known import Known
from ingestor.observe import observe, recall
from ingestor.recorded import pages
from ingestor.rows import rows_of
from lake.contract import Lake, Line, Verdict
from taglake import wiring
from taglake.errors import Unreachable
from taglake.settings import Settings

BATCH = 1000  # lines a write
KINDS = ("posts", "profiles", "tags", "comments", "follows")
FIRST_YEAR = 2010  # of the networks we read


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    source: str
    files: tuple[Path, ...]
    observed_at: datetime | None  # None: when each file was written
    host: str | None


class Imported(msgspec.Struct, kw_only=True):
    """What one file came to: records read, written, and set aside with the reason."""

    file: str
    posts: int = 0
    profiles: int = 0
    tags: int = 0
    comments: int = 0
    follows: int = 0
    snapshots: int = 0
    written: int = 0  # lines the lake has now; one it had already, in a newer state, counts too
    empty: int = 0  # answers that list nothing
    refusals: int = 0  # errors that the network itself answered
    errors: list[str] = msgspec.field(default_factory=list)
    set_aside: dict[str, int] = msgspec.field(default_factory=dict)  # reason to count

    @property
    def records(self) -> int:
        """Return how many records were read, whether or not they were new."""
        return self.posts + self.profiles + self.tags + self.comments + self.follows


async def import_files(settings: Settings, asked: Import) -> list[Imported]:
    """Read the files into the lake and return what each came to. Raises TaglakeError."""
    source = wiring.sources()[asked.source]
    known = Known(_nothing)
    results = []
    waiting: list[tuple[Line, Imported]] = []  # of several files: many small ones are one write
    async with wiring.open_lake(settings) as lake:
        for path in asked.files:
            result = Imported(file=str(path))
            results.append(result)
            lines = await _lines(source, known, path, asked, result)
            waiting.extend((line, result) for line in lines)
            if len(waiting) >= BATCH:
                await _write(lake, waiting)
                waiting.clear()
        await _write(lake, waiting)
        await lake.flush()
    return results


def unreadable(results: Sequence[Imported]) -> bool:
    """Tell whether nothing in any of the files is an answer of the network, not even an error."""
    return not any(
        result.records or result.set_aside or result.empty or result.refusals for result in results
    )


async def _nothing(_: Sequence[str]) -> dict[str, bytes]:
    # An import knows only what it has read itself, so that importing twice gives the same lines.
    return {}


async def _lines(
    source: Source, known: Known, path: Path, asked: Import, result: Imported
) -> list[Line]:
    """Return the lines a file adds to the lake, and count what it held."""
    lines: list[Line] = []
    body = await asyncio.to_thread(path.read_bytes)
    when = asked.observed_at or _changed(path)
    for page in pages(source, body, observed_at=when, host=asked.host, name=str(path)):
        _count(result, page)
        rows, observer = rows_of(page), f"import/{asked.source}"
        await recall(rows, known)
        lines += observe(rows, known, observer=observer, follows=page.follows).lines
    result.snapshots = sum(line.table == "snapshots" for line in lines)
    return lines


def _changed(path: Path) -> datetime:
    """Return when a file was written: the best guess at when it was recorded, and the same guess
    at every import, so that importing twice changes nothing.
    """
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    # Archives often say 1970 or 1980, which is before any post.
    return changed if changed.year >= FIRST_YEAR else datetime.now(UTC)


async def _write(lake: Lake, lines: Sequence[tuple[Line, Imported]]) -> None:
    for start in range(0, len(lines), BATCH):
        part = lines[start : start + BATCH]
        verdicts = await lake.write([line for line, _ in part])
        for verdict, (_, result) in zip(verdicts, part, strict=True):
            _settle(verdict, result)


def _settle(verdict: Verdict, result: Imported) -> None:
    if verdict.outcome in {"stored", "stale"}:
        result.written += 1
    elif verdict.outcome == "poison":
        _aside(result, f"the lake refuses it: {verdict.reason}")
    else:
        raise Unreachable(
            f"{result.file}: the lake takes no writes: {verdict.reason}; import again"
        )


def _count(result: Imported, page: Page) -> None:
    result.posts += len({post.id for post in (*page.posts, *page.top)})
    result.profiles += len(page.profiles)
    result.tags += len(page.tags)
    result.comments += len(page.comments)
    result.follows += len(page.follows)
    if page.error is not None:
        result.errors.append(_fault(page.error))
        result.refusals += page.error.kind != "unknown"
    elif not (page.aside or any(getattr(page, kind) for kind in (*KINDS, "top"))):
        result.empty += 1
    for fault in page.aside:
        _aside(result, _fault(fault))


def _fault(fault: Fault) -> str:
    parts = (fault.kind, fault.code, fault.where, fault.reason)
    return ": ".join(part for part in parts if part)


def _aside(result: Imported, reason: str) -> None:
    result.set_aside[reason] = Counter(result.set_aside)[reason] + 1


def told(result: Imported) -> str:
    """Return what one file came to, as lines for a terminal."""
    numbers = {kind: getattr(result, kind) for kind in (*KINDS, "snapshots")}
    found = ", ".join(f"{number} {kind}" for kind, number in numbers.items() if number)
    lines = [f"{result.file}: {found or 'no records'}"]
    lines += [f"  an error, not data: {error}" for error in result.errors]
    if result.empty:
        lines.append(f"  empty: {result.empty} answers that list nothing")
    lines += [f"  set aside: {reason} ({count})" for reason, count in result.set_aside.items()]
    return "\n".join(lines)
