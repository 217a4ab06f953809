"""Answers as bytes: encoded once, tagged by what they say, not sent again to who has them."""

import hashlib
import re
from typing import Any

import msgspec
from fastapi import Request, Response

JSON = "application/json"
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


class Answer(msgspec.Struct, frozen=True):
    """A body and its entity tag."""

    body: bytes
    tag: str


def encoded(value: object, *, tagged_by: object = None) -> Answer:
    """Return a value as JSON with a weak tag, made from `tagged_by` if that says the same.

    A report names the second it was made in, which is no news: its tag leaves that out.
    """
    body = msgspec.json.encode(value)
    return tagged(body, said=body if tagged_by is None else msgspec.json.encode(tagged_by))


def tagged(body: bytes, *, said: bytes | None = None) -> Answer:
    """Return bytes with a weak tag of themselves, or of what they say."""
    return Answer(body, f'W/"{hashlib.sha256(said or body).hexdigest()[:24]}"')


def respond(request: Request, answer: Answer, *, media_type: str = JSON) -> Response:
    """Return the answer, or 304 to a client that has it. Private: it belongs to one tenant."""
    headers = {"ETag": answer.tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if _known(request.headers.get("if-none-match", ""), answer.tag):
        return Response(status_code=304, headers=headers)
    return Response(answer.body, media_type=media_type, headers=headers)


def created(value: object, *, location: str) -> Response:
    """Return 201 with where the new thing is."""
    body = msgspec.json.encode(value)
    return Response(body, status_code=201, media_type=JSON, headers={"Location": location})


def plain(value: object) -> Response:
    """Return a value that nobody may keep."""
    return Response(
        msgspec.json.encode(value), media_type=JSON, headers={"Cache-Control": "no-store"}
    )


def same(report: Any) -> Any:
    """Return the report as its tag sees it: without the second it was made in."""
    header = msgspec.structs.replace(report.header, instant=report.header.sides)
    return msgspec.structs.replace(report, header=header)


def _known(given: str, tag: str) -> bool:
    if given.strip() == "*":
        return True
    return tag.removeprefix("W/").strip('"') in _TAG.findall(given)
