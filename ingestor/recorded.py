"""Reading recorded answers: what `taglake parse` prints and `taglake import` keeps.

A file is one of: a body as the network sent it (JSON, or HTML that carries JSON), one JSON body a
line, or exchanges, `[{"request": {"method", "uri"}, "response": {"status", "headers", "json" |
"text"}}]`, where status and headers have their say as they would have live.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, runtime_checkable

import msgspec

from ingestor.contract import Answer, Fault, Page, Seen, Source
from ingestor.errors import IngestError
from ingestor.sources import addresses, faults, fields, times
from ingestor.sources.fields import obj
from lake.records import Post, Record

_encode = msgspec.json.Encoder().encode


@runtime_checkable
class ReadsAnswers(Protocol):
    """A source that needs more of an answer than its body: Mastodon's cursor stands in a header."""

    def read(self, answer: Answer, seen: Seen) -> Page:
        """Return what an answer holds."""
        ...


def pages(
    source: Source, body: bytes, *, observed_at: datetime, host: str | None = None, name: str = ""
) -> Iterator[Page]:
    """Yield the pages a recorded file holds, an error as a Page with `error`. Never raises.

    observed_at: when the file was recorded, if its own Date headers do not say.
    host: the server that answered, where neither an address in the file nor the network says.
    name: of the file; stands in for the address of a bare body.
    """
    seen = Seen(observed_at=observed_at, host=host)
    try:
        tree = fields.decode(body)
    except fields.NotJson:
        yield from _lines(source, body, seen, name)
        return
    if _are_exchanges(tree):
        for exchange in tree:
            yield _exchange(source, obj(exchange), seen)
    else:
        yield _body(source, body, seen, name)


def _are_exchanges(tree: object) -> bool:
    """Return whether a file holds requests with their answers."""
    if not isinstance(tree, list) or not tree:
        return False
    return all("request" in obj(part) and "response" in obj(part) for part in tree)


def _lines(source: Source, body: bytes, seen: Seen, name: str) -> Iterator[Page]:
    """Yield a page for each line of JSON Lines, broken ones as errors; else one for the body."""
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) < 2 or not any(
        line.lstrip()[:1] in (b"{", b"[") and _is_json(line) for line in lines
    ):
        yield _body(source, body, seen, name)
        return
    for line in lines:
        yield _body(source, line, seen, name)


def _is_json(line: bytes) -> bool:
    """Return whether a line is JSON by itself."""
    try:
        fields.decode(line)
    except fields.NotJson:
        return False
    return True


def _body(source: Source, body: bytes, seen: Seen, name: str) -> Page:
    """Return the page of a body without status and headers."""
    if isinstance(source, ReadsAnswers):
        return source.read(Answer(status=200, headers={}, body=body, url=name), seen)
    return source.parse(body, seen)


def _exchange(source: Source, exchange: dict[str, Any], seen: Seen) -> Page:
    """Return the page of one recorded answer, judged as it would have been live."""
    request, response = obj(exchange.get("request")), obj(exchange.get("response"))
    url = fields.text(request.get("uri")) or ""
    answer = Answer(
        status=fields.count(response.get("status")) or 0,
        headers={k.lower(): str(v) for k, v in obj(response.get("headers")).items()},
        body=_response_body(response),
        url=url,
    )
    seen = Seen(observed_at=_date(answer, seen.observed_at), host=addresses.host(url) or seen.host)
    try:
        source.judge(answer, seen.observed_at)
    except IngestError as error:
        return Page(error=faults.fault_of(error))
    page = _answer(source, answer, seen)
    return _deleted(page, seen) if request.get("method") == "DELETE" else page


def _response_body(response: dict[str, Any]) -> bytes:
    """Return the body of a recorded answer as bytes."""
    if "json" in response:
        return _encode(response["json"])
    return (fields.text(response.get("text")) or "").encode("utf-8", "replace")


def _answer(source: Source, answer: Answer, seen: Seen) -> Page:
    """Return what an answer holds, by all the source can read of it."""
    return (
        source.read(answer, seen)
        if isinstance(source, ReadsAnswers)
        else source.parse(answer.body, seen)
    )


def _date(answer: Answer, latest: datetime) -> datetime:
    """Return when a server answered, as its Date header says, if that is believable."""
    try:
        moment = times.instant(parsedate_to_datetime(answer.headers["date"]).timestamp())
    except (KeyError, ValueError, TypeError, OverflowError):
        return latest
    if moment is None or not times.plausible(moment, latest):
        return latest
    return min(moment, latest + timedelta(days=1))


def _deleted(page: Page, seen: Seen) -> Page:
    """Return a page of posts that the answer shows for the last time."""
    gone = tuple(msgspec.structs.replace(p, deleted_at=seen.observed_at) for p in page.posts)
    return msgspec.structs.replace(page, posts=gone)


def lines(
    source: Source, file_name: str, body: bytes, *, observed_at: datetime, host: str | None = None
) -> Iterator[bytes]:
    """Yield the NDJSON lines of `taglake parse` for one file, without line ends.

    The last line is the file's `page`: `count` is the number of its post lines, `cursor` the cursor
    of the last answer in it.
    """
    count, cursor = 0, None
    for page in pages(source, body, observed_at=observed_at, host=host, name=file_name):
        count += len(page.posts) + len(page.top)
        cursor = page.cursor
        yield from _page_lines(page)
    yield _encode({"record": "page", "file": file_name, "cursor": cursor, "count": count})


def _page_lines(page: Page) -> Iterator[bytes]:
    """Yield the lines of one page."""
    if page.error is not None:
        yield _error_line(page.error)
    for post in page.posts:
        yield _post_line(post, "recent")
    for post in page.top:
        yield _post_line(post, "top")
    kinds: tuple[tuple[str, tuple[Record, ...]], ...] = (
        ("profile", page.profiles),
        ("tag", page.tags),
        ("comment", page.comments),
        ("follow", page.follows),
    )
    for name, records in kinds:
        for record in records:
            yield b'{"record":"' + name.encode() + b'",' + _encode(record)[1:]


def _post_line(post: Post, section: str) -> bytes:
    """Return the line of a post."""
    return b'{"record":"post","section":"' + section.encode() + b'",' + _encode(post)[1:]


def _error_line(fault: Fault) -> bytes:
    """Return the line of an error."""
    return _encode(
        {
            "record": "error",
            "code": fault.code,
            "kind": fault.kind,
            "retry_after": fault.retry_after,
            "reason": fault.reason,
        }
    )
