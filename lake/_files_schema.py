"""The columns of every table of the `files` lake, derived once from the records.

A nested struct becomes flat columns, so that any tool can sum them: `counts.likes` is the column
`likes`, `delta.likes` is `delta_likes`, `location.lat` is `location_lat`. The contract's dotted
names stay the way to ask.
"""

import types
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pyarrow as pa

from lake import derived
from lake.errors import BadQuestion
from lake.records import RECORDS, TABLES, Post, Record

PARTITIONED = frozenset({"posts", "snapshots"})  # by month: what grows without end
APPEND_ONLY = frozenset({"snapshots", "gaps"})

Cell = Callable[[Any], object]
Sort = Literal["word", "words", "integer", "number", "flag", "time", "items", "raw"]

_SQL: dict[str, str] = {
    "word": "VARCHAR",
    "words": "VARCHAR[]",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
    "time": "TIMESTAMPTZ",
    "raw": "VARCHAR",
}
_ARROW: dict[str, pa.DataType] = {
    "word": pa.string(),
    "words": pa.list_(pa.string()),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "time": pa.timestamp("us", "UTC"),
    "raw": pa.string(),
}
_PLAIN: dict[object, Sort] = {
    str: "word",
    int: "integer",
    float: "number",
    bool: "flag",
    datetime: "time",
    msgspec.Raw: "raw",
}


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column: its name in the table, the contract's dotted name, and how a record fills it."""

    name: str
    path: str
    sort: Sort
    item: type[msgspec.Struct] | None = None  # of a list of structs
    cell: Cell

    @property
    def heavy(self) -> bool:
        """Return whether this is the document as the network sent it, which few questions want."""
        return self.name == "raw"

    @property
    def arrow(self) -> pa.DataType:
        """Return the Arrow type."""
        if self.item is None:
            return _ARROW[self.sort]
        fields = [(name, _ARROW[_sort(hint)]) for name, hint in get_type_hints(self.item).items()]
        return pa.list_(pa.struct(fields))

    @property
    def sql(self) -> str:
        """Return the DuckDB type."""
        if self.item is None:
            return _SQL[self.sort]
        hints = get_type_hints(self.item).items()
        return f"STRUCT({', '.join(f'{name} {_SQL[_sort(hint)]}' for name, hint in hints)})[]"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """All columns of one table, and the way back from a row to its record."""

    table: str
    kind: type[Record]
    columns: tuple[Column, ...]

    @property
    def partitioned(self) -> bool:
        """Return whether the table's files lie in one folder a month."""
        return self.table in PARTITIONED

    @property
    def append_only(self) -> bool:
        """Return whether an id is written once and never changes."""
        return self.table in APPEND_ONLY

    @property
    def light(self) -> tuple[Column, ...]:
        """Return all columns but the raw document."""
        return tuple(column for column in self.columns if not column.heavy)

    def find(self, path: str) -> Column:
        """Return the column the contract's dotted name means. Raises BadQuestion."""
        for column in self.columns:
            if column.path == path:
                return column
        known = ", ".join(column.path for column in self.columns if column.path)
        raise BadQuestion(f"{self.table} have no field {path!r}; they have {known}")

    def named(self, name: str) -> Column:
        """Return the column with this name in the table."""
        return {column.name: column for column in self.columns}[name]

    def has(self, path: str) -> bool:
        """Return whether there is such a field."""
        return any(column.path == path for column in self.columns)

    def schema(self) -> pa.Schema:
        """Return the Arrow schema of the table, the lake's own columns first: min and max of them
        prune.
        """
        fields = [(column.name, column.arrow) for column in self.columns]
        own = [("version", pa.int64()), ("batch", pa.int64()), ("month", pa.string())]
        return pa.schema([fields[0], *own, *fields[1:]])

    def rows(self, records: Sequence[Record]) -> dict[str, pa.Array]:
        """Return one Arrow array a column. Raises pa.ArrowInvalid or OverflowError for what does
        not fit.
        """
        return {
            column.name: pa.array([column.cell(record) for record in records], column.arrow)
            for column in self.columns
        }


def _bare(hint: Any) -> tuple[Any, bool]:
    """Return the type without `| None`, and whether it was there."""
    if get_origin(hint) in (types.UnionType, Union):  # a Literal makes the older kind of union
        parts = [part for part in get_args(hint) if part is not types.NoneType]
        return parts[0], True
    return hint, False


def _sort(hint: Any) -> Sort:
    bare = _bare(hint)[0]
    return "word" if get_origin(bare) is Literal else _PLAIN[bare]


def _text_of_raw(value: msgspec.Raw | None) -> str | None:
    return None if value is None else bytes(value).decode()


