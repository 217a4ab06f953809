"""What every lake promises about writing: verdicts, replays, versions, poison, deleting."""

from datetime import timedelta

import msgspec
import pytest

from fakes.observations import at, audience, comment, follow, gap, post, profile, snapshot
from lake.contract import COUNT, Lake, Line, Metric, Sort, Where
from lake.errors import LakeError
from lake.lines import line_of
from lake.records import Audience, Comment, Counts, Follow, Gap, Post, Profile, Record, Snapshot

SEEN = at("2026-03-02T12:00:00")
LATER = SEEN + timedelta(hours=1)
FINAL = {"stored", "stale"}


def liked(
    likes: int | None, *, seen: object = SEEN, id: str = "instagram:1", **more: object
) -> Post:
    created_at = at("2026-03-01T00:00:00")
    return post(id, likes=likes, observed_at=seen, created_at=created_at, **more)


async def likes(lake: Lake, id: str = "instagram:1") -> int | None:
    return (await lake.get(Post, [id]))[id].counts.likes


async def write(lake: Lake, *records: Record) -> list[str]:
    """Write records in one batch and return the outcomes."""
    verdicts = await lake.write([line_of(record) for record in records])
    await lake.flush()
    return [verdict.outcome for verdict in verdicts]


async def test_a_written_record_is_seen_after_flush(lake: Lake) -> None:
    assert await write(lake, liked(1)) == ["stored"]
    assert await likes(lake) == 1


async def test_an_empty_lake_answers(lake: Lake) -> None:
    assert await lake.get(Post, ["instagram:1"]) == {}
    assert await lake.totals(Post, Where(), [COUNT]) == {"count": 0}
    assert await lake.series(Post, Where(), interval="1d") == []
    assert await lake.top(Post, Where(), by="tags") == []
    assert (await lake.distinct(Post, Where(), "author_id")).value == 0
    assert await lake.histogram(Post, Where(), "counts.likes", width=1) == []
    assert (await lake.page(Post, Where(), sort=Sort())).records == []
    assert [batch async for batch in lake.scan(Post, Where())] == []
    assert [batch async for batch in lake.at(Where(), SEEN)] == []
    assert await lake.delete(Post, Where(ids=("instagram:1",))) == 0


async def test_who_was_not_met_again_is_older_than_the_reading_that_met_everyone(
    lake: Lake,
) -> None:
    nike, ann, bob = "bluesky:nike", "bluesky:ann", "bluesky:bob"
    await write(lake, follow(nike, ann), follow(nike, bob), audience(nike, "nike.example"))
    again = {"observed_at": LATER, "started_at": LATER, "ended_at": LATER, "whole_from": LATER}
    await write(lake, follow(nike, bob, observed_at=LATER), audience(nike, "nike.example", **again))
    of_nike = Where(accounts=(nike,))
    (now,) = [one async for batch in lake.scan(Audience, of_nike) for one in batch]
    assert now.whole_from == LATER
    held = msgspec.structs.replace(of_nike, time="observed_at", since=now.whole_from)
    found = [one.follower_id async for batch in lake.scan(Follow, held) for one in batch]
    assert found == [bob]
    left = msgspec.structs.replace(of_nike, time="observed_at", until=now.whole_from)
    assert [one.follower_id async for batch in lake.scan(Follow, left) for one in batch] == [ann]


async def test_no_lines_get_no_verdicts(lake: Lake) -> None:
    assert await lake.write([]) == []


async def test_opening_twice_changes_nothing(lake: Lake) -> None:
    await write(lake, liked(1))
    await lake.open()
    assert await likes(lake) == 1


async def test_a_newer_version_wins(lake: Lake) -> None:
    await write(lake, liked(1))
    await write(lake, liked(2, seen=LATER))
    assert await likes(lake) == 2
    assert await lake.totals(Post, Where(), [COUNT]) == {"count": 1}


async def test_a_stale_version_loses_and_is_a_good_end(lake: Lake) -> None:
    await write(lake, liked(2, seen=LATER))
    assert set(await write(lake, liked(1))) <= FINAL
    assert await likes(lake) == 2


async def test_of_equal_versions_the_later_written_one_stays(lake: Lake) -> None:
    await write(lake, liked(1))
    assert set(await write(lake, liked(1, lang="en"))) <= FINAL
    stored = (await lake.get(Post, ["instagram:1"]))["instagram:1"]
    assert (stored.lang, stored.counts.likes) == ("en", 1)


