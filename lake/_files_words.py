"""Whole words in a text, as Elasticsearch's standard analyzer would cut them (UAX #29), as regular
expressions.

A dot, a colon or an apostrophe between two letters joins them ("nike.com", "o'neil" are one word),
a dot or a comma between two digits does too; an ideograph or a kana of Hiragana is a word of its
own.
"""

import re

_WORD = r"\p{L}\p{N}\p{M}_"
_BETWEEN_LETTERS = ".:\u00b7'\u2019\u2024\u2027"  # MidLetter and MidNumLet
_BETWEEN_DIGITS = ".,;'\u2019\u2024"  # MidNum and MidNumLet
_ALONE = re.compile(r"[぀-ゟ㐀-䶿一-鿿豈-﫿\U00020000-\U0003134f]")
_TOKEN = re.compile(rf"\w(?:\w|[{_BETWEEN_LETTERS}](?=[^\W\d_])|(?<=\d)[{_BETWEEN_DIGITS}](?=\d))*")


def tokens(phrase: str) -> list[str]:
    """Return the lower-cased words of what a person typed.

    >>> tokens("Just-Do it, NIKE.com!")
    ['just', 'do', 'it', 'nike.com']
    """
    found: list[str] = []
    for run in _TOKEN.findall(phrase.lower()):
        found += [part for part in re.split(f"({_ALONE.pattern})", run) if part]
    return found


def _edge(joiners: str, kind: str, *, before: bool) -> str:
    """Return what must stand beside a word for it to end there."""
    plain = f"[^{_WORD}{joiners}]"
    if before:
        return f"(?:^|{plain}|(?:^|[^{kind}])[{joiners}])"
    return f"(?:$|{plain}|[{joiners}](?:$|[^{kind}]))"


def _edges(character: str, *, before: bool) -> str:
    if character.isdigit():
        return _edge(_BETWEEN_DIGITS, r"\p{N}", before=before)
    return _edge(_BETWEEN_LETTERS, r"\p{L}", before=before)


def pattern(token: str) -> str:
    """Return an RE2 expression that is found in a lower-cased text exactly if it bears the word
    `token`.
    """
    if _ALONE.fullmatch(token):
        return re.escape(token)
    return _edges(token[0], before=True) + re.escape(token) + _edges(token[-1], before=False)
