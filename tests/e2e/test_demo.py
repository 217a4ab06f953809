"""The demo, twice with one seed: once on the embedded lake, serving, and once on Elasticsearch.

Both play 28 days through the real ingestion path; that they say the same, to the last digit, shows
that a seed decides everything and that both lakes answer alike.
"""

import asyncio
import json
import re
import subprocess
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from insights.audiences.book import Book
from lake.contract import COUNT, Lake, Where
from lake.elastic import ElasticLake
from lake.files import FilesLake
from lake.records import Audience, Follow
from registry import open_registry
from servers.processes import TAGLAKE, eventually, started, stopped
from simnet.brands import sports_brands
from simnet.truth import Truth
from simnet.world import World
from taglake.demo import AFTER, BEFORE, DAYS, DURING, START
from taglake.reporting import find_campaign, full_report

SEED = "3"
PLAY_SECONDS = 500.0  # about 60 on two idle cores
SITES = ("instagram", "bluesky", "mastodon.example")
pytestmark = [pytest.mark.elastic, pytest.mark.timeout(600)]


class Played(NamedTuple):
    """What both runs left."""

    on_elastic: bytes  # the printed report
    folder: Path  # of the run on the embedded lake, which is still served
    said: str  # what that one printed
    server: "subprocess.Popen[bytes]"

    def found(self, label: str) -> str:
        """Return what follows a label in what was printed."""
        line = re.search(rf"^{label}:\s+(\S+)$", self.said, flags=re.M)
        assert line, self.said
        return line[1]

    def ask(self, path: str, *, key: str = "") -> bytes:
        """Ask the served demo."""
        address = self.found("page").partition("/#")[0].replace("localhost", "127.0.0.1")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with urllib.request.urlopen(
            urllib.request.Request(address + path, headers=headers), timeout=60
        ) as answer:
            return bytes(answer.read())


