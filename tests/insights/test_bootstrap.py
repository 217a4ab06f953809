"""Intervals: measured coverage on simulated campaigns, honesty with few days."""

from math import exp, log, sqrt

import numpy as np
import pytest

from insights.bootstrap import F64, change, mean_interval, seed_of

CAMPAIGNS = 400
DRAWS = 400


def days(
    rng: np.random.Generator, before: int, during: int, lift: float
) -> tuple[tuple[F64, F64], tuple[F64, F64]]:
    """Return (brand, competitors) before and during: a week's rhythm and shocks that both share,
    counts that scatter more than Poisson, and a lift of the brand's."""
    n = before + during
    rate = 100 * np.exp(0.3 * np.sin(np.arange(n) * 2 * np.pi / 7) + rng.normal(0, 0.3, n))
    effect = np.where(np.arange(n) >= before, 1 + lift, 1.0)
    brand = rng.poisson(rate * np.exp(rng.normal(0, 0.15, n)) * effect).astype(float)
    rivals = rng.poisson(1.5 * rate * np.exp(rng.normal(0, 0.15, n))).astype(float)
    return (brand[:before], rivals[:before]), (brand[before:], rivals[before:])


def coverage(before: int, during: int, lift: float) -> float:
    """Return the share of simulated campaigns whose interval holds the true lift."""
    rng = np.random.default_rng(7)
    hits = 0
    for campaign in range(CAMPAIGNS):
        found = change(*days(rng, before, during, lift), seed=campaign, draws=DRAWS)
        assert found is not None
        hits += found.low <= log(1 + lift) <= found.high
    return hits / CAMPAIGNS


# Three binomial deviations of a true 95 % over 400 campaigns: 3.3 points.
THREE_SIGMA = 3 * sqrt(0.95 * 0.05 / CAMPAIGNS)
LOW, HIGH = 0.95 - THREE_SIGMA, 0.95 + THREE_SIGMA


@pytest.mark.parametrize(("before", "during"), [(7, 14), (7, 7), (14, 28)])
def test_lift_is_claimed_in_about_5_percent_of_campaigns_without_any(
    before: int, during: int
) -> None:
    assert LOW <= coverage(before, during, 0.0) <= HIGH


def test_with_four_days_at_most_5_percent_are_claimed() -> None:
    assert coverage(4, 4, 0.0) >= LOW  # the interval is wider than it has to be


def test_a_known_lift_is_covered_in_about_95_percent() -> None:
    assert LOW <= coverage(7, 14, 0.4) <= HIGH


def test_a_clear_lift_is_found() -> None:
    found = change(*days(np.random.default_rng(1), 7, 14, 1.0), seed=1)
    assert found is not None
    assert exp(found.low) > 1.0
    assert 1.5 < exp(found.log) < 2.7


def test_the_same_seed_gives_the_same_interval() -> None:
    data = days(np.random.default_rng(1), 7, 14, 0.3)
    assert change(*data, seed=seed_of("a")) == change(*data, seed=seed_of("a"))
    assert change(*data, seed=seed_of("a")) != change(*data, seed=seed_of("b"))


def test_fewer_than_four_days_or_nothing_at_all_give_no_interval() -> None:
    three, seven, none = np.array([5.0, 6, 7]), np.arange(1.0, 8), np.zeros(7)
    assert change((three, three), (seven, seven), seed=1) is None
    assert change((seven, none), (seven, seven), seed=1) is None
    assert mean_interval(three, seed=1) is None
    assert mean_interval(none, seed=1) is None


def test_too_few_days_with_anything_give_no_interval() -> None:
    sparse = np.array([0.0, 0, 0, 1, 0, 0, 0])
    assert mean_interval(sparse, seed=1) is None


def test_the_mean_of_days_is_covered_in_about_95_percent() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for seed in range(CAMPAIGNS):
        found = mean_interval(rng.normal(100, 20, 7), seed=seed, draws=DRAWS)
        assert found is not None
        hits += found[0] <= 100 <= found[1]
    assert LOW <= hits / CAMPAIGNS <= HIGH
