from datetime import datetime, timedelta

import pytest

from fakes.registered import START, draft
from registry.drafts import collection, handle, tag, tidy, wanted
from registry.errors import BadField
from registry.models import Competitor


def test_names_get_their_stored_form() -> None:
    tidied = tidy(draft(hashtags=("#Nike", "nike ", "\uff2eike", "Straße"), profiles=("@Nike",)))
    assert tidied.hashtags == ("nike", "strasse")
    assert tidied.profiles == ("nike",)


def test_emoji_and_other_scripts_are_hashtags() -> None:
    assert tidy(draft(hashtags=("ナイキ", "🔥", "नाइके"))).hashtags == ("ナイキ", "🔥", "नाइके")


def test_a_campaign_wants_its_own_and_its_rivals_targets_on_every_network() -> None:
    rival = Competitor(name="Adidas", hashtags=("adidas",), profiles=("adidas",))
    targets = wanted(draft(networks=("mastodon", "bluesky"), competitors=(rival,)))
    assert [target.key for target in targets] == [
        "bluesky/profile/adidas",
        "bluesky/tag/adidas",
        "bluesky/tag/nike",
        "mastodon/profile/adidas",
        "mastodon/tag/adidas",
        "mastodon/tag/nike",
    ]


def test_what_two_brands_share_is_wanted_once() -> None:
    rival = Competitor(name="Adidas", hashtags=("nike",))
    assert len(wanted(draft(competitors=(rival,)))) == 1


def test_collecting_covers_baseline_and_aftermath() -> None:
    since, until = collection(draft(baseline_days=7, after_days=3))
    assert (since, until) == (START - timedelta(days=7), START + timedelta(days=17))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "name is ' ': use 1 to 200"),
        ({"networks": ()}, r"networks is \[\]: name at least one network"),
        ({"hashtags": ()}, r"hashtags is \[\]: name at least one hashtag or profile"),
        ({"hashtags": ("two words",)}, r"hashtags\[0\] is 'two words': use one word"),
        ({"hashtags": ("a/b",)}, r"hashtags\[0\] is 'a/b'"),
        ({"hashtags": ("#",)}, r"hashtags\[0\] is ''"),
        ({"profiles": ("x" * 201,)}, r"profiles\[0\] is 'xxx"),
        ({"hashtags": tuple(map(str, range(1001)))}, "hashtags is 1001: name 1000 at most"),
        (
            {"competitors": tuple(Competitor(name=str(n), hashtags=("x",)) for n in range(101))},
            "competitors is 101: name 100 at most",
        ),
        ({"end": START}, "end is '2026-03-02T12:00:00.00:00': choose an instant after start"),
        ({"end": START + timedelta(days=2000)}, "end within 1098 days"),
        ({"start": datetime(2026, 3, 2)}, "start is '2026-03-02T00:00:00': add the offset"),
        ({"timezone": "Mars/Base"}, "timezone is 'Mars/Base': use a name such as Europe/Berlin"),
        ({"timezone": "../../etc/passwd"}, "timezone is"),
        ({"baseline_days": -1}, "baseline_days is -1: use 0 to 366"),
        ({"priority": 0.0}, "priority is 0.0: use 0.01 to 100.0"),
        ({"competitors": (Competitor(name="A"),)}, r"competitors\[0\].hashtags is \[\]"),
        (
            {"competitors": (Competitor(name="A", hashtags=("a b",)),)},
            r"competitors\[0\].hashtags\[0\] is 'a b'",
        ),
        (
            {"competitors": tuple(Competitor(name=n, hashtags=("x",)) for n in ("A", "a"))},
            r"competitors\[1\].name is 'a': give each its own name",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_field(fields: dict[str, object], words: str) -> None:
    with pytest.raises(BadField, match=words.replace("+", ".")):
        tidy(draft(**fields))


def test_tidying_twice_changes_nothing() -> None:
    once = tidy(draft(hashtags=("#ﬁt", "İstanbul"), profiles=("@A.b-c",)))
    assert tidy(once) == once


def test_a_tag_and_a_handle_alone() -> None:
    assert (tag(" #Nike"), handle("@Nike ")) == ("nike", "nike")