@pytest.fixture(scope="module")
def played(elastic_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Both runs, side by side: each needs one core."""
    folder = tmp_path_factory.mktemp("demo")
    demo = (*TAGLAKE, "demo", "--seed", SEED)
    serving, report, told = folder / "serving.out", folder / "report.json", folder / "report.err"
    _forget(elastic_url)
    with (
        started(*demo, "--port", "0", "--folder", str(folder / "demo"), out=serving) as server,
        report.open("wb") as out,
        told.open("wb") as err,
    ):
        once = [*demo, "--once", "--json", "--lake", elastic_url]
        done = subprocess.run(once, stdout=out, stderr=err, timeout=PLAY_SECONDS)
        assert done.returncode == 0, told.read_text()

        def ready() -> str | None:
            assert server.poll() is None, serving.read_text()
            said = serving.read_text()
            return said if "Ctrl-C ends" in said else None

        said = eventually(ready, "the demo serves", seconds=PLAY_SECONDS)
        yield Played(report.read_bytes(), folder / "demo", said, server)
    _forget(elastic_url)


def _forget(url: str) -> None:
    with urllib.request.urlopen(f"{url}/_cat/indices?format=json&h=index") as answer:
        names = [row["index"] for row in json.load(answer)]
    ours = [name for name in names if name.startswith("taglake-demo-")]
    if ours:
        gone = urllib.request.Request(f"{url}/{','.join(ours)}", method="DELETE")
        urllib.request.urlopen(gone).close()


@pytest.fixture(scope="module")
def report(played: Played) -> Any:
    """The report as Elasticsearch answers it."""
    return json.loads(played.on_elastic)


@pytest.fixture(scope="module")
def truth() -> Truth:
    """What really happened in the demo's world."""
    world = World(int(SEED), start=START, days=DAYS, brands=sports_brands(START), lift=0.5)
    return Truth(world)


def _period(name: str) -> tuple[datetime, datetime]:
    ends = {"baseline": BEFORE, "during": BEFORE + DURING, "after": BEFORE + DURING + AFTER}
    begins = {"baseline": 0, "during": BEFORE, "after": BEFORE + DURING}
    return START + timedelta(days=begins[name]), START + timedelta(days=ends[name])


def test_one_seed_is_one_report_on_both_lakes(played: Played) -> None:
    async def on_files() -> bytes:
        url = f"sqlite:///{played.folder / 'registry.db'}"
        lake = FilesLake(played.folder / "lake")
        await lake.open()
        try:
            async with await open_registry(url, pepper="a pepper that reads") as registry:
                campaign = await find_campaign(registry, "Nike spring")
            end = START + timedelta(days=DAYS)
            known = Book(played.folder / "audiences")
            return msgspec.json.encode(await full_report(lake, campaign, now=end, audiences=known))
        finally:
            await lake.close()

    assert _comparable(asyncio.run(on_files())) == _comparable(played.on_elastic)


def _comparable(report: bytes) -> bytes:
    """Return a report without the place where the next posts begin, a word of the lake's own."""
    told = json.loads(report)
    assert told["posts"].pop("cursor")
    return msgspec.json.encode(told)


@pytest.mark.parametrize("name", ["baseline", "during", "after"])
@pytest.mark.parametrize("brand", ["nike", "adidas", "puma"])
def test_nearly_every_visible_post_is_in_the_report_and_none_that_never_was(
    report: Any, truth: Truth, name: str, brand: str
) -> None:
    since, until = _period(name)
    written = {post.id for post in truth.posts(brand, since, until)}
    end = START + timedelta(days=DAYS)
    listed = {post for site in SITES for post in truth.visible(brand, end, site=site)}
    means = report["before_during_after"]["means"]
    (mean,) = [one for one in means if (one["side"], one["period"]) == (brand, name)]
    counted = mean["mean"] * mean["days"]
    # Looking every three hours misses few; what was deleted since may be counted, or not.
    assert 0.95 * len(written & listed) <= counted <= len(written)


def test_top_posts_are_real_posts_of_the_brand(report: Any, truth: Truth) -> None:
    written = {post.id for post in truth.posts("nike", *_period("during"))}
    shown = [post["id"] for post in report["posts"]["posts"]]
    assert len(shown) >= 10
    assert set(shown) <= written


def test_the_planted_lift_is_found(report: Any) -> None:
    (during, after) = report["before_during_after"]["effects"]
    assert during["period"] == "during"
    assert 0 < during["lift_low"] < 50 < during["lift_high"]
    assert after["lift_low"] < 0 < after["lift_high"]  # it was planted for the campaign only


def test_the_polls_that_were_planned_were_made(report: Any) -> None:
    totals = report["quality"]["totals"]
    assert totals["targets"] == 9
    assert totals["polls_failed"] == 0
    assert 0.85 * totals["polls_planned"] <= totals["polls_made"] <= 1.1 * totals["polls_planned"]


def test_a_link_a_key_and_a_summary_are_printed(played: Played) -> None:
    key, page = played.found("key"), played.found("page")
    assert key.startswith("pk_")
    assert re.fullmatch(rf"http://localhost:\d+/#key={key}&campaign=\S+", page)
    lines = played.said.splitlines()
    summary = lines[: next(at for at, line in enumerate(lines) if line.startswith("planted lift"))]
    assert any("Nike spring" in line for line in summary)
    assert "day 28 of 28" in played.said  # progress is visible
    assert "planted lift +50%" in played.said
    assert "Traceback" not in played.said


def test_the_audiences_of_publishers_are_whole_and_true_on_both_lakes(
    played: Played, truth: Truth, elastic_url: str
) -> None:
    async def on(lake: Lake) -> tuple[list[Audience], int | float | datetime | None]:
        await lake.open()
        audiences = [one async for batch in lake.scan(Audience, Where()) for one in batch]
        edges = (await lake.totals(Follow, Where(), [COUNT]))["count"]
        await lake.close()
        return audiences, edges

    async def edges(lake: Lake) -> dict[str, set[str]]:
        followers: dict[str, set[str]] = defaultdict(set)
        await lake.open()
        async for batch in lake.scan(Follow, Where()):
            for follow in batch:
                followers[follow.account_id].add(follow.follower_id)
        await lake.close()
        return followers

    on_files = asyncio.run(on(FilesLake(played.folder / "lake")))
    assert on_files == asyncio.run(on(ElasticLake(elastic_url, prefix="taglake-demo")))
    audiences, followers = on_files[0], asyncio.run(edges(FilesLake(played.folder / "lake")))
    whole = [one for one in audiences if one.complete]
    assert len(whole) == len(audiences) - 6 - 2  # but for the brands', a hidden and a remote list
    for one in whole:
        assert one.whole_from is not None
        assert followers[one.id] == truth.audience(one.id, one.whole_from)
    reasons = Counter(one.reason for one in audiences)
    assert reasons == {None: len(whole), "reading": 6, "hidden": 1, "short": 1}
    assert f"{len(whole)} lists whole" in played.said


def test_page_and_api_answer_with_the_printed_key(played: Played, report: Any) -> None:
    key = played.found("key")
    campaign = played.found("page").rpartition("campaign=")[2]
    assert b"<title>" in played.ask("/")
    listed = json.loads(played.ask("/v1/campaigns", key=key))["campaigns"]
    assert [one["id"] for one in listed] == [campaign]
    summary = json.loads(played.ask(f"/v1/campaigns/{campaign}/summary", key=key))
    assert summary["kpis"] == report["summary"]["kpis"]


def test_ctrl_c_or_sigterm_ends_the_demo_in_order(played: Played) -> None:
    assert stopped(played.server, seconds=30) == 0
