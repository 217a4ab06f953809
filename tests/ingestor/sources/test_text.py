"""Hashtags, mentions, links, markup and times, as people and servers write them."""

from datetime import UTC, datetime

import pytest

from ingestor.sources.markup import Prose, prose
from ingestor.sources.shortcode import code_in, code_of, pk_in, pk_of
from ingestor.sources.text import hashtags, links, mentions, tag_name
from ingestor.sources.times import instant, plausible


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("go #Nike go", ("nike",)),
        ("#Nike#Adidas", ("nike",)),  # the second follows a letter
        ("##a", ("a",)),
        ("#a #A #a", ("a",)),
        ("\uff03日本 #東京タワー。", ("日本", "東京タワー")),
        ("#\uff2e\uff29\uff2b\uff25", ("nike",)),
        ("#Été #STRASSE #straße", ("été", "strasse")),
        ("#हिन्दी #ภาษาไทย", ("हिन्दी", "ภาษาไทย")),
        ("#می\u200cتوگ", ("می\u200cتوگ",)),
        ("❤️#love❤️ #run🏃\u200d♀️", ("love", "run")),
        ("#️⃣ # #! #-", ()),
        ("#1 #2024 #a_b", ("1", "2024", "a_b")),
        ("x#no &#39; http://a.b/#frag", ()),
        ("(#yes)", ("yes",)),
        ("", ()),
        (None, ()),
    ],
)
def test_hashtags_of_a_text(text: str | None, tags: tuple[str, ...]) -> None:
    assert hashtags(text) == tags


def test_a_number_is_no_tag_where_the_network_says_so() -> None:
    assert hashtags("#1 #1a", digits=False) == ("1a",)


def test_decomposed_letters_and_composed_ones_are_one_tag() -> None:
    assert tag_name("#E\u0301te\u0301") == tag_name("été") == "été"


def test_mentions_are_handles_and_not_addresses() -> None:
    assert mentions("@Lena.k, @x_1. me@mail.example @@two") == ("lena.k", "x_1")
    assert mentions(None) == ()


def test_links_leave_the_stop_behind() -> None:
    assert links("see https://a.example/b?c=1. (http://x.example)") == (
        "https://a.example/b?c=1",
        "http://x.example",
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("<p>a</p><p>b<br>c<br/>d</p>", "a\n\nb\nc\nd"),
        ("a &amp; b &lt;3 &#128512;", "a & b <3 😀"),
        ("1 < 2 <b>x</b> <!-- y", "1 < 2 x <!-- y"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("a<script>bad()</script>b", "ab"),
        ("<p>open <em>tag", "open tag"),
        ("", ""),
    ],
)
def test_markup_becomes_text(html: str, text: str) -> None:
    said = prose(html)
    assert said is not None
    assert said.text == text


def test_links_of_markup_are_those_to_pages() -> None:
    html = '<a href="https://a.example">a</a><a href="/x">b</a><a class="mention" href="https://m">@m</a>'
    assert prose(html) == Prose("ab@m", ("https://a.example",))
    assert prose(None) is None


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["<", "<!--", "<a ", "</", "<![", "&#", "<a href='", "<script>"])
def test_hostile_markup_is_read_in_time(piece: str) -> None:
    assert prose(piece * (200_000 // len(piece))) is not None


@pytest.mark.parametrize(
    "value",
    [
        1591005600,
        "1591005600",
        "2020-06-01T10:00:00Z",
        "2020-06-01T10:00:00+0000",
        "2020-06-01T12:00:00.000+02:00",
        "2020-06-01T10:00:00",
        "2020-06-01 10:00:00.000000",
    ],
)
def test_one_instant_in_many_spellings(value: object) -> None:
    assert instant(value) == datetime(2020, 6, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", [None, True, "", "soon", [], {}, 1e300, -(10**30), "9" * 40, float("nan")]
)
def test_no_instant(value: object) -> None:
    assert instant(value) is None


def test_what_lies_ahead_or_before_the_networks_is_not_plausible() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert plausible(datetime(2026, 6, 2, tzinfo=UTC), now)
    assert not plausible(datetime(2026, 6, 2, 0, 0, 1, tzinfo=UTC), now)
    assert not plausible(datetime(1999, 12, 31, tzinfo=UTC), now)


def test_short_codes_are_numbers() -> None:
    assert code_of("2498383483036303865") == "CKsCopzFQH5"
    assert pk_of("CKsCopzFQH5") == "2498383483036303865"
    assert (
        pk_of("CKsCopzFQH5" + "x" * 28) == "2498383483036303865"
    )  # a private post's, with its key
    assert (code_of("x"), pk_of("a b"), pk_of(None)) == (None, None, None)
    assert code_in("https://www.instagram.com/gala/reel/CSr71Gzlqo4/?x") == "CSr71Gzlqo4"
    assert pk_in("https://instagram.com/stories/ikros/2643655939345226184") == "2643655939345226184"
    assert pk_in("https://elsewhere.example/p/x") is None
