from datetime import timedelta

import msgspec

from fakes.village import START, make_post, make_profile
from ingestor.contract import Page
from ingestor.known import Known
from ingestor.observe import gone, observe, recall
from ingestor.rows import Observed, rows_of
from lake.lines import record_of
from lake.records import Comment, Counts, Post, PostCounts, Record, Snapshot, Tag, TagCounts


async def nothing(_: object) -> dict[str, bytes]:
    return {}


def later(minutes: float) -> dict[str, object]:
    return {"at": START + timedelta(minutes=minutes)}


class Eye:
    """Observes pages one after the other, as the pipeline does."""

    def __init__(self) -> None:
        self.known = Known(nothing)

    async def see(self, page: Page) -> tuple[list[Record], Observed]:
        rows = rows_of(page)
        await recall(rows, self.known)
        found = observe(rows, self.known, observer="village@host", follows=page.follows)
        return [record_of(line.table, line.body) for line in found.lines], found


async def test_a_new_post_gives_itself_and_a_snapshot_without_delta() -> None:
    post = make_post(1, likes=3, tags=("nike",), author_handle="ann", created_at=START)
    records, found = await Eye().see(Page(posts=(post,)))
    assert (found.posts, found.new, found.unchanged) == (1, 1, 0)
    assert records == [
        post,
        Snapshot(
            id="mastodon:1@1767225600000",
            network="mastodon",
            observed_at=START,
            subject="post",
            subject_id="mastodon:1",
            author_handle="ann",
            tags=("nike",),
            created_at=START,
            observer="village@host",
            counts=Counts(likes=3),
        ),
    ]


async def test_an_unchanged_post_gives_nothing_within_the_hour() -> None:
    eye = Eye()
    await eye.see(Page(posts=(make_post(1),)))
    records, found = await eye.see(Page(posts=(make_post(1, **later(59)),)))
    assert (records, found.seen) == ([], [])
    assert (found.posts, found.new, found.unchanged) == (1, 0, 1)


async def test_new_addresses_of_the_same_picture_are_no_change() -> None:
    eye = Eye()
    await eye.see(Page(posts=(make_post(1, raw=msgspec.Raw(b'{"sig":1}')),)))
    records, _ = await eye.see(Page(posts=(make_post(1, raw=msgspec.Raw(b'{"sig":2}')),)))
    assert records == []


async def test_after_an_hour_unchanged_counts_are_confirmed_without_the_post() -> None:
    eye = Eye()
    await eye.see(Page(posts=(make_post(1),)))
    (snapshot,), found = await eye.see(Page(posts=(make_post(1, **later(60)),)))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.delta == Counts(likes=0)
    assert snapshot.previous_at == START
    assert found.unchanged == 1


async def test_an_edited_text_rewrites_the_post_without_a_snapshot() -> None:
    eye = Eye()
    await eye.see(Page(posts=(make_post(1, text="a"),)))
    records, found = await eye.see(Page(posts=(make_post(1, text="b", **later(5)),)))
    assert [type(record) for record in records] == [Post]
    assert found.unchanged == 0


async def test_a_count_that_was_or_is_unknown_has_an_unknown_delta() -> None:
    eye = Eye()
    await eye.see(Page(posts=(make_post(1, likes=None),)))
    records, _ = await eye.see(Page(posts=(make_post(1, likes=5, **later(1)),)))
    assert _snapshot(records).delta == Counts()
    records, _ = await eye.see(Page(posts=(make_post(1, likes=None, **later(2)),)))
    assert _snapshot(records).delta == Counts()


async def test_deltas_add_up_to_the_growth() -> None:
    eye, deltas = Eye(), []
    for minute, likes in enumerate([3, 10, 8, 30]):
        records, _ = await eye.see(Page(posts=(make_post(1, likes=likes, **later(minute)),)))
        deltas.append(_snapshot(records).delta)
    assert [delta and delta.likes for delta in deltas] == [None, 7, -2, 22]


async def test_a_post_in_both_sections_counts_once() -> None:
    post = make_post(1)
    records, found = await Eye().see(Page(posts=(post,), top=(post,)))
    assert (len(records), found.posts) == (2, 1)


async def test_an_author_is_named_from_his_last_known_profile() -> None:
    eye = Eye()
    await eye.see(Page(profiles=(make_profile(7, followers=900),)))
    records, _ = await eye.see(Page(posts=(make_post(1, author_id="mastodon:@7"),)))
    post = records[0]
    assert isinstance(post, Post)
    assert (post.author_handle, post.author_followers) == ("user7", 900)


async def test_profiles_and_tags_have_snapshots_too() -> None:
    eye = Eye()
    tag = Tag(
        id="mastodon:#nike", network="mastodon", observed_at=START, name="nike",
        counts=TagCounts(posts=12), source="village", parser_version=1,
    )  # fmt: skip
    records, _ = await eye.see(Page(profiles=(make_profile(7, followers=900),), tags=(tag,)))
    snapshots = [one for one in records if isinstance(one, Snapshot)]
    assert [(one.subject, one.counts) for one in snapshots] == [
        ("profile", Counts(followers=900)),
        ("tag", Counts(posts=12)),
    ]


async def test_comments_are_kept_once_and_again_when_they_change() -> None:
    eye = Eye()
    comment = Comment(
        id="mastodon:c1", network="mastodon", observed_at=START, text="a", source="v",
        parser_version=1,
    )  # fmt: skip
    for text, expected in (("a", 1), ("a", 0), ("b", 1)):
        changed = msgspec.structs.replace(comment, text=text)
        records, _ = await eye.see(Page(comments=(changed,)))
        assert len(records) == expected


async def test_a_post_proved_gone_is_marked_once_and_comes_back_unmarked() -> None:
    eye = Eye()
    post = make_post(1, likes=3)
    await eye.see(Page(posts=(post,)))
    at = START + timedelta(hours=2)
    (line,) = gone(post, eye.known, at=at).lines
    marked = record_of(line.table, line.body)
    assert isinstance(marked, Post)
    assert (marked.deleted_at, marked.counts) == (at, PostCounts(likes=3))
    assert gone(post, eye.known, at=at).lines == []
    records, _ = await eye.see(Page(posts=(make_post(1, likes=3, at=at + timedelta(minutes=1)),)))
    assert type(records[0]) is Post


async def test_memory_is_bounded_and_asks_the_disk_for_the_rest() -> None:
    asked: list[str] = []
    disk: dict[str, bytes] = {}

    async def load(ids: list[str]) -> dict[str, bytes]:
        asked.extend(ids)
        return {key: disk[key] for key in ids if key in disk}

    known = Known(load, limit=2)
    for number in (1, 2, 3):
        page = Page(posts=(make_post(number),))
        rows = rows_of(page)
        await recall(rows, known)
        disk.update(observe(rows, known, observer="o").seen)
        known.trim()
    asked.clear()
    await known.fetch(["mastodon:1", "mastodon:3"])
    assert asked == ["mastodon:1"]
    assert known.get("mastodon:1") is not None


def _snapshot(records: list[Record]) -> Snapshot:
    (found,) = [one for one in records if isinstance(one, Snapshot)]
    return found


async def test_a_repost_is_no_fresh_post() -> None:
    boost = msgspec.structs.replace(make_post(2), kind="repost", repost_of="mastodon:1")
    posts = (make_post(1), boost)
    _, found = await Eye().see(Page(posts=posts))
    assert [one.id for one in found.fresh] == ["mastodon:1"]
