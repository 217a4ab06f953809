"""One `Idempotency-Key`, one effect: a request that is sent again gets the first answer again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import StringConstraints

from api.services import Services
from registry.models import Key, StoredResponse

IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")] | None,
    Header(
        alias="Idempotency-Key",
        description="Your own id of this request; sent again, it answers as the first time",
    ),
]
KEPT = ("location", "content-type")


async def once(
    request: Request,
    parts: Services,
    key: Key,
    *,
    name: str | None,
    act: Callable[[], Awaitable[Response]],
) -> Response:
    """Return what `act` answers, or what it answered the first time under this name.

    A refusal frees the name: the client mends its request and may keep the name.
    Raises KeyReused for another body, InProgress while the first is at work.
    """
    if name is None:
        return await act()
    stored = await parts.registry.idempotency.begin(key.client_id, name, await digest(request))
    if stored is not None:
        return replay(stored)
    try:
        answer = await act()
    except BaseException:
        await parts.registry.idempotency.abandon(key.client_id, name)
        raise
    await parts.registry.idempotency.finish(
        key.client_id,
        name,
        status=answer.status_code,
        body=bytes(answer.body),
        headers={field: answer.headers[field] for field in KEPT if field in answer.headers},
    )
    return answer


async def digest(request: Request) -> str:
    """Return what makes a request the same: method, path, query and body."""
    said = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(said + await request.body()).hexdigest()


def replay(stored: StoredResponse) -> Response:
    """Return the first answer, marked as a repetition."""
    headers = {**stored.headers, "Idempotency-Replayed": "true"}
    return Response(stored.body, status_code=stored.status, headers=headers)