async def test_two_versions_in_one_batch_keep_the_newer(lake: Lake) -> None:
    assert set(await write(lake, liked(2, seen=LATER), liked(1))) <= FINAL
    assert await likes(lake) == 2


async def test_a_newer_unknown_count_replaces_a_known_one(lake: Lake) -> None:
    await write(lake, liked(5))
    await write(lake, liked(None, seen=LATER))
    assert await likes(lake) is None
    total = Metric(kind="sum", field="counts.likes")
    assert await lake.totals(Post, Where(), [total]) == {"sum:counts.likes": None}


async def test_superseded_values_match_nothing(lake: Lake) -> None:
    await write(lake, liked(1, tags=("old",)))
    await write(lake, liked(2, seen=LATER, tags=("new",)))
    assert await lake.totals(Post, Where(tags=("old",)), [COUNT]) == {"count": 0}
    assert await lake.totals(Post, Where(tags=("new",)), [COUNT]) == {"count": 1}


async def test_replays_change_no_number(lake: Lake) -> None:
    records = [
        liked(1),
        profile("instagram:u", "u"),
        snapshot("instagram:1", SEEN, counts=Counts(likes=1), delta=Counts(likes=1)),
        gap("instagram/tag/x", SEEN, LATER),
    ]
    for _ in range(3):
        assert set(await write(lake, *records)) <= FINAL
    for kind in (Post, Profile, Snapshot, Gap):
        assert await lake.totals(kind, Where(), [COUNT]) == {"count": 1}
    growth = Metric(kind="sum", field="delta.likes")
    assert await lake.totals(Snapshot, Where(), [growth]) == {"sum:delta.likes": 1}


async def test_a_replay_inside_one_batch_changes_no_number(lake: Lake) -> None:
    one = snapshot("instagram:1", SEEN, delta=Counts(likes=1))
    assert set(await write(lake, one, one)) <= FINAL
    assert await lake.totals(Snapshot, Where(), [COUNT]) == {"count": 1}


def hurt(**fields: object) -> Line:
    """Return the line of a good post with fields of the line or of its body changed."""
    line = line_of(post("instagram:bad"))
    body = msgspec.json.decode(line.body) | fields.pop("change", {})  # type: ignore[operator]
    return msgspec.structs.replace(line, body=msgspec.json.encode(body), **fields)


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = {"a": value}
    return value


LONG = "instagram:" + "x" * 503  # 513 bytes

POISON = {
    "id_of_513_bytes": hurt(id=LONG, change={"id": LONG}),
    "id_with_nul": hurt(id="a\0b", change={"id": "a\0b"}),
    "no_id": hurt(id="", change={"id": ""}),
    "wrong_type": hurt(change={"tags": {"a": 1}}),
    "wrong_type_of_a_count": hurt(change={"counts": {"likes": "many"}}),
    "no_time": hurt(change={"created_at": "yesterday"}),
    "long_keyword": hurt(change={"author_handle": "x" * 32_767}),
    "long_keyword_in_bytes": hurt(change={"tags": ["é" * 16_384]}),
    "deep": hurt(change={"raw": nested(20)}),
    "count_over_64_bits": hurt(change={"counts": {"likes": 2**63}}),
    "not_json": msgspec.structs.replace(hurt(), body=b"{nope"),
    "empty": msgspec.structs.replace(hurt(), body=b""),
    "not_utf8": msgspec.structs.replace(hurt(), body=b'{"id":"\xff"}'),
}


@pytest.mark.parametrize("bad", POISON.values(), ids=POISON)
async def test_poison_is_told_apart_and_the_rest_is_stored(lake: Lake, bad: Line) -> None:
    good = [line_of(post(f"instagram:{place}")) for place in range(3)]
    verdicts = await lake.write([good[0], bad, *good[1:]])
    await lake.flush()
    assert [verdict.outcome for verdict in verdicts] == ["stored", "poison", "stored", "stored"]
    assert verdicts[1].reason
    assert "many" not in verdicts[1].reason
    assert await lake.totals(Post, Where(), [COUNT]) == {"count": 3}