def _leaf(name: str, path: str, hint: Any, get: Cell) -> Column:
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        if isinstance(item, type) and issubclass(item, msgspec.Struct):
            plain: Cell = lambda record: [msgspec.structs.asdict(each) for each in get(record)]  # type: ignore[attr-defined]  # noqa: E731 - `get` gives a tuple here
            return Column(name=name, path=path, sort="items", item=item, cell=plain)
        return Column(name=name, path=path, sort="words", cell=get)
    sort = _sort(hint)
    if sort == "raw":
        return Column(name=name, path=path, sort=sort, cell=lambda r: _text_of_raw(get(r)))  # type: ignore[arg-type]  # `get` gives Raw or None here
    return Column(name=name, path=path, sort=sort, cell=get)


def _inner(name: str, inner: str, *, optional: bool) -> Cell:
    if not optional:
        return attrgetter(f"{name}.{inner}")
    return lambda record: getattr(getattr(record, name), inner, None)


def _optional_and_empty(struct: type[msgspec.Struct], optional: bool) -> bool:
    """Return whether None and a struct of Nones are two things, which one more column must tell
    apart.
    """
    return optional and not any(field.required for field in msgspec.structs.fields(struct))


def _columns(name: str, hint: Any) -> list[Column]:
    bare, optional = _bare(hint)
    get = attrgetter(name)
    if not (isinstance(bare, type) and issubclass(bare, msgspec.Struct)):
        return [_leaf(name, name, hint, get)]
    prefix = "" if name == "counts" else f"{name}_"
    leaves = [
        _leaf(
            f"{prefix}{inner}",
            f"{name}.{inner}",
            inner_hint,
            _inner(name, inner, optional=optional),
        )
        for inner, inner_hint in get_type_hints(bare).items()
    ]
    if _optional_and_empty(bare, optional):
        known: Cell = lambda record: get(record) is not None  # noqa: E731 - one line tells it
        leaves.append(Column(name=f"{name}_known", path="", sort="flag", cell=known))
    return leaves


def _derived() -> list[Column]:
    """Return the columns of a post that the lake computes, by the one rule of all lakes."""
    return [
        Column(name=name, path=name, sort="integer", cell=getattr(derived, name))
        for name in derived.DERIVED
    ]


def _repeats(columns: Sequence[Column]) -> list[Column]:
    """Return the column that tells whether some list of a record holds a value twice.

    Such a record counts once under the value. Most have no repeats, and are spared the search.
    """
    cells: list[Callable[[Any], Any]] = [
        column.cell for column in columns if column.sort == "words"
    ]
    if not cells:
        return []

    def twice(record: Any) -> bool:
        lists = [get(record) for get in cells]
        return any(len(set(each)) < len(each) for each in lists)

    return [Column(name="repeats", path="", sort="flag", cell=twice)]


@cache
def layout(table: str) -> Layout:
    """Return the columns of one table."""
    kind = RECORDS[table]
    hints = get_type_hints(kind).items()
    columns = [column for name, hint in hints for column in _columns(name, hint)]
    extra = _derived() if kind is Post else []
    return Layout(table=table, kind=kind, columns=(*columns, *extra, *_repeats(columns)))


def layout_of(kind: type[Record]) -> Layout:
    """Return the columns of the table that keeps records of `kind`."""
    return layout(TABLES[kind])


Row = dict[str, Any]


def _nested(name: str, struct: type[msgspec.Struct], optional: bool) -> Callable[[Row], object]:
    prefix = "" if name == "counts" else f"{name}_"
    inner = [(field.name, f"{prefix}{field.name}") for field in msgspec.structs.fields(struct)]
    flag = f"{name}_known" if _optional_and_empty(struct, optional) else None

    def build(row: Row) -> object:
        values = {key: row[column] for key, column in inner}
        if flag is not None and not row[flag]:
            return None
        if flag is None and optional and all(value is None for value in values.values()):
            return None
        return struct(**values)

    return build


def _listed(name: str, item: Any) -> Callable[[Row], object]:
    if isinstance(item, type) and issubclass(item, msgspec.Struct):
        return lambda row: tuple(item(**each) for each in row[name] or ())
    return lambda row: tuple(row[name] or ())


def _raw(name: str) -> Callable[[Row], object]:
    def build(row: Row) -> object:
        text = row.get(name)
        return None if text is None else msgspec.Raw(text.encode())

    return build


@cache
def _builders(kind: type[Record]) -> tuple[tuple[str, Callable[[Row], object]], ...]:
    return tuple((name, _builder(name, hint)) for name, hint in get_type_hints(kind).items())


def _builder(name: str, hint: Any) -> Callable[[Row], object]:
    bare, optional = _bare(hint)
    if get_origin(bare) is tuple:
        return _listed(name, get_args(bare)[0])
    if bare is msgspec.Raw:
        return _raw(name)
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return _nested(name, bare, optional)
    return lambda row: row[name]


def records_of(kind: type[Record], table: pa.Table) -> list[Any]:
    """Return the records the rows of `table` hold, in their order."""
    builders = _builders(kind)
    make: Callable[..., Record] = kind
    return [make(**{name: build(row) for name, build in builders}) for row in table.to_pylist()]
