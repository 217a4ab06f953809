"""The compiled words are those of the reference, whatever the text."""

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestor.sources import markup, text

words = pytest.importorskip("ingestor.kernel.words")
prose = pytest.importorskip("ingestor.kernel.prose")

MARKS = ["#", "@", "\uff03", "\uff20", "://", "http://", "HTTPS://", "http\u017f://", "&", "/", "."]
LETTERS = ["a", "Nike", "x_1", "7", "\u00e9", "\u65e5\u672c", "\u0939\u093f", "\u0645\u06cc"]
LETTERS += ["\u0661", "\u00b2", "\u1e9e"]
OTHERS = [" ", "\n", "\u3000", "\u00a0", "\u2764\ufe0f", "\U0001f3c3\u200d", "\u200c", "\u20e3"]
OTHERS += ["e\u0301", "\u2026", "\u3002", "\u300d", ")", ",", "-", "'", '"', "<", ">", "\\"]
OTHERS += ["\x1f", "\x85", "\U000e0100"]
PIECES = MARKS + LETTERS + OTHERS

TAGS = ["<p>", "</p>", "<br>", "<br/>", "<span>", "</span>", "<a>", "</a>", "<li>", "</li>", "<ul>"]
TAGS += [
    "</ul>",
    "<blockquote>",
    "<strong>",
    "</strong>",
    "<script>",
    "<img>",
    "<p",
    "<",
    ">",
    "</",
]
TAGS += ["<!--", "<a/>", "<br/", "<P>", "</p"]
ATTRIBUTES = ["", " /", "  ", ' class="invisible"', ' class="mention hashtag"', ' class="u-url"']
ATTRIBUTES += [
    ' rel="tag"',
    ' rel="nofollow noopener" target="_blank"',
    ' href="/x"',
    " href='http://q'",
]
ATTRIBUTES += [' href="https://a.example/b?c=1&amp;d=2"', ' HREF="http://e"', ' class="x>y"', " x"]
ATTRIBUTES += [' href="http://a" href="http://b"', ' class="a" class="mention" href="http://c"']
ATTRIBUTES += [' rel="tag" rel="x" href="http://d"', ' href="https://\u00e9.example/\\"']
STARTS = [f"<{name}{attributes}>" for name in ("a", "p", "br") for attributes in ATTRIBUTES]
ENTITIES = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&apos;", "&nbsp;", "&#x27;", "&copy;"]
ENTITIES += ["&amp", "&#128512;", "&"]
BREAKS = ["\n", "\n\n", " ", "\u00a0", "\u3000", "\t", "word", "\u00e9"]
MARKUP = 2 * TAGS + STARTS + 2 * ENTITIES + 2 * BREAKS


def joined(pieces: list[str], seed: int, count: int) -> list[str]:
    """Return texts made of pieces, the same for one seed."""
    dice = random.Random(seed)
    return ["".join(dice.choices(pieces, k=dice.randint(0, 12))) for _ in range(count)]


def agree(said: str) -> None:
    body = said.encode()
    assert words.tags(body) == text.hashtags(said)
    assert words.tags(body, digits=False) == text.hashtags(said, digits=False)
    assert words.mentions(body) == text.mentions(said)
    assert words.links(body) == text.links(said)


def agree_on_markup(html: str) -> None:
    expected = markup.prose(html)
    assert expected is not None
    assert prose.prose(html.encode()) == (expected.text, expected.links)


def test_words_of_many_made_texts() -> None:
    for said in joined(PIECES, 1, 12_000):
        agree(said)


def test_prose_of_many_made_pages() -> None:
    for html in joined(MARKUP, 2, 8_000):
        agree_on_markup(html)


@given(
    st.text(
        st.sampled_from("#@/.:&_aA1\u00e9\u093f\u200c\ufe0f\uff03\uff20 htps\u017f\u2026"),
        max_size=40,
    )
)
@settings(max_examples=300, deadline=None)
def test_words_of_any_text(said: str) -> None:
    agree(said)
    agree("https" + said)


@given(st.text(st.sampled_from('<>/&;"= \nabphrefclssu#39x'), max_size=60))
@settings(max_examples=300, deadline=None)
def test_prose_of_any_markup(html: str) -> None:
    agree_on_markup(html)


def test_every_letter_beside_a_tag() -> None:
    for code in range(0x80, sys.maxunicode + 1, 1):
        if 0x3100 <= code < 0xD7A4 and code % 97:
            continue  # CJK and Hangul: all alike
        if 0xD800 <= code <= 0xDFFF or (code >= 0x20000 and code % 997 and code >> 8 != 0xE01):
            continue
        letter = chr(code)
        said = f"{letter}#a{letter}b #x{letter} {letter}"
        assert words.tags(said.encode()) == text.hashtags(said), hex(code)


def test_names_the_server_lists() -> None:
    names = [
        "Nike",
        " #x ",
        "##y",
        "# z",
        "",
        "#",
        "\u00c9t\u00e9",
        "\uff03\uff2e",
        "nike",
        "\x1fa\x1c",
    ]
    assert words.tag_names([name.encode() for name in names]) == text.tag_names(names)


@pytest.mark.parametrize("count", [127, 128, 129, 1_000])
def test_many_words_are_all_kept(count: int) -> None:
    said = " ".join(f"#t{i} @u{i} http://h{i}" for i in range(count))
    assert len(words.tags(said.encode())) == count
    agree(said)
    html = "".join(f'<a href="http://h{i}">x</a>' for i in range(count))
    agree_on_markup(html)
    names = [f"t{i}" for i in range(count)]
    assert words.tag_names([name.encode() for name in names]) == tuple(names)


MASTODON = (
    '<p>Ja &quot;so&quot;<br>:blob: <a href="https://one.example/tags/nike" '
    'class="mention hashtag" rel="tag">#<span>Nike</span></a></p><p>'
    '<a href="https://shop.example/a?b&amp;c" target="_blank" rel="nofollow noopener">'
    '<span class="invisible">https://</span>shop.example/a</a></p>'
)
PLEROMA = (
    'from <span class="h-card"><a class="u-url mention" href="https://one.example/@t">@<span>t'
    "</span></a></span><br/><br/>x"
)


@pytest.mark.parametrize("html", [MASTODON, PLEROMA])
def test_what_servers_send_needs_no_reference(html: str) -> None:
    assert prose.is_plain(html.encode())
    agree_on_markup(html)


@pytest.mark.parametrize(
    "html",
    ["<script>x</script>", "&copy;", "a & b", "1 < 2", "<P>x</P>", "<a href='x'>", "<img/>", "<p"],
)
def test_markup_in_doubt_is_the_references(html: str) -> None:
    assert not prose.is_plain(html.encode())
    agree_on_markup(html)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["\uff03", "\uff20", "#", "@", "://", "http://", "\uff03a#", "\u00ef"]
)
def test_hostile_texts_are_read_in_time(piece: str) -> None:
    agree(piece * (600_000 // len(piece)))
