"""Questions that spare a lake many: several filters at once, the newest of each, a least value."""

import pytest

from fakes.world import POSTS
from lake.contract import COUNT, Lake, Metric, Sort, Where
from lake.errors import BadQuestion
from lake.records import Post

LIKES = Metric(kind="sum", field="counts.likes")


async def test_tallies_answer_several_filters_that_overlap_in_one_question(world: Lake) -> None:
    most = Metric(kind="max", field="counts.likes")
    known = Metric(kind="known", field="counts.likes")
    wheres = [Where(), Where(handles=("ann",)), Where(tags=("run",)), Where(tags=("none",))]
    answers = await world.tallies(Post, wheres, [COUNT, LIKES, most, known])
    assert answers == [await world.totals(Post, w, [COUNT, LIKES, most, known]) for w in wheres]
    assert answers[3] == {
        "count": 0,
        "sum:counts.likes": None,
        "max:counts.likes": None,
        "known:counts.likes": 0,
    }


async def test_tallies_count_different_values_and_take_no_filter(world: Lake) -> None:
    authors = Metric(kind="distinct", field="author_handle")
    wheres = [Where(), Where(handles=("ann",))]
    answers = await world.tallies(Post, wheres, [authors])
    assert answers == [{"distinct:author_handle": 3}, {"distinct:author_handle": 1}]
    assert await world.tallies(Post, [], [COUNT]) == []


async def test_newest_record_of_each_value_of_a_field(world: Lake) -> None:
    found = await world.newest(Post, Where(), by="author_handle")
    newest = {}
    for handle in ("ann", "bob", "eve"):
        page = await world.page(Post, Where(handles=(handle,)), sort=Sort(), limit=1)
        newest[handle] = page.records[0]
    assert found == newest
    assert await world.newest(Post, Where(tags=("none",)), by="author_handle") == {}


async def test_newest_is_asked_by_a_field_of_single_words(world: Lake) -> None:
    with pytest.raises(BadQuestion, match="tags"):
        await world.newest(Post, Where(), by="tags")


async def test_a_least_value_leaves_lower_and_unknown_ones_out(world: Lake) -> None:
    likes = [p.counts.likes for p in POSTS if p.counts.likes is not None]
    least = sorted(likes)[-2]
    found = await world.totals(Post, Where(at_least=("counts.likes", least)), [COUNT])
    assert found == {"count": sum(number >= least for number in likes)}
    with pytest.raises(BadQuestion, match="text"):
        await world.totals(Post, Where(at_least=("text", 1)), [COUNT])