async def test_what_is_just_within_the_limits_is_stored(lake: Lake) -> None:
    raw = msgspec.Raw(msgspec.json.encode(nested(19)))
    fits = [
        post("instagram:" + "x" * 502),
        post("instagram:handle", author_handle="x" * 32_766),
        post("instagram:deep", raw=raw),
        post("instagram:long", text="word " * 20_000),
        post("instagram:big", likes=2**63 - 1),
    ]
    assert await write(lake, *fits) == ["stored"] * 5
    assert await lake.get(Post, [each.id for each in fits]) == {each.id: each for each in fits}


async def test_append_raises_for_what_does_not_fit(lake: Lake) -> None:
    with pytest.raises(LakeError):
        await lake.append([post(LONG)])


HOSTILE = [
    "'; DROP TABLE posts; --",
    '"; DELETE',
    "*",
    "ni?e",
    "\\",
    "%",
    "_",
    "$p0",
    "{source}",
    "ünïcödé",
    "日本",
    "👟🏃‍♀️",
    "نايك",
    "‮ekin",
    "a\nb\tc",
    "NULL",
    "true",
    "1e3",
    " ",
]


async def test_hostile_words_are_plain_values(lake: Lake) -> None:
    await lake.append(
        [
            liked(1, id=f"instagram:{place}", tags=(word,), author_handle=word, author_id=word)
            for place, word in enumerate(HOSTILE)
        ]
    )
    for place, word in enumerate(HOSTILE):
        for where in (Where(tags=(word,)), Where(handles=(word,)), Where(authors=(word,))):
            batches = [batch async for batch in lake.scan(Post, where)]
            assert [each.id for batch in batches for each in batch] == [f"instagram:{place}"]
    groups = await lake.top(Post, Where(), by="tags", limit=50)
    assert [group.key for group in groups] == sorted(HOSTILE, key=str.encode)
    buckets = await lake.series(Post, Where(), interval="1d", breakdown="author_handle")
    assert [bucket.key for bucket in buckets] == sorted(HOSTILE, key=str.encode)


@pytest.mark.parametrize(
    "id", ["x:'; DROP TABLE posts; --", "x:👟", "x:a b/c?d#e%20", "at://did:x/y"]
)
async def test_hostile_ids_come_back_and_go(lake: Lake, id: str) -> None:
    await lake.append([post(id), post("x:other")])
    assert list(await lake.get(Post, [id])) == [id]
    assert await lake.delete(Post, Where(ids=(id,))) == 1
    assert await lake.get(Post, [id]) == {}
    assert await lake.totals(Post, Where(), [COUNT]) == {"count": 1}


@pytest.mark.parametrize(
    "word", ["'; DROP", "*", "nike*", "(", "[", ".*", "a|b", "\\b", "nike OR run"]
)
async def test_hostile_searches_are_words_and_no_syntax(lake: Lake, word: str) -> None:
    await lake.append([liked(1, text="nikes never stop running")])
    assert await lake.totals(Post, Where(words=(word,)), [COUNT]) == {"count": 0}


TEXTS = {
    "just do it, NIKE!": "nike just do it",
    "don't stop": "don't",
    "nike.com #nike @nike_official": "nike nike.com nike_official",
    "3,5 km at 10:30": "3,5 km",
    "Straße ÖFFNET größer": "straße öffnet größer",
    "наш NIKE забег": "забег nike",
    "東京マラソン": "東 京",
    "well-known e-mail": "well known mail",
    "end nike.": "nike",
    "'nike'": "nike",
    "(nike)": "nike",
    "a.b.c": "a.b.c",
    "\uff2e\uff29\uff2b\uff25": "\uff4e\uff49\uff4b\uff45",
}


async def test_words_are_cut_alike(lake: Lake) -> None:
    texts = list(TEXTS)
    await lake.append([liked(1, id=f"x:{place}", text=text) for place, text in enumerate(texts)])
    for place, wanted in enumerate(TEXTS.values()):
        for word in wanted.split():
            where = Where(words=(word,), ids=(f"x:{place}",))
            assert await lake.totals(Post, where, [COUNT]) == {"count": 1}, (place, word)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("nike.com", "nike"),
        ("nike.com", "com"),
        ("don't", "don"),
        ("nike_official", "nike"),
        ("nike2", "nike"),
        ("3,5", "3"),
        ("nikes", "nike"),
        ("größer", "gro"),
        ("cafe\u0301s", "cafe"),
    ],
)
async def test_parts_of_words_are_not_found(lake: Lake, text: str, word: str) -> None:
    await lake.append([liked(1, text=text)])
    assert await lake.totals(Post, Where(words=(word,)), [COUNT]) == {"count": 0}


