"""What taglake says of a real Bluesky network equals what the network says itself."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fakes.told import told
from ingestor.contract import Answer, Credential, Fetch, Page, Request, Seen, Target, TargetKind
from ingestor.errors import Gone, Refused
from ingestor.http import Http
from ingestor.sessions import SessionFile
from ingestor.sources.bluesky import Bluesky
from ingestor.sources.sessions import Remembered, Session
from servers import bluesky
from servers.bluesky import PASSWORD, Network
from servers.requirement import Missing, require

Json = dict[str, Any]

# The first test also waits for an installation, which compiles a database.
pytestmark = pytest.mark.timeout(1500)

PEOPLE = ("alice", "bobby", "carol", *(f"fan{number:02}" for number in range(20)))
ALICE, BOBBY, CAROL = 0, 1, 2
# Text, languages, tags as our report has to name them. Offsets of tags count UTF-8 bytes. In lower
# case: this package's search, unlike the public one, finds "#TagLake" only in that spelling.
BEFORE = (
    ("first #taglake", ("en",), ["taglake"]),
    ("Été 🎉👩‍👩‍👧 #taglake läuft #laufen", ("fr", "de"), ["taglake", "laufen"]),
    ("日本語 #走る と #taglake です", ("ja",), ["走る", "taglake"]),
    ("مرحبا #taglake 🇪🇬", ("ar",), ["taglake"]),
    ("no langs #taglake https://go.example/x #taglake", (), ["taglake"]),
    ("#taglakers is another tag", ("en",), []),
)
DURING = (
    ("later #taglake #zürich", ("de",), ["taglake", "zürich"]),
    ("later still #taglake", ("pt-BR",), ["taglake"]),
)
OURS = [0, 1, 2, 3, 4]  # posts of BEFORE that bear the tag
REPLY = "I agree 🎈 #taglake"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    try:
        with bluesky.running(tmp_path_factory.mktemp("bluesky")) as network:
            yield network
    except Missing as missing:
        require(str(missing))


@pytest.fixture(scope="module")
def dids(network: Network) -> list[str]:
    """People who posted, liked, reposted, answered and follow each other; their DIDs."""
    dids = network.accounts(*PEOPLE)
    for number, (text, langs, _) in enumerate(BEFORE):
        network.post(number % 3, text, *langs)
    network.reply(BOBBY, 0, REPLY)
    network.reply(CAROL, 0, "an answer without the tag")
    network.repost(CAROL, 0)
    for fan in (3, 4):
        network.like(fan, 1)
    for fan in range(3, len(PEOPLE)):
        network.follow(fan, ALICE)
    network.settle()
    return dids


class Tracked(msgspec.Struct, frozen=True):
    """What a run of `taglake track` printed, and the server's own counts at its two polls."""

    folder: Path
    report: Json
    first: dict[str, Json]
    second: dict[str, Json]
    said: str


def asked(url: str, method: str, **parameters: Any) -> Json:
    """Return what a server itself answers."""
    query = urllib.parse.urlencode(parameters, doseq=True)
    with urllib.request.urlopen(f"{url}/xrpc/{method}?{query}", timeout=20) as answer:
        found: Json = json.load(answer)
    return found


def listed(url: str, method: str, key: str, limit: int, **parameters: Any) -> list[Json]:
    """Return all that a server lists, page by page."""
    found: list[Json] = []
    cursor: Json = {}
    while True:
        answer = asked(url, method, limit=limit, **parameters, **cursor)
        found += answer[key]
        if "cursor" not in answer:
            return found
        cursor = {"cursor": answer["cursor"]}


def with_tag(network: Network) -> dict[str, Json]:
    """Return the posts that bear the tag, as the server shows them, by our id."""
    posts = listed(network.appview, "app.bsky.feed.searchPosts", "posts", 3, q="#taglake")
    return {f"bluesky:{post['uri']}": post for post in posts if "taglake" in tags_of(post)}


def tags_of(post: Json) -> list[str]:
    features = [
        feature
        for facet in sorted(
            post["record"].get("facets", []), key=lambda facet: int(facet["index"]["byteStart"])
        )
        for feature in facet["features"]
    ]
    names = [f["tag"].lower() for f in features if f["$type"].endswith("#tag")]
    return list(dict.fromkeys(names))


