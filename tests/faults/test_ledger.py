"""The oracle finds what it is there to find."""

import random
import socket
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from fakes.observations import post
from faults.ledger import Findings, Kept, judge, wasted
from faults.network import Served, Shown, form_of
from faults.proxy import CLEAN, Fault, Proxy
from faults.report import Line as Told
from faults.report import page
from faults.standin import Document, poisoned
from lake.contract import Line
from lake.lines import line_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
RAW = b'{"id":"1"}'


def _line(number: int, *, second: int = 0, likes: int = 0) -> Line:
    at = AT.replace(second=second)
    return line_of(
        post(f"mastodon:{number}", created_at=AT, observed_at=at, likes=likes, raw=msgspec.Raw(RAW))
    )


def _document(line: Line) -> Document:
    index = f"p-{line.table}-{line.month}"
    return Document(index=index, id=line.id, version=line.version, source=line.body)


def _kept(*lines: Line, dead: tuple[str, ...] = (), burials: int = 0, waiting: int = 0) -> Kept:
    letters = [("posts", key) for key in dead]
    return Kept(lines=list(lines), dead=letters, burials=burials, waiting=waiting)


def _judge(kept: Kept, *documents: Document, served: Served | None = None) -> Findings:
    return judge([kept], documents, served, prefix="p")


def test_a_lake_that_has_the_last_of_everything_is_clean() -> None:
    first, last = _line(1), _line(1, second=1, likes=2)
    found = _judge(_kept(first, last), _document(last))
    assert found == Findings(obligations=1)
    assert found.clean


@pytest.mark.parametrize(
    ("documents", "what"),
    [
        ([], "lost"),
        ([_document(_line(1))], "stale"),
        ([_document(_line(1, second=1, likes=3))], "wrong"),
        ([_document(_line(1, second=2))], "never_issued"),
        ([_document(_line(1, second=1)), _document(_line(2))], "never_issued"),
    ],
)
def test_each_kind_of_loss_is_found(documents: list[Document], what: str) -> None:
    found = _judge(_kept(_line(1), _line(1, second=1)), *documents)
    assert {name: getattr(found, name) for name in ("lost", "stale", "wrong", "never_issued")} == (
        {"lost": 0, "stale": 0, "wrong": 0, "never_issued": 0} | {what: 1}
    )
    assert not found.clean


def test_what_was_never_served_in_this_form_is_found() -> None:
    line = _line(1)
    shown = Shown(created_at=AT, forms={form_of(RAW)})
    served = Served(posts={"mastodon:1": shown}, pages=1, first=[], shown=1)
    assert _judge(_kept(line), _document(line), served=served).clean
    shown.forms = {form_of(b"another form")}
    assert _judge(_kept(line), _document(line), served=served).wrong == 1
    served.posts = {}
    assert _judge(_kept(line), _document(line), served=served).never_issued == 1


def test_a_post_that_was_served_and_is_nowhere_is_missed() -> None:
    shown = Shown(created_at=AT, forms={form_of(RAW)})
    served = Served(posts={"mastodon:1": shown}, pages=1, first=[], shown=1)
    assert _judge(_kept(), served=served).missed == 1


def test_dead_letters_are_exactly_the_poison() -> None:
    bad = next(number for number in range(100) if poisoned(f"mastodon:{number}", 5))
    good = next(number for number in range(100) if not poisoned(f"mastodon:{number}", 5))

    def found(kept: Kept) -> Findings:
        return judge([kept], [_document(_line(good))], None, prefix="p", poison=5)

    lines = (_line(bad), _line(good))
    key = f"mastodon:{bad}"
    assert found(_kept(*lines, dead=(key,), burials=1)).clean
    assert found(_kept(*lines)).dead_missing == 1
    assert found(_kept(*lines, dead=(key,), burials=2)).dead_twice == 1
    assert found(_kept(*lines, dead=(key, f"mastodon:{good}"), burials=2)).dead_extra == 1
    assert found(_kept(*lines, dead=(key,), burials=1, waiting=3)).waiting == 3


def test_a_page_that_was_asked_for_twice_is_counted() -> None:
    line = _line(1)
    page_ = [(line.id, "0/0/0/0", form_of(RAW))]
    lost = [(line.id, "0/0/0/1", form_of(b"lost"))]
    served = Served(posts={}, pages=3, first=[page_, lost, page_], shown=3)
    assert wasted(_kept(line), served) == (1, 3)


class _Server:
    """A server whose answer to each request is as long as asked."""

    async def __aenter__(self) -> tuple[str, int]:
        async def answer(request: web.Request) -> web.Response:
            return web.Response(body=b"x" * int(request.query["size"]))

        app = web.Application()
        app.router.add_get("/", answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        found: tuple[str, int] = self._runner.addresses[0]
        return found

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def _get(proxy: Proxy, size: int, *, seconds: float = 5.0) -> int:
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{proxy.url}/?size={size}") as answer,
    ):
        return len(await answer.read())


async def test_the_proxy_does_what_it_is_told() -> None:
    async with _Server() as upstream, Proxy(upstream, random.Random(1)) as proxy:
        assert await _get(proxy, 100_000) == 100_000
        proxy.fault = Fault(slice_bytes=500)
        assert await _get(proxy, 10_000) == 10_000
        proxy.fault = Fault(answer_bytes=2_000)
        with pytest.raises(aiohttp.ClientPayloadError):
            await _get(proxy, 10_000)
        assert proxy.counts.cut == 1
        proxy.fault = Fault(reset=1.0)
        with pytest.raises(aiohttp.ClientError):
            await _get(proxy, 1)
        proxy.fault = Fault(black_hole=True)
        with pytest.raises(TimeoutError):
            await _get(proxy, 1, seconds=0.2)
        proxy.fault = CLEAN
        await proxy.refuse()
        with pytest.raises(aiohttp.ClientConnectorError):
            await _get(proxy, 1)
        await proxy.listen()
        assert await _get(proxy, 1) == 1


async def test_a_proxy_whose_server_is_gone_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        upstream = gone.getsockname()
    async with Proxy(upstream, random.Random(1)) as proxy:
        with pytest.raises(aiohttp.ClientError):
            await _get(proxy, 1)


def test_the_page_shows_the_last_figures_of_each_run_and_what_was_not_run(tmp_path: Path) -> None:
    lines = [
        Told(case=1, name="a run", figures={"kills": 4, "lost": 1}),
        Told(case=1, name="a run", figures={"kills": 40_000, "lost": 0, "fresh_s": 1.5}),
    ]
    rows = page(lines).splitlines()
    assert next(row for row in rows if row.startswith("| 1 |")).endswith(
        "| a run: kills 40 000, lost 0, fresh s 1.5 |"
    )
    assert next(row for row in rows if row.startswith("| 2 |")).endswith("| not in this run |")
