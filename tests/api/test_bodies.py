"""Bombs: refused early, cheaply, in words."""

import resource
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from fakes.tenants import NIKE

Serve = Callable[..., httpx.AsyncClient]
JSON = {"Content-Type": "application/json"}


async def endless(read: list[int]) -> AsyncIterator[bytes]:
    """Yield 200 MB and note how much of it was taken."""
    for _ in range(3_200):
        read.append(65_536)
        yield b" " * 65_536


async def test_200_megabytes_without_a_length_are_refused_after_one(api: httpx.AsyncClient) -> None:
    read: list[int] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await api.post("/v1/campaigns", content=endless(read), headers=JSON)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:taglake:problem:too-large"
    assert sum(read) < 2 * 1024 * 1024
    assert grown < 20_000  # kilobytes


async def test_an_announced_size_is_believed_before_a_byte_is_read(api: httpx.AsyncClient) -> None:
    read: list[int] = []
    headers = JSON | {"Content-Length": str(200 << 20)}
    answer = await api.post("/v1/campaigns", content=endless(read), headers=headers)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert len(read) <= 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 413),
        (b'{"a":' * 20_000, 413),
        (b"[" * 1_000 + b"]" * 1_000, 422),
        (b"{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}", 413),
        (b"{" + b",".join(b'"k%d":1' % n for n in range(9_000)) + b"}", 422),
        (b'{"name":"' + b"[" * 40_000 + b'"}', 422),
        (b'{"name":', 400),
        (b"\xff\xfe{}", 400),
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b'{"name": NaN}', 422),
        (b'{"name": 1e999}', 422),
        (b"{" + b'"name":"a",' * 5_000 + b'"name":"b"}', 422),
    ],
)
async def test_a_bomb_is_refused(api: httpx.AsyncClient, body: bytes, status: int) -> None:
    answer = await api.post("/v1/campaigns", content=body, headers=JSON)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json().get("errors", [])) <= 20
    assert len(answer.content) < 10_000


async def test_another_media_type_is_refused(api: httpx.AsyncClient) -> None:
    answer = await api.post(
        "/v1/campaigns", content=b"name=x", headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 422


async def test_a_slow_answer_ends_in_time(serve: Serve) -> None:
    async def slow() -> AsyncIterator[bytes]:
        import asyncio

        yield b"{"
        await asyncio.sleep(3_600)

    api = serve(request_seconds=0.05)
    answer = await api.post("/v1/campaigns", content=slow(), headers=JSON)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:taglake:problem:too-slow"
    assert answer.headers["retry-after"] == "5"


async def test_a_body_just_within_the_limit_is_read(serve: Serve) -> None:
    api = serve(body_bytes=2_000)
    assert (await api.post("/v1/campaigns", json=NIKE)).status_code == 201
    assert (await api.post("/v1/campaigns", json=NIKE | {"name": "n" * 2_000})).status_code == 413
