import asyncio
import gzip
import resource
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ingestor.contract import Request
from ingestor.errors import BadAnswer, Down
from ingestor.http import Http, address

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def giving(body: bytes, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, headers=headers)

    return handler


async def ask(handler: Handler, **limits: float) -> object:
    async with serving(handler) as url, Http(**limits) as http:  # type: ignore[arg-type] # seconds
        return await http.ask(url, Request(path="/x"))


@asynccontextmanager
async def forgetful() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that drops every second request of a kept-alive connection without an answer."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = 0
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            asked.append(line)
            count += 1
            if count == 2:
                break
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    await asyncio.sleep(0.05)  # the server's ends hear that ours are closed


async def test_the_network_counts_as_many_requests_as_we_do() -> None:
    made = 0
    async with forgetful() as (url, asked), Http() as http:
        for _ in range(3):
            made += 1
            try:
                await http.ask(url, Request(path="/x"))
            except Down as down:
                assert down.code == "connection"  # noqa: PT017 - one of three
    assert len(asked) == made == 3


async def test_a_gzip_bomb_is_noticed_at_the_cap() -> None:
    bomb = gzip.compress(b"a" * (128 << 20), compresslevel=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadAnswer, match="larger than 10485760"):
        await ask(giving(bomb, **{"Content-Encoding": "gzip"}))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 48 << 10  # KiB; the bomb is 128 MiB


async def test_a_body_over_the_cap_is_refused() -> None:
    with pytest.raises(BadAnswer, match="larger than 1000 bytes") as refused:
        await ask(giving(b"x" * 1001), body_bytes=1000)
    assert refused.value.code == "large"


async def test_a_packed_body_is_unpacked() -> None:
    answer = await ask(giving(gzip.compress(b'{"a":1}'), **{"Content-Encoding": "gzip"}))
    assert answer.body == b'{"a":1}'


async def test_a_redirect_is_an_answer_to_be_judged() -> None:
    async def handler(_: web.Request) -> web.Response:
        raise web.HTTPFound("/accounts/login")

    answer = await ask(handler)
    assert (answer.status, answer.headers["location"]) == (302, "/accounts/login")


async def test_a_truncated_body_is_a_bad_answer() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    with pytest.raises(BadAnswer, match="truncated"):
        await ask(handler)


async def test_broken_packing_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        await ask(giving(b"this is no gzip", **{"Content-Encoding": "gzip"}))


async def test_silence_is_down() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(Down, match="no answer in time"):
        await ask(handler, total_seconds=0.1)


async def test_a_closed_port_is_down() -> None:
    async with serving(giving(b"")) as url:
        pass
    async with Http() as http:
        with pytest.raises(Down, match="no connection"):
            await http.ask(url, Request(path="/"))


async def test_parameters_form_and_json_reach_the_server() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(
            {
                "query": request.rel_url.raw_query_string,
                "body": await request.text(),
                "h": request.headers["x"],
            }
        )

    async with serving(handler) as url, Http() as http:
        get = Request(path="a", params=(("q", "#nike & co"), ("q", "2")), headers=(("x", "1"),))
        form = Request(path="/a", method="POST", form=(("k", "v"),), headers=(("x", "1"),))
        body = Request(path="/a", method="POST", json={"k": 1}, headers=(("x", "1"),))
        answers = [(await http.ask(url, one)).body for one in (get, form, body)]
    assert answers == [
        b'{"query": "q=%23nike+%26+co&q=2", "body": "", "h": "1"}',
        b'{"query": "", "body": "k=v", "h": "1"}',
        b'{"query": "", "body": "{\\"k\\":1}", "h": "1"}',
    ]


def test_a_next_page_must_be_on_the_same_server() -> None:
    assert address("https://a.social/", "/api/x") == "https://a.social/api/x"
    assert address("https://a.social", "https://a.social/x?y=1") == "https://a.social/x?y=1"
    for evil in ("https://evil.example/x", "http://a.social/x", "//evil.example/x", "file:///etc"):
        with pytest.raises(BadAnswer, match="another server"):
            address("https://a.social", evil)


