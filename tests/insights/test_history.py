"""One post's metric history and its ladder."""

from fakes.campaign_world import NOW, day
from insights.campaigns import history
from lake.contract import Lake
from lake.records import PostCounts


async def test_steps_carry_what_was_gained(world: Lake) -> None:
    found = await history(world, "mastodon:p11", now=NOW)
    assert [(step.age_seconds, step.engagements, step.gain) for step in found.steps] == [
        (720.0, 11, None),
        (3600.0, 22, 11),
        (18000.0, 34, 12),
        (21600.0, 92, 58),
        (108000.0, 115, 23),
    ]


async def test_a_rung_holds_the_last_counts_not_later_than_its_age(world: Lake) -> None:
    found = await history(world, "mastodon:p11", now=NOW)
    assert [(rung.rung, rung.age_seconds, rung.engagements) for rung in found.ladder] == [
        ("15m", 720.0, 11),
        ("1h", 3600.0, 22),
        ("5h", 18000.0, 34),
        ("1d", 21600.0, 92),
        ("7d", 108000.0, 115),
    ]


async def test_as_of_ends_the_history_and_leaves_rungs_unreached(world: Lake) -> None:
    found = await history(world, "mastodon:p11", now=NOW, as_of=day(8, 15))
    assert [step.engagements for step in found.steps] == [11, 22, 34]
    assert [rung.reached for rung in found.ladder] == [True, True, True, False, False]


async def test_hidden_counts_stay_unknown(world: Lake) -> None:
    found = await history(world, "mastodon:p13", now=NOW)
    assert found.steps[0].counts == PostCounts(likes=None, comments=3, shares=None)
    assert found.ladder[0].engagements == 3


async def test_an_unknown_post_has_no_history(world: Lake) -> None:
    found = await history(world, "mastodon:nobody", now=NOW)
    assert found.steps == ()
    assert {(rung.reached, rung.counts) for rung in found.ladder} == {(False, None)}
