"""HTML of posts to plain text and links."""

import re
from html.parser import HTMLParser

import msgspec

# What opens no closed tag is made plain text first: the parser searches "<!--<!--..." from every
# start to the end, 51 s for 400 kB. The look-ahead stops at the next bracket: this is linear.
_NO_TAG = re.compile(r"<(?!/?[A-Za-z][^<>]*>)")

_BLOCKS = {"p", "div", "blockquote", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6"}
_SILENT = {"script", "style", "template"}


class Prose(msgspec.Struct, frozen=True):
    """What a piece of markup says to a reader."""

    text: str
    links: tuple[str, ...] = ()


class _Reader(HTMLParser):
    """Gathers text and links; the parser calls its `handle_` methods in the order of the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.links: dict[str, None] = {}
        self._silent = 0

    def set_cdata_mode(self, *_: str, **__: object) -> None:
        """Go on reading tags in <script>: an unclosed one would swallow the rest."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Part the text at blocks and line ends, and note links."""
        if tag == "br":
            self.parts.append("\n")
        elif tag in _BLOCKS:
            self._block("\n\n")
        elif tag == "li":
            self._block("\n")
        elif tag == "a":
            self._link(dict(attrs))
        elif tag in _SILENT:
            self._silent += 1

    def handle_endtag(self, tag: str) -> None:
        """Part the text at the end of a block."""
        if tag in _BLOCKS:
            self._block("\n\n")
        elif tag in _SILENT:
            self._silent = max(0, self._silent - 1)

    def handle_data(self, data: str) -> None:
        """Keep text that a reader sees."""
        if not self._silent:
            self.parts.append(data)

    def _block(self, gap: str) -> None:
        """Part the text here, unless it is parted already."""
        if self.parts and self.parts[-1] not in ("\n\n", gap):
            self.parts.append(gap)

    def _link(self, attrs: dict[str, str | None]) -> None:
        """Note a link that leads to a page."""
        href, words = attrs.get("href") or "", (attrs.get("class") or "").split()
        named = attrs.get("rel") == "tag" or not {"mention", "hashtag", "u-url"}.isdisjoint(words)
        if href.startswith(("http://", "https://")) and not named:
            self.links[href] = None


def prose(html: str | None) -> Prose | None:
    r"""Return text and links of a post's HTML, None for None.

    Paragraphs are parted by an empty line, <br> is a line end. Links to tags and people are left
    out: they are fields of their own.

    >>> prose("<p>a &amp; b<br>c</p><p>d</p>").text
    'a & b\nc\n\nd'
    """
    if html is None:
        return None
    if "<" not in html and "&" not in html:
        return Prose(html)
    reader = _Reader()
    reader.feed(_NO_TAG.sub("&lt;", html))
    reader.close()
    return Prose("".join(reader.parts).strip(), tuple(reader.links))
