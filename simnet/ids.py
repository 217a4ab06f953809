"""How the networks number things: short codes, snowflakes, sortable keys."""

from typing import Final

INSTAGRAM_EPOCH: Final = (
    1_314_220_021_721  # milliseconds; Instagram's own numbering starts in August 2011
)
_CODE: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SORTABLE: Final = "234567abcdefghijklmnopqrstuvwxyz"
_VALUE: Final = {letter: value for value, letter in enumerate(_CODE)}


def short_code(pk: int) -> str:
    """Return the code of a post's public address: its number in base 64, highest digit first.

    >>> short_code(2679246333998407230)
    'CUumFhzvh4-'
    """
    letters = []
    while pk:
        pk, digit = divmod(pk, 64)
        letters.append(_CODE[digit])
    return "".join(reversed(letters)) or _CODE[0]


def pk_of(code: str) -> int:
    """Return the number behind a short code.

    >>> pk_of('CUumFhzvh4-')
    2679246333998407230
    """
    pk = 0
    for letter in code:
        pk = pk * 64 + _VALUE[letter]
    return pk


def sortable_key(number: int) -> str:
    """Return the 13 letters of a Bluesky record key; they sort as the number does.

    >>> sortable_key(0)
    '2222222222222'
    """
    letters = []
    for _ in range(13):
        number, digit = divmod(number, 32)
        letters.append(_SORTABLE[digit])
    return "".join(reversed(letters))


def number_of_key(key: str) -> int:
    """Return the number behind a record key."""
    number = 0
    for letter in key:
        number = number * 32 + _SORTABLE.index(letter)
    return number


def did(number: int) -> str:
    """Return a Bluesky DID: 24 letters that only the number decides."""
    letters = []
    for _ in range(24):
        number = (number * 6364136223846793005 + 1442695040888963407) & ((1 << 64) - 1)
        letters.append(_SORTABLE[number >> 59])
    return "did:plc:" + "".join(letters)


def hashtag_id(name_number: int) -> str:
    """Return the Graph's number of a hashtag: 17 digits, static and the same for every asker."""
    return str(17_841_560_000_000_000 + name_number % 9_999_999_999)
