"""What the compiled kernel has to know of the records to judge a line without decoding it.

Derived from the record types, so that a new field needs no change here; a field of a type that is
not known here makes every line of its table one for the reference.
"""

import types
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from lake.records import Post, PostCounts, Record

Kind = Literal[
    "any", "id", "word", "choice", "integer", "number", "flag", "time", "struct", "words", "structs"
]

_PLAIN: dict[object, Kind] = {
    msgspec.Raw: "any",
    str: "word",
    int: "integer",
    float: "number",
    bool: "flag",
    datetime: "time",
}
_LISTS: dict[Kind, Kind] = {"word": "words", "struct": "structs"}

_SLOTS = {
    (PostCounts, "likes"): 0,
    (PostCounts, "comments"): 1,
    (PostCounts, "shares"): 2,
    (Post, "author_followers"): 3,
}
"""Numbers that `lake.derived` computes with, by their place in the kernel's array of them."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One field as JSON holds it: what its value may be, and whether it has to be there."""

    name: bytes
    kind: Kind
    nullable: bool
    required: bool
    slot: int  # -1: nothing is computed with it
    choices: tuple[bytes, ...] = ()
    inner: tuple["Member", ...] = ()  # of a struct, or of each struct of a list


def shape(kind: type[msgspec.Struct]) -> tuple[Member, ...]:
    """Return the fields of one record or part of one, in order. Raises KeyError for a type that
    is not known here.
    """
    return tuple(_member(kind, field) for field in msgspec.structs.fields(kind))


def _member(kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> Member:
    unions = (types.UnionType, Union)  # a Literal makes the older kind
    parts = get_args(field.type) if get_origin(field.type) in unions else (field.type,)
    (hint,) = (part for part in parts if part is not types.NoneType)
    many = get_origin(hint) is tuple
    item = get_args(hint)[0] if many else hint
    what = _kind(item)
    if field.name == "id" and issubclass(kind, Record):
        what = "id"
    return Member(
        name=field.encode_name.encode(),
        kind=_LISTS[what] if many else what,
        nullable=types.NoneType in parts,
        required=field.required,
        slot=_SLOTS.get((kind, field.name), -1),
        choices=tuple(word.encode() for word in get_args(item)) if what == "choice" else (),
        inner=shape(item) if what == "struct" else (),
    )


def _kind(item: Any) -> Kind:
    if get_origin(item) is Literal:
        return "choice"
    if isinstance(item, type) and issubclass(item, msgspec.Struct):
        return "struct"
    return _PLAIN[item]
