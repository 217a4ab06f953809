"""`taglake import`: recorded answers into the lake, on the same path as live ones."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from ingestor.contract import Fault, Page, Source
from ingestor.known import Known
from ingestor.observe import observe, subjects
from ingestor.recorded import pages
from lake.contract import Lake, Line, Verdict
from taglake import wiring
from taglake.errors import Unreachable
from taglake.settings import Settings

BATCH = 1000  # lines a write


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    source: str
    files: tuple[Path, ...]
    observed_at: datetime
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
    errors: list[str] = msgspec.field(default_factory=list)
    set_aside: dict[str, int] = msgspec.field(default_factory=dict)  # reason to count


async def import_files(settings: Settings, asked: Import) -> list[Imported]:
    """Read the files into the lake and return what each came to. Raises TaglakeError."""
    source = wiring.sources()[asked.source]
    known = Known(_nothing)
    async with wiring.open_lake(settings) as lake:
        return [await _import(lake, source, known, path, asked) for path in asked.files]


async def _nothing(_: Sequence[str]) -> dict[str, bytes]:
    # An import knows only what it has read itself, so that importing twice gives the same lines.
    return {}


async def _import(lake: Lake, source: Source, known: Known, path: Path, asked: Import) -> Imported:
    result = Imported(file=str(path))
    body = await asyncio.to_thread(path.read_bytes)
    for page in pages(source, body, observed_at=asked.observed_at, host=asked.host, name=str(path)):
        _count(result, page)
        await known.fetch(subjects(page))
        observed = observe(page, known, observer=f"import/{asked.source}")
        result.snapshots += sum(line.table == "snapshots" for line in observed.lines)
        await _write(lake, observed.lines, result)
    return result


async def _write(lake: Lake, lines: Sequence[Line], result: Imported) -> None:
    for start in range(0, len(lines), BATCH):
        for verdict in await lake.write(lines[start : start + BATCH]):
            _settle(verdict, result)
    await lake.flush()


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
    for fault in page.aside:
        _aside(result, _fault(fault))


def _fault(fault: Fault) -> str:
    parts = (fault.kind, fault.code, fault.where, fault.reason)
    return ": ".join(part for part in parts if part)


def _aside(result: Imported, reason: str) -> None:
    result.set_aside[reason] = Counter(result.set_aside)[reason] + 1


def told(result: Imported) -> str:
    """Return what one file came to, as lines for a terminal."""
    kinds = ("posts", "profiles", "tags", "comments", "follows", "snapshots")
    found = ", ".join(f"{getattr(result, kind)} {kind}" for kind in kinds if getattr(result, kind))
    lines = [f"{result.file}: {found or 'no records'}"]
    lines += [f"  an error, not data: {error}" for error in result.errors]
    lines += [f"  set aside: {reason} ({count})" for reason, count in result.set_aside.items()]
    return "\n".join(lines)
