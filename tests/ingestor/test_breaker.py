from ingestor.breaker import Breaker


def tripped() -> Breaker:
    breaker = Breaker()
    for _ in range(9):
        breaker.succeeded()
    for _ in range(11):
        breaker.failed(100.0)
    return breaker


def test_half_of_twenty_failures_leave_it_closed() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.succeeded()
        breaker.failed(0.0)
    assert breaker.wait(0.0) == 0.0


def test_more_than_half_of_twenty_failures_open_it_for_thirty_seconds() -> None:
    breaker = tripped()
    assert breaker.open
    assert breaker.wait(110.0) == 20.0


def test_one_probe_goes_out_every_thirty_seconds() -> None:
    breaker = tripped()
    assert breaker.wait(130.0) == 0.0
    assert breaker.wait(131.0) == 29.0
    breaker.failed(140.0)
    assert breaker.wait(141.0) == 29.0


def test_a_probe_that_is_answered_closes_it() -> None:
    breaker = tripped()
    breaker.wait(130.0)
    breaker.succeeded()
    assert not breaker.open
    assert breaker.wait(130.1) == 0.0


def test_outage_of_five_minutes_costs_at_most_thirty_requests() -> None:
    breaker = Breaker()
    asked = 0
    for second in range(300):
        if breaker.wait(float(second)) == 0.0:
            asked += 1
            breaker.failed(float(second))
    assert asked == 29  # 20 to open, then 9 probes