async def test_deleting_an_author_leaves_the_others(lake: Lake) -> None:
    posts = [liked(place, id=f"x:{place}", author_id=f"x:u{place % 2}") for place in range(6)]
    await lake.append(posts)
    await lake.append([liked(9, id="x:0", author_id="x:u0", seen=LATER)])
    assert await lake.delete(Post, Where(authors=("x:u0",))) == 3
    await lake.flush()
    left = [each.id async for batch in lake.scan(Post, Where()) for each in batch]
    assert left == ["x:1", "x:3", "x:5"]
    assert await lake.delete(Post, Where(authors=("x:u0",))) == 0


async def test_deleting_by_time_leaves_the_unknown_and_the_later(lake: Lake) -> None:
    await lake.append(
        [
            post("x:old", created_at=at("2025-12-31T23:59:59")),
            post("x:new", created_at=at("2026-01-01T00:00:00")),
            post("x:undated"),
        ]
    )
    assert await lake.delete(Post, Where(until=at("2026-01-01T00:00:00"))) == 1
    await lake.flush()
    assert set(await lake.get(Post, ["x:old", "x:new", "x:undated"])) == {"x:new", "x:undated"}


async def test_deleting_snapshots_of_one_subject(lake: Lake) -> None:
    hours = [SEEN + timedelta(hours=hour) for hour in range(4)]
    await lake.append([snapshot(subject, hour) for subject in ("x:1", "x:2") for hour in hours])
    assert await lake.delete(Snapshot, Where(subjects=("x:1",))) == 4
    await lake.flush()
    assert await lake.totals(Snapshot, Where(), [COUNT]) == {"count": 4}


async def test_a_deleted_record_can_be_written_anew(lake: Lake) -> None:
    await lake.append([liked(1), comment("x:c", text="hello")])
    assert await lake.delete(Comment, Where(ids=("x:c",))) == 1
    await lake.append([comment("x:c", text="again", observed_at=LATER)])
    assert (await lake.get(Comment, ["x:c"]))["x:c"].text == "again"


async def test_scan_gives_ids_in_order_in_batches(lake: Lake) -> None:
    ids = [f"x:{place:05}" for place in range(2_500)]
    await lake.append([post(id) for id in reversed(ids)])
    batches = [[each.id for each in batch] async for batch in lake.scan(Post, Where(), raw=False)]
    assert [id for batch in batches for id in batch] == ids
    assert len(batches) > 1


async def test_a_scan_can_be_left_early(lake: Lake) -> None:
    await lake.append([post(f"x:{place}") for place in range(3)])
    async for batch in lake.scan(Post, Where()):
        assert batch
        break
    assert await lake.totals(Post, Where(), [COUNT]) == {"count": 3}


async def test_one_night_in_autumn_has_an_hour_twice(lake: Lake) -> None:
    # Berlin leaves summer time on 25 October 2026 at 01:00 UTC: 02:00 local comes twice.
    hours = ["2026-10-24T23:30:00", "2026-10-25T00:30:00", "2026-10-25T01:30:00"]
    await lake.append([post(f"x:{hour}", created_at=at(hour)) for hour in hours])
    buckets = await lake.series(Post, Where(), interval="1h", timezone="Europe/Berlin")
    assert [bucket.start.isoformat() for bucket in buckets] == [
        "2026-10-25T01:00:00+02:00",
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
    ]
    days = await lake.series(Post, Where(), interval="1d", timezone="Europe/Berlin")
    assert [(day.start.isoformat(), day.numbers["count"]) for day in days] == [
        ("2026-10-25T00:00:00+02:00", 3)
    ]


async def test_times_before_1970_and_far_ahead_have_their_day(lake: Lake) -> None:
    await lake.append(
        [
            post("x:1", created_at=at("1969-07-20T20:17:00")),
            post("x:2", created_at=at("2399-12-31T23:59:59")),
        ]
    )
    days = await lake.series(Post, Where(), interval="1d")
    assert [day.start.date().isoformat() for day in days] == ["1969-07-20", "2399-12-31"]
