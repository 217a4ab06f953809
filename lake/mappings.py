"""What Elasticsearch is told about every table, derived once from the records.

Strict mappings: a field that no record has is refused. The raw document is kept and not looked
into. Words are keywords, texts are cut by the `standard` analyzer, which every distribution has.
"""

import hashlib
import types
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from lake.derived import DERIVED
from lake.errors import BadQuestion
from lake.records import RECORDS, TABLES, Location, Post, Record

FieldKind = Literal["word", "text", "integer", "number", "flag", "time", "kept"]
"""`kept` is stored and given back, but nobody can ask for it."""

_TEXTS = frozenset({"text", "bio"})
# Unique in every record and not what anybody asks by: an index of them is weight without use.
_KEPT = frozenset({"url", "link", "native_id", "code"})
_LONG_WORDS = frozenset({"links", "detail"})  # may exceed what Lucene takes as one term
_LONGEST_INDEXED = 8_191  # characters of up to 4 bytes within Lucene's 32,766 bytes

_PLAIN: dict[object, FieldKind] = {
    str: "word",
    int: "integer",
    float: "number",
    bool: "flag",
}
_PROPERTIES: dict[FieldKind, dict[str, object]] = {
    "word": {"type": "keyword"},
    # Scores are never used, so norms would be weight; positions stay for phrases in Kibana.
    "text": {"type": "text", "norms": False},
    "integer": {"type": "long"},
    "number": {"type": "double"},
    "flag": {"type": "boolean"},
    "time": {"type": "date", "format": "strict_date_optional_time"},
    "kept": {"type": "object", "enabled": False},
}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a table by its dotted name, its kind, and whether it holds many values."""

    path: str
    kind: FieldKind
    many: bool = False

    @property
    def mapping(self) -> dict[str, object]:
        """Return how Elasticsearch indexes it."""
        if self.path in _KEPT:
            return {"type": "keyword", "index": False, "doc_values": False}
        if self.path == "id":
            # Asked for by `_id`, which is the same and indexed anyway; its values give the order.
            return {"type": "keyword", "index": False}
        if self.path in _LONG_WORDS:
            return {"type": "keyword", "ignore_above": _LONGEST_INDEXED}
        return _PROPERTIES[self.kind]


def _bare(hint: Any) -> Any:
    if get_origin(hint) in (types.UnionType, Union):  # a Literal makes the older kind of union
        return next(part for part in get_args(hint) if part is not types.NoneType)
    return hint


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _fields_of(path: str, hint: Any) -> list[Field]:
    bare = _bare(hint)
    many = get_origin(bare) is tuple
    item = get_args(bare)[0] if many else bare
    if _is_struct(item) and not many and item is not Location:
        inner = get_type_hints(item).items()
        return [field for name, each in inner for field in _fields_of(f"{path}.{name}", each)]
    return [Field(path=path, kind=_kind_of(path, item), many=many)]


def _kind_of(path: str, item: Any) -> FieldKind:
    if path in _KEPT or item is msgspec.Raw or _is_struct(item):
        return "kept"
    if path in _TEXTS:
        return "text"
    return "word" if get_origin(item) is Literal else _PLAIN.get(item, "time")


@cache
def fields(table: str) -> dict[str, Field]:
    """Return all fields of a table by their dotted names."""
    hints = get_type_hints(RECORDS[table]).items()
    stored = [field for name, hint in hints for field in _fields_of(name, hint)]
    if RECORDS[table] is Post:
        stored += [Field(path=name, kind="integer") for name in DERIVED]
    return {field.path: field for field in stored}


def field_of(kind: type[Record], path: str) -> Field:
    """Return one field of the table that keeps `kind`. Raises BadQuestion."""
    table = TABLES[kind]
    known = fields(table)
    if path not in known:
        raise BadQuestion(f"{table} have no field {path!r}; they have {', '.join(known)}")
    return known[path]


def properties(table: str) -> dict[str, Any]:
    """Return the mapping of a table's fields, nested as the documents are."""
    tree: dict[str, Any] = {}
    for field in fields(table).values():
        *parents, leaf = field.path.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {"properties": {}})["properties"]
        place[leaf] = field.mapping
    if "location" in tree:
        # Networks send impossible places; the post is worth keeping without its point.
        tree["location"] = {"type": "geo_point", "ignore_malformed": True}
    return tree


def lacking(wanted: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a mapping that an index does not have yet.

    How a field is indexed cannot be changed in an index that there is, and need not be: what is
    indexed more than it has to be answers the same.
    """
    found: dict[str, Any] = {}
    for name, field in wanted.items():
        if name not in there:
            found[name] = field
        elif "properties" in field:
            inner = lacking(field["properties"], there[name].get("properties", {}))
            found |= {name: {"properties": inner}} if inner else {}
    return found


def template(table: str, *, prefix: str, shards: int, replicas: int) -> dict[str, Any]:
    """Return the index template of a table; its digest tells whether a stored one is the same."""
    inner = {
        "settings": _settings(table, shards=shards, replicas=replicas),
        "mappings": {"dynamic": "strict", "properties": properties(table)},
    }
    digest = hashlib.sha256(msgspec.json.encode(inner)).hexdigest()[:16]
    return {
        "index_patterns": [f"{prefix}-{table}-*"],
        "priority": 500,  # above the catch-alls that other tools install
        "template": inner,
        "_meta": {"owner": "taglake", "digest": digest},
    }


def _settings(table: str, *, shards: int, replicas: int) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "number_of_shards": shards,
        "number_of_replicas": replicas,
        "codec": "best_compression",  # 0.73 of the disk at no measured cost
        # Explicit, so that an idle shard is refreshed too; `flush` refreshes at once.
        "refresh_interval": "5s",
    }
    if table == "snapshots":
        # Lets "the last snapshot of each subject" walk subjects in order and stop early, instead of
        # reading the whole history once a page; like counts side by side also compress better.
        settings["sort.field"] = ["subject_id", "observed_at"]
        settings["sort.order"] = ["asc", "desc"]
    return {"index": settings}
