import numpy as np
import pytest

from simnet.growth import NEVER, warped
from simnet.rhythm import DAY, HOUR
from simnet.world import World

NETWORKS = ("instagram", "mastodon", "bluesky")


def _paths(world: World, network: str) -> np.ndarray:
    """Return the counts of all posts at forty instants, shape (instants, posts, 5)."""
    posts = world.networks[network]
    instants = np.linspace(world.begin, world.end + 20 * DAY, 40).astype(np.int64)
    everything = np.arange(posts.count)
    return np.stack([posts.growth.at(everything, int(now)) for now in instants])


@pytest.mark.parametrize("network", NETWORKS)
def test_counts_never_decrease_but_for_withdrawn_likes(world: World, network: str) -> None:
    paths = _paths(world, network)
    steps = np.diff(paths, axis=0)
    assert (steps[:, :, 1:] >= 0).all()
    # At most 2 % of the organic likes are taken back; one more for the rounding.
    assert (steps[:, :, 0] >= -(0.02 * paths[-1, :, 0] + 1)).all()


def test_some_likes_are_withdrawn(world: World) -> None:
    assert (np.diff(_paths(world, "instagram"), axis=0)[:, :, 0] < 0).any()


@pytest.mark.parametrize("network", NETWORKS)
def test_a_post_begins_with_nothing(world: World, network: str) -> None:
    posts = world.networks[network]
    for post in range(0, posts.count, 50):
        assert posts.growth.at([post], posts.created[post])[0].tolist() == [0, 0, 0, 0, 0]


def test_growth_saturates(world: World) -> None:
    posts = world.networks["instagram"]
    everything = np.arange(posts.count)
    month, year = (posts.growth.at(everything, world.end + days * DAY) for days in (30, 365))
    assert year[:, 0].sum() < 1.1 * month[:, 0].sum()


def test_likes_are_heavy_tailed(world: World) -> None:
    posts = world.networks["instagram"]
    likes = np.sort(posts.growth.at(np.arange(posts.count), world.end)[:, 0])[::-1]
    assert likes[: len(likes) // 50].sum() > 0.4 * likes.sum()


def test_a_planted_spike_shows_as_growth(world: World) -> None:
    posts = world.networks["instagram"]
    loud = posts.growth.at(np.arange(posts.count), world.end + 30 * DAY)[:, 0] > 100
    spiking = np.flatnonzero((posts.growth.spike_at != NEVER) & loud).tolist()
    assert spiking
    for post in spiking:
        at = int(posts.growth.spike_at[post])
        before, after = (posts.growth.at([post], at + hours * HOUR)[0][0] for hours in (0, 6))
        assert after > 2 * before


def test_time_runs_faster_in_the_evening_than_at_night() -> None:
    morning, evening = 6 * HOUR, 18 * HOUR
    night = warped(morning + HOUR) - warped(morning)
    day = warped(evening + HOUR) - warped(evening)
    assert day > 3 * night > 0
