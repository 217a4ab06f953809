from ingestor.recent import Recent


def test_what_was_added_of_late_is_known_and_almost_nothing_else() -> None:
    recent = Recent(1000)
    recent.add(*(f"a{number}" for number in range(1000)))
    assert all(f"a{number}" in recent for number in range(1000))
    assert sum(f"b{number}" in recent for number in range(10_000)) < 50


def test_what_was_added_long_ago_is_forgotten() -> None:
    recent = Recent(100)
    recent.add("first")
    for number in range(1000):
        recent.add(f"a{number}")
        assert f"a{max(0, number - 99)}" in recent
    assert "first" not in recent
