"""Tolerant reading of JSON that strangers send: any value goes in, what can be used comes out.

An answer is decoded once, untyped, and walked. Measured on a page of 39 posts (757 kB): one untyped
decode 1.5 ms, writing the nodes out again for `raw` 0.3 ms; walking down to the nodes with
`msgspec.Raw` costs 0.4 ms a level and there are six, and one wrong type in a typed envelope would
lose the whole page.
"""

import json
from typing import Any

import msgspec

from ingestor.depth import depth

DEPTH = 64  # no network nests half as deep
LARGEST_COUNT = (
    2**53
)  # beyond it, other readers of our JSON lose digits; no count of a network is near

_NOTHING: dict[str, Any] = {}


class NotJson(ValueError):
    """The bytes are no JSON: HTML, truncated, too deep."""


def decode(body: bytes) -> Any:
    """Return the JSON value of `body`. Raises NotJson.

    What msgspec refuses for one bad number, byte or surrogate is read once more, with it replaced.
    Here and not where the answer comes in: what a kernel reads, it has measured itself.
    """
    if (levels := depth(body)) > DEPTH:
        raise NotJson(f"nests {levels} deep")
    try:
        return msgspec.json.decode(body)
    except RecursionError as exc:
        raise NotJson("too deep") from exc
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _decode_patiently(body)


def _decode_patiently(body: bytes) -> Any:
    """Read what msgspec refused, with odd numbers and letters replaced."""
    try:
        tree = json.loads(
            body.decode("utf-8-sig", "replace"),
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=lambda _: None,
        )
        clean = json.dumps(tree, ensure_ascii=False).encode("utf-8", "replace")
        return msgspec.json.decode(clean)
    except RecursionError as exc:
        raise NotJson("too deep") from exc
    except (ValueError, msgspec.MsgspecError) as exc:
        raise NotJson("not JSON") from exc


def _whole(digits: str) -> int | str:
    """Return a whole number; one of 19 digits or more stays text."""
    return int(digits) if len(digits) < 19 else digits  # longer ones are ids: text serves them


def _fraction(digits: str) -> float | None:
    """Return a fraction that is finite, None for others."""
    number = float(digits)
    return number if abs(number) < 1e300 else None


def obj(value: object) -> dict[str, Any]:
    """Return `value` if it is an object, else an empty one (do not write into it)."""
    return value if isinstance(value, dict) else _NOTHING


def arr(value: object) -> list[Any]:
    """Return `value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def at(value: Any, *path: str | int) -> Any:
    """Return what stands at a path of keys and positions, None where it ends early."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and len(value) > step else None
    return value


def first(*values: Any) -> Any:
    """Return the first value that is not None."""
    for value in values:
        if value is not None:
            return value
    return None


def text(value: object) -> str | None:
    """Return a string, None for anything else. NUL goes: no store takes it."""
    if not isinstance(value, str):
        return None
    return value.replace("\0", "") if "\0" in value else value


def word(value: object) -> str | None:
    """Return a string that is not empty, None for anything else."""
    return text(value) or None


def ident(value: object) -> str | None:
    """Return an id as a string: 17 and "17" are the same id."""
    if isinstance(value, str):
        return text(value) or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def count(value: object) -> int | None:
    """Return a count; None for hidden (-1), impossible and unreadable ones."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdecimal() and len(value) < 17 else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    return value if isinstance(value, int) and 0 <= value <= LARGEST_COUNT else None


def number(value: object) -> float | None:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None


def flag(value: object) -> bool | None:
    """Return true or false if that is what stands there."""
    return value if isinstance(value, bool) else None


def kind_of(value: object) -> str:
    """Return the JSON name of a value's type, for reasons that must not show the value."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")