def counts(post: Json) -> tuple[int, int, int]:
    return post["likeCount"], post["replyCount"], post["repostCount"]


def taglake(folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = {key: os.environ[key] for key in os.environ if not key.startswith("TAGLAKE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "taglake", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def done(folder: Path, *words: str) -> str:
    """Run a command to its good end and return what it printed."""
    with taglake(folder, *words) as run:
        out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    return out


def waited(run: subprocess.Popen[str], polls: int) -> str:
    """Return what a run says until it has made that many polls and sent what they brought."""
    assert run.stderr is not None
    said = ""
    for line in run.stderr:
        said += line
        found = re.match(r"(\d+) polls, \d+ new posts, (\d+) records", line)
        if found and int(found[1]) >= polls and int(found[2]):
            return said
    pytest.fail(f"no {polls} polls: {said}")


@pytest.fixture(scope="module")
def tracked(network: Network, dids: list[str], tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """Follow the hashtag for two polls, a minute apart; between them people like and post."""
    folder = tmp_path_factory.mktemp("user")
    words = ("#taglake", "--network", "bluesky", "--instance", network.appview)
    with taglake(folder, "track", *words, "--for", "150", "--json") as run:
        try:
            said = waited(run, 1)
            first = with_tag(network)
            for fan in range(5, 15):
                network.like(fan, 0)
            network.like(5, 2)
            network.repost(BOBBY, 2)
            for text, langs, _ in DURING:
                network.post(ALICE, text, *langs)
            network.settle()
            said += waited(run, 2)
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=60)
        finally:
            run.kill()
    assert run.returncode == 0, said + err
    return Tracked(folder, json.loads(out), first, with_tag(network), said + err)


def test_the_report_is_what_the_server_says(tracked: Tracked) -> None:
    server = tracked.second
    rows = {row["id"]: row for row in tracked.report["posts"]["posts"]}
    assert len(rows) == len(OURS) + len(DURING) + 1 == len(server)
    assert {
        key: (
            (row["likes"], row["comments"], row["shares"]),
            row["text"],
            row["author_handle"],
            row["author_id"],
            row["tags"],
        )
        for key, row in rows.items()
    } == {
        key: (
            counts(post),
            post["record"]["text"],
            post["author"]["handle"],
            f"bluesky:{post['author']['did']}",
            tags_of(post),
        )
        for key, post in server.items()
    }
    for key, post in server.items():
        made = datetime.fromisoformat(post["record"]["createdAt"])
        assert datetime.fromisoformat(rows[key]["created_at"]) == made


def test_the_strip_adds_up_to_what_the_server_says(tracked: Tracked) -> None:
    strip = tracked.report["summary"]["kpis"]
    likes, comments, shares = (
        sum(c) for c in zip(*map(counts, tracked.second.values()), strict=True)
    )
    assert (likes, comments, shares) == (13, 2, 2)
    assert {name: strip[name]["value"] for name in ("likes", "comments", "shares")} == {
        "likes": 13,
        "comments": 2,
        "shares": 2,
    }
    assert (strip["posts"]["value"], strip["publishers"]["value"]) == (8, 3)
    assert strip["engagements"]["value"] == 17
    totals = tracked.report["quality"]["totals"]
    assert (totals["polls_failed"], totals["gaps"], totals["unknown_authors"]) == (0, 0, 0)


def test_languages_and_tags_are_those_the_people_wrote(tracked: Tracked) -> None:
    rows = {row["text"]: row for row in tracked.report["posts"]["posts"]}
    for text, langs, tags in (*(BEFORE[number] for number in OURS), *DURING):
        expected = langs[0].split("-")[0] if langs else None
        assert (rows[text]["lang"], rows[text]["tags"]) == (expected, tags)


def exported(folder: Path, table: str) -> list[Json]:
    """Return the records of the only campaign."""
    out = folder / f"out-{table}"
    name = "#taglake on bluesky"
    done(folder, "export", str(out), "--campaign", name, "--table", table, "--format", "jsonl")
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines if '"observed_at"' in line]


def test_the_metric_history_is_what_the_server_said_at_each_poll(tracked: Tracked) -> None:
    histories: dict[str, list[tuple[int, int, int]]] = {}
    for shot in sorted(exported(tracked.folder, "snapshots"), key=lambda one: one["observed_at"]):
        if shot["subject"] == "post":
            seen = shot["counts"]
            history = histories.setdefault(shot["subject_id"], [])
            history.append((seen["likes"], seen["comments"], seen["shares"]))
    expected = {}
    for key, post in tracked.second.items():
        then = [counts(tracked.first[key])] if key in tracked.first else []
        expected[key] = list(dict.fromkeys([*then, counts(post)]))
    assert {key: histories[key] for key in expected} == expected
    assert sorted(len(history) for history in expected.values()) == [1, 1, 1, 1, 1, 1, 2, 2]


def test_a_reply_names_what_it_answers(tracked: Tracked) -> None:
    posts = {post["text"]: post for post in exported(tracked.folder, "posts")}
    assert posts[REPLY]["reply_to"] == posts[BEFORE[0][0]]["id"]
    assert posts[BEFORE[0][0]]["reply_to"] is None
    assert posts[BEFORE[4][0]]["links"] == ["https://go.example/x"]


def test_following_again_goes_on_with_the_same_campaign(network: Network, tracked: Tracked) -> None:
    words = ("taglake", "--network", "bluesky", "--instance", network.appview)
    again = json.loads(done(tracked.folder, "track", *words, "--for", "3", "--json"))
    for part in ("summary", "posts"):
        ids = [one[part]["header"]["campaign_id"] for one in (again, tracked.report)]
        assert ids[0] == ids[1]
    shown = [{row["id"] for row in one["posts"]["posts"]} for one in (again, tracked.report)]
    assert shown[0] == shown[1]


# --- the source alone, through the ingestor's HTTP


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http() as http:
        yield http


def fetching(
    http: Http, url: str, log: list[Request] | None = None, *, limit: str | None = None
) -> Fetch:
    """Return what a source asks through; `limit` makes the server's pages smaller than ours."""
    judge = Bluesky().judge

    async def fetch(request: Request) -> Answer:
        if limit is not None:
            params = tuple((k, limit if k == "limit" else v) for k, v in request.params)
            request = msgspec.structs.replace(request, params=params)
        if log is not None:
            log.append(request)
        answer = await http.ask(url, request)
        judge(answer, datetime.now(UTC))
        return answer

    return fetch


NOBODY = Credential(account="public")


async def polled(
    source: Bluesky, fetch: Fetch, kind: TargetKind, name: str, credential: Credential = NOBODY
) -> list[Page]:
    target = Target(network="bluesky", kind=kind, name=name)
    seen = Seen(observed_at=datetime.now(UTC), target=target)
    return [told(page) async for page in source.poll(fetch, target, credential, seen, None)]


@pytest.mark.parametrize(("limit", "pages"), [(None, 1), ("7", 3), ("1", 20)])
async def test_follower_pages_lose_nobody(
    network: Network, dids: list[str], http: Http, limit: str | None, pages: int
) -> None:
    server = listed(
        network.appview, "app.bsky.graph.getFollowers", "followers", 100, actor="alice.test"
    )
    assert len(server) == 20
    log: list[Request] = []
    fetch = fetching(http, network.appview, log, limit=limit)
    found = await polled(Bluesky(), fetch, "followers", "alice.test")
    profiles = [profile for page in found for profile in page.profiles]
    follows = [follow for page in found for follow in page.follows]
    assert [(p.native_id, p.counts.followers) for p in profiles] == [(dids[ALICE], 20)]
    assert [(follow.follower_id, follow.follower_handle) for follow in follows] == [
        (f"bluesky:{s['did']}", s["handle"]) for s in server
    ]
    assert {follow.account_id for follow in follows} == {f"bluesky:{dids[ALICE]}"}
    # The profile, the pages, and perhaps an empty one: a full last page still carries a cursor.
    assert 1 + pages <= len(log) <= 2 + pages


async def test_search_pages_lose_no_post(network: Network, dids: list[str], http: Http) -> None:
    whole = await polled(Bluesky(), fetching(http, network.appview), "tag", "taglake")
    small = await polled(Bluesky(), fetching(http, network.appview, limit="2"), "tag", "taglake")
    ids = [post.id for page in small for post in page.posts]
    assert ids == [post.id for page in whole for post in page.posts]
    assert set(with_tag(network)) <= set(ids)
    assert len(ids) == len(set(ids)) >= 7


async def test_a_profile_is_what_the_server_says(
    network: Network, dids: list[str], http: Http
) -> None:
    server = asked(network.appview, "app.bsky.actor.getProfile", actor="alice.test")
    pages = await polled(Bluesky(), fetching(http, network.appview), "profile", "@alice.test")
    (profile,) = pages[0].profiles
    assert (profile.native_id, profile.handle) == (dids[ALICE], "alice.test")
    assert (profile.counts.followers, profile.counts.following, profile.counts.posts) == (
        server["followersCount"],
        server["followsCount"],
        server["postsCount"],
    )
    assert profile.counts.followers == 20


async def test_a_repost_stands_in_the_feed_of_who_made_it(
    network: Network, dids: list[str], http: Http
) -> None:
    pages = await polled(Bluesky(), fetching(http, network.appview), "profile", "carol.test")
    (repost,) = [post for page in pages for post in page.posts if post.kind == "repost"]
    assert repost.author_id == f"bluesky:{dids[CAROL]}"
    assert repost.text == BEFORE[0][0]
    assert repost.repost_of is not None
    assert repost.repost_of.startswith(f"bluesky:at://{dids[ALICE]}/")


@pytest.mark.parametrize("kind", ["profile", "followers"])
async def test_somebody_who_is_not_there_is_gone(
    network: Network, http: Http, kind: TargetKind
) -> None:
    with pytest.raises(Gone):
        await polled(Bluesky(), fetching(http, network.appview), kind, "nobody.test")


async def test_a_deleted_post_is_gone(network: Network, dids: list[str], http: Http) -> None:
    uri = network.post(BOBBY, "a slip of the pen")
    network.settle()
    fetch = fetching(http, network.appview)
    (page,) = await polled(Bluesky(), fetch, "post", uri)
    assert [post.native_id for post in page.posts] == [uri]
    number = len(asked(network.appview, "app.bsky.feed.getPosts", uris=[uri])["posts"])
    assert number == 1
    network.delete(BOBBY, -1)
    network.settle()
    with pytest.raises(Gone):
        await polled(Bluesky(), fetch, "post", uri)


# --- an account's own server, with its password


WITH_KEY = Credential(account="ours", user="alice.test", secret=PASSWORD)


def log_ins(log: list[Request]) -> list[str]:
    return [r.path.rsplit(".", 1)[-1] for r in log if "server." in r.path]


async def test_one_log_in_serves_many_polls_and_later_runs(
    network: Network, dids: list[str], http: Http, tmp_path: Path
) -> None:
    log: list[Request] = []
    secret_of: Callable[[str], str | None] = {"ours": PASSWORD}.get
    for _ in range(2):
        source = Bluesky(SessionFile(tmp_path / "sessions.json", secret_of=secret_of))
        fetch = fetching(http, network.pds, log)
        for _ in range(2):
            (page, *_) = await polled(source, fetch, "followers", "alice.test", WITH_KEY)
            assert len(page.follows) == 20
    assert log_ins(log) == ["createSession"]
    assert PASSWORD.encode() not in (tmp_path / "sessions.json").read_bytes()


async def test_a_dead_token_is_renewed_without_a_log_in(
    network: Network, dids: list[str], http: Http
) -> None:
    sessions, log = Remembered(), list[Request]()
    fetch = fetching(http, network.pds, log)
    await polled(Bluesky(sessions), fetch, "followers", "alice.test", WITH_KEY)
    known = await sessions.get("ours")
    assert known is not None
    await sessions.put("ours", Session(user=known.user, access="dead", refresh=known.refresh))
    (page, *_) = await polled(Bluesky(sessions), fetch, "followers", "alice.test", WITH_KEY)
    assert len(page.follows) == 20
    assert log_ins(log) == ["createSession", "refreshSession"]


async def test_a_wrong_password_is_refused(network: Network, dids: list[str], http: Http) -> None:
    wrong = msgspec.structs.replace(WITH_KEY, secret="not-the-password")
    with pytest.raises(Refused) as refused:
        await polled(Bluesky(), fetching(http, network.pds), "followers", "alice.test", wrong)
    assert "not-the-password" not in str(refused.value)
