from simnet.budgets import Budgets
from simnet.clocks import SteppedClock
from simnet.judge import Judge
from simnet.simulation import Simulation
from simnet.wire import ask
from simnet.world import World

TIMELINE = "/mastodon.example/api/v1/timelines/tag/nike"


def test_the_worst_window_is_found_wherever_it_lies() -> None:
    judge = Judge()
    for at in (0, 9_000, 9_500, 10_000, 18_999, 19_000, 40_000):
        judge.saw("a", at, window=(3, 10.0))
    verdict = judge.report().accounts["a"]
    assert (verdict.requests, verdict.worst_window) == (7, 4)  # 9,000 to 18,999
    assert judge.report().overspent == ["a"]


def test_a_client_at_its_limit_has_not_overspent() -> None:
    judge = Judge()
    for at in range(6):
        judge.saw("a", at * 5_000, window=(2, 10.0))
    assert judge.report().overspent == []
    assert judge.report().accounts["a"].worst_window == 2


def test_refused_requests_count_as_overspending(world: World, clock: SteppedClock) -> None:
    simulation = Simulation(world, now=clock, budgets=Budgets(mastodon=(2, 300)))
    for _ in range(5):
        simulation.answer(ask("GET", TIMELINE))
    report = simulation.judge.report()
    verdict = report.accounts["mastodon.example/127.0.0.1"]
    assert (verdict.worst_window, verdict.limit, verdict.refused) == (5, 2, 3)
    assert verdict.statuses == {"200": 2, "429": 3}
    assert report.overspent == ["mastodon.example/127.0.0.1"]
    assert (report.requests, report.refused) == (5, 3)
