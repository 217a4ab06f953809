from datetime import timedelta

import msgspec
import pytest

from simnet.truth import Truth
from simnet.world import World


def test_posts_are_those_of_the_range_oldest_first(world: World, truth: Truth) -> None:
    since, until = world.start + timedelta(days=1), world.start + timedelta(days=3)
    posts = truth.posts("nike", since, until)
    assert all(since <= post.created_at < until and "nike" in post.tags for post in posts)
    assert [post.created_at for post in posts] == sorted(post.created_at for post in posts)
    assert {post.network for post in posts} == {"instagram", "mastodon", "bluesky"}
    by_hand = [
        p
        for network in world.networks.values()
        for p in range(network.count)
        if "nike" in network.original(p).tags
        and since.timestamp() * 1000 <= network.created[p] < until.timestamp() * 1000
    ]
    assert len(posts) == len(by_hand)


def test_ids_are_those_of_the_lake(world: World, truth: Truth) -> None:
    starts = {
        post.network: post.id
        for post in truth.posts("nike", world.start, world.start + timedelta(days=1))
    }
    assert starts["instagram"].removeprefix("instagram:").isdigit()
    assert starts["mastodon"].startswith("mastodon:https://")
    assert "/users/" in starts["mastodon"]
    assert starts["bluesky"].startswith("bluesky:at://did:plc:")


def test_a_visible_post_is_published_and_not_deleted(world: World, truth: Truth) -> None:
    at = world.start + timedelta(days=5)
    visible = set(truth.visible("adidas", at, site="instagram"))
    posts = truth.posts("adidas", world.start - timedelta(days=2), at, network="instagram")
    gone = {post.id for post in posts if post.deleted_at is not None and post.deleted_at <= at}
    assert visible == {post.id for post in posts} - gone
    assert gone


def test_spikes_and_deletions_are_told(world: World, truth: Truth) -> None:
    spikes, deletions = truth.spikes(), truth.deletions()
    assert len(spikes) > 10
    assert len(deletions) > 20
    some = next(iter(spikes))
    assert truth.counts(some, spikes[some]) is not None


def test_the_audience_of_an_author_is_told(world: World, truth: Truth) -> None:
    post = truth.posts("nike", world.start, world.start + timedelta(days=1))[0]
    assert truth.followers(post.author_id, post.created_at) == post.author_followers


def test_an_id_that_is_none_is_a_key_error(truth: Truth, world: World) -> None:
    with pytest.raises(KeyError):
        truth.counts("instagram:1", world.start)


def test_the_truth_is_told_as_json(world: World, truth: Truth) -> None:
    at = world.start + timedelta(days=2)
    told = msgspec.json.decode(truth.told({"tag": "nike", "network": "mastodon"}, at))
    assert told["lift"] == world.lift
    assert told["count"] == len(told["posts"]) > 50
    assert told["posts"][0].keys() == {"post", "counts"}


@pytest.mark.parametrize(
    ("query", "message"),
    [({}, "tag: it is missing"), ({"tag": "nike", "at": "soon"}, "at: 'soon' is no RFC 3339 time")],
)
def test_a_question_without_sense_is_refused(
    world: World, truth: Truth, query: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        truth.told(query, world.start)
