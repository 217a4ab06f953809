from ingestor.metrics import Metrics
from lake.sender import Progress
from taglake.metrics import exposition, words


def test_counters_read_as_prometheus_wants_them() -> None:
    polled = Metrics(started=3, posts=10, posts_new=4, posts_unchanged=5, requests=3)
    polled.ended["unchanged"] = 1
    sent = Progress(
        sent=7, requests=1, stored=6, stale=1, poison=0, retried=0, parked=0, in_flight=0, width=2,
        last_error=None, alarm="disk",
    )  # fmt: skip
    assert exposition(polled, sent).splitlines()[:2] == [
        'taglake_polls_total{ended="answered"} 0',
        'taglake_polls_total{ended="unchanged"} 1',
    ]
    assert 'taglake_posts_total{seen="changed"} 1' in exposition(polled, sent)
    assert 'taglake_lines_sent_total{outcome="stale"} 1' in exposition(polled, sent)
    assert "taglake_lake_alarm 1" in exposition(polled, sent)
    assert words(polled, sent)["posts_unchanged"] == 5