@asynccontextmanager
async def saying(*answers: bytes, pieces: int = 1 << 16) -> AsyncIterator[str]:
    """A server that says the next of the given bytes to every request, then closes if it is out of
    them.
    """
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left and await reader.readline():
            while (await reader.readline()).strip():
                pass
            answer = left.pop(0)
            for start in range(0, len(answer), pieces):
                writer.write(answer[start : start + pieces])
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.sleep(0.05)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("pieces", [1, 7, 1 << 16])
@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Content-Length: 3\r\n\r\nabc", b"abc"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (OK + b"\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx", b"x"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
    ids=["length", "chunks", "until it closes", "hints before it", "none"],
)
async def test_a_body_ends_where_http_says(answer: bytes, body: bytes, pieces: int) -> None:
    async with saying(answer, pieces=pieces) as url, Http() as http:
        assert (await http.ask(url, Request(path="/"))).body == body


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (b"", Down, "connection"),
        (b"220 mail.example ESMTP\r\n", BadAnswer, "http"),
        (OK + b"Content-Length: 10\r\n\r\nabc", BadAnswer, "payload"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", BadAnswer, "payload"),
        (OK + b"X: " + b"a" * 70_000 + b"\r\n\r\n", BadAnswer, "http"),
        (OK + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx", BadAnswer, "payload"),
    ],
    ids=["nothing", "no HTTP", "short", "broken chunk", "endless header", "packing not asked for"],
)
async def test_what_is_no_answer_is_told_apart(
    answer: bytes, error: type[Exception], code: str
) -> None:
    async with saying(answer) as url, Http() as http:
        with pytest.raises(error) as wrong:
            await http.ask(url, Request(path="/"))
    assert wrong.value.code == code


async def test_what_comes_unasked_is_no_answer_to_the_next_request() -> None:
    smuggled = OK + b"Content-Length: 1\r\n\r\n1" + OK + b"Content-Length: 4\r\n\r\nevil"
    async with (
        saying(smuggled, OK + b"Content-Length: 1\r\n\r\n2") as url,
        Http() as http,
    ):
        answers = [(await http.ask(url, Request(path="/"))).body for _ in range(2)]
    assert answers == [b"1", b"2"]


async def test_a_connection_is_used_again_until_its_server_closes_it() -> None:
    peers = set()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        headers = {"Connection": "close"} if request.query else {}
        return web.Response(text="x", headers=headers)

    async with serving(handler) as url, Http() as http:
        for params in ((), (), (("q", "1"),), ()):
            await http.ask(url, Request(path="/", params=params))
    assert len(peers) == 2


async def test_no_more_connections_than_allowed() -> None:
    now, most = 0, 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return web.Response(text="x")

    async with serving(handler) as url, Http(connections=3) as http:
        await asyncio.gather(*(http.ask(url, Request(path="/")) for _ in range(12)))
    assert most == 3


async def test_a_cancelled_request_leaves_no_answer_for_the_next() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/slow":
            await asyncio.sleep(0.2)
        return web.Response(text=request.path)

    async with serving(handler) as url, Http(connections=1) as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await http.ask(url, Request(path="/slow"))
        assert (await http.ask(url, Request(path="/fast"))).body == b"/fast"


async def test_deflate_is_unpacked_in_both_its_forms_and_gzip_in_many_members() -> None:
    raw = zlib.compressobj(wbits=-15)
    for packing, packed in (
        ("deflate", zlib.compress(b"abc")),
        ("deflate", raw.compress(b"abc") + raw.flush()),
        ("gzip", gzip.compress(b"a") + gzip.compress(b"bc")),
    ):
        answer = await ask(giving(packed, **{"Content-Encoding": packing}))
        assert answer.body == b"abc"


async def test_a_header_with_a_line_end_is_not_sent() -> None:
    with pytest.raises(BadAnswer, match="line end"):
        async with Http() as http:
            await http.ask("http://127.0.0.1:1", Request(path="/", headers=(("x", "a\r\nb: c"),)))
