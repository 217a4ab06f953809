from datetime import timedelta

from aiohttp import web

from fakes.village import START, Bench


async def test_posts_of_a_tracked_tag_reach_the_spool_once(bench: Bench) -> None:
    for number in range(12):
        bench.village.publish("nike", number, START + timedelta(minutes=number))
    await bench.track("nike")
    await bench.play(hours=1)
    assert sorted(int(post.native_id) for post in bench.posts()) == list(range(12))
    assert len(bench.snapshots()) == 12
