"""The generic check of a source: what `Source` promises, tried on its own recorded answers.

For everybody who writes a source: call `check` in a test (docs/add-a-source.md shows how).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec

from ingestor.contract import Answer, Credential, Page, Request, Seen, Source, Target, TargetKind
from ingestor.errors import Down, Gone, IngestError, RateLimited
from lake.lines import line_of, record_of
from lake.records import Post, Record

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SEEN = Seen(observed_at=NOW, host="conformance.example")
MOST_REQUESTS = 40  # a poll that is always given the same answer has to end long before

_HOSTILE: dict[str, bytes] = {
    "an empty body": b"",
    "HTML": b"<!DOCTYPE html><html><body>Log in</body></html>",
    "JSON that is no object": b'"words"',
    "deep nesting": b'{"a":[' * 50_000,
    "a truncated answer": b'{"data": [{"id": "1", "text": "half a se',
    "bytes of no encoding": b"\xff\xfe\x00\x01",
}
_REFUSALS: tuple[tuple[int, type[IngestError]], ...] = (
    (429, RateLimited),
    (503, Down),
    (404, Gone),
)


class NotConforming(AssertionError):
    """A source breaks a promise; `complaints` lists all of them."""

    def __init__(self, name: str, complaints: list[str]) -> None:
        super().__init__(f"source {name} breaks its promises:\n- " + "\n- ".join(complaints))
        self.complaints = complaints


def check(source: Source, answers: Mapping[str, bytes]) -> None:
    """Raise NotConforming if `source` breaks a promise.

    answers: bodies of good answers by file name, as recorded; at least one, each with a record.
    """
    complaints = [
        *_declarations(source),
        *_recorded(source, answers),
        *_hostile(source),
        *_judgements(source, answers),
        *_polls(source, answers),
    ]
    if complaints:
        raise NotConforming(getattr(source, "name", type(source).__name__), complaints)


def _declarations(source: Source) -> Iterator[str]:
    """Yield what is wrong with the values a source declares."""
    if source.version < 1:
        yield "version has to be 1 or more"
    if not source.kinds or not set(source.kinds) <= set(get_args(TargetKind)):
        yield f"kinds has to name some of {', '.join(get_args(TargetKind))}"
    for name, budget in (("window", source.window), ("slots", source.slots)):
        if budget is not None and not (budget[0] >= 1 and budget[1] > 0):
            yield f"{name} has to be a positive number and positive seconds"
    if source.page_size < 1:
        yield "page_size has to be 1 or more"


def _recorded(source: Source, answers: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what is wrong with the reading of recorded answers."""
    if not answers:
        yield "there is no recorded answer to check"
    for name, body in answers.items():
        page = source.parse(body, SEEN)
        if page.error is not None:
            yield f"{name}: a good answer is read as an error ({page.error.reason})"
        elif not list(_records(page)):
            yield f"{name}: no record is found"
        if source.parse(body, SEEN) != page:
            yield f"{name}: a second reading gives something else"
        for record in _records(page):
            yield from (f"{name}: {record.id}: {why}" for why in _flaws(source, record))


def _records(page: Page) -> Iterator[Record]:
    """Yield all records of a page."""
    for records in (page.posts, page.top, page.profiles, page.tags, page.comments, page.follows):
        yield from records


def _flaws(source: Source, record: Record) -> Iterator[str]:
    """Yield what is wrong with one record."""
    if not record.id.startswith(f"{source.network}:") or record.network != source.network:
        yield f"the id has to start with {source.network}:"
    if record.observed_at != SEEN.observed_at:
        yield "observed_at has to be the time of the observation"
    stamp = (getattr(record, "source", None), getattr(record, "parser_version", None))
    if stamp != (source.name, source.version):
        yield "source and parser_version have to be those of the source"
    counts = getattr(record, "counts", None)
    if counts is not None and any((n or 0) < 0 for n in msgspec.structs.astuple(counts)):
        yield "a count is negative: unknown is None"
    if isinstance(record, Post):
        yield from _flaws_of_post(source, record)
    line = line_of(record)
    if line_of(record_of(line.table, line.body)) != line:
        yield "the record does not survive being written and read"


def _flaws_of_post(source: Source, post: Post) -> Iterator[str]:
    """Yield what is wrong with one post."""
    if any(tag != tag.casefold() or tag.startswith("#") for tag in post.tags):
        yield "tags have to be casefolded and without '#' (ingestor.sources.text.tag_names)"
    if post.author_id is not None and not post.author_id.startswith(f"{source.network}:"):
        yield f"author_id has to start with {source.network}:"
    if post.created_at is not None and post.created_at.utcoffset() != timedelta(0):
        yield "created_at has to be in UTC"


def _hostile(source: Source) -> Iterator[str]:
    """Yield which hostile bodies are not withstood."""
    for what, body in _HOSTILE.items():
        try:
            page = source.parse(body, SEEN)
        except Exception as error:  # whatever it is, it is a broken promise
            yield f"parse raises {type(error).__name__} for {what}"
            continue
        if page.error is None:
            yield f"{what} is read as a good answer: it would count as an empty page"
        if list(_records(page)):
            yield f"{what} gives records"


def _judgements(source: Source, answers: Mapping[str, bytes]) -> Iterator[str]:
    """Yield which answers are judged wrongly."""
    for name, body in answers.items():
        if _judged(source, 200, body) is not None:
            yield f"{name}: a good answer is judged an error"
    for status, expected in _REFUSALS:
        if not isinstance(_judged(source, status, b"{}"), expected):
            yield f"status {status} has to raise {expected.__name__}"
    if _judged(source, 200, _HOSTILE["HTML"]) is None:
        yield "HTML with status 200 is judged a good answer"
    source.allowance(Answer(status=200, headers={"x": "\ufffd"}, body=b""), NOW)


def _judged(source: Source, status: int, body: bytes) -> IngestError | None:
    """Return the error an answer raises, None for a good one."""
    try:
        source.judge(Answer(status=status, headers={}, body=body), NOW)
    except IngestError as error:
        return error
    return None


def _polls(source: Source, answers: Mapping[str, bytes]) -> Iterator[str]:
    """Yield which polls do not end."""
    for body in answers.values():
        for kind in source.kinds:
            if not asyncio.run(_ends(source, kind, body)):
                yield f"a poll of kind {kind} does not end when the same cursor comes again"


async def _ends(source: Source, kind: TargetKind, body: bytes) -> bool:
    """Return whether a poll ends that is given the same answer again and again."""
    asked = 0

    async def fetch(request: Request) -> Answer:
        """Give the same answer to everything."""
        nonlocal asked
        asked += 1
        if asked > MOST_REQUESTS:
            raise _Endless
        return Answer(status=200, headers={}, body=body)

    target = Target(network=source.network, kind=kind, name="nike")
    asker = Credential(account="conformance", user="1")
    try:
        await _drained(source.poll(fetch, target, asker, SEEN, None))
    except _Endless:
        return False
    except IngestError:
        return True  # the answer belongs to another question
    return True


async def _drained(pages: AsyncIterator[Page]) -> None:
    """Ask for all pages."""
    async for _ in pages:
        pass


class _Endless(Exception):
    """The poll asked too often."""
