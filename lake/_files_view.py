"""What one version of a table looks like to a question: the newest row of every id.

Files that a fold wrote (their rows say batch 0) hold each id once: the base. Files appended since
are the tail; its winners are kept in memory without the raw documents, beside the ids of the base
rows they replace. So a question reads the base as it lies on disk, leaves a few ids out, and no
row of a large table is ever compared with another. An append-only table is all base: the writer
lets no id in twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from lake._files_engine import Engine
from lake._files_schema import Column, Layout
from lake._files_where import Params

OWN = ("version", "batch")
_HIDDEN = pa.schema([("id", pa.string())])


@dataclass(frozen=True)
class File:
    """One Parquet file of the table, with what the Delta log says of it."""

    uri: str
    month: str
    rows: int
    size: int
    batch: int  # the highest; 0: a fold wrote it
    first: int  # lowest and highest version
    last: int


@dataclass(frozen=True)
class View:
    """One version of one table, never changed: a refresh makes a new one."""

    layout: Layout
    version: int
    columns: frozenset[str]  # that the table has; an older table may lack some
    base: tuple[File, ...] = ()
    fresh: tuple[File, ...] = ()  # the tail's files
    tail: pa.Table | None = None  # the tail's winners, without raw
    hidden: pa.Table = field(default_factory=_HIDDEN.empty_table)  # base ids the tail replaces

    @property
    def tables(self) -> dict[str, pa.Table]:
        """Return what a statement made by `source` refers to by name."""
        return {"hidden": self.hidden} | ({"tail": self.tail} if self.tail is not None else {})

    def source(self, columns: Sequence[Column], params: Params, *, own: bool = False) -> str:
        """Return the statement that gives these columns of the newest row of each id.

        own: also the lake's own columns `version`, `batch` and `month`.
        """
        select = _select(columns, self, own=own)
        parts = []
        if self.base:
            left = " ANTI JOIN hidden USING (id)" if self.hidden.num_rows else ""
            parts.append(
                f"SELECT {select} FROM {_files(self.base, self.layout, params)} AS f{left}"
            )
        if self.tail is not None and self.tail.num_rows:
            parts.append(f"SELECT {select} FROM {self._tail(columns, params)}")
        return " UNION ALL ".join(parts) or f"SELECT {_nothing(columns, own=own)} WHERE false"

    def _tail(self, columns: Sequence[Column], params: Params) -> str:
        if not any(column.heavy for column in columns):
            return "tail"
        files = _files(self.fresh, self.layout, params)
        return f"{files} AS f SEMI JOIN tail USING (id, version, batch)"


def _files(files: Sequence[File], layout: Layout, params: Params) -> str:
    """Return the table function over files; the list comes from the Delta log, never from a
    folder.
    """
    names = params.add([file.uri for file in files])
    hive = ", hive_types={'month': VARCHAR}" if layout.partitioned else ""
    partitioned = str(layout.partitioned).lower()
    return f"read_parquet({names}, hive_partitioning={partitioned}, union_by_name=true{hive})"


def _select(columns: Sequence[Column], view: View, *, own: bool) -> str:
    names = [_present(column, view) for column in columns]
    return ", ".join([*names, *(("version", "batch", "month") if own else ())]) or "1 AS one"


def _present(column: Column, view: View) -> str:
    """Return a column, or unknowns in its place where the table is older than it."""
    if column.name in view.columns:
        return f'"{column.name}"'
    return f'CAST(NULL AS {column.sql}) AS "{column.name}"'


def _nothing(columns: Sequence[Column], *, own: bool) -> str:
    names = [f'CAST(NULL AS {column.sql}) AS "{column.name}"' for column in columns]
    mine = ["0 AS version", "0 AS batch", "'' AS month"] if own else []
    return ", ".join([*names, *mine]) or "1 AS one"


def grown(old: View, new: View, engine: Engine) -> View:
    """Return `new` with its tail worked out, from what `old` knows if the base is the same.

    `new` comes with its files only.
    """
    if not new.fresh:
        return new
    known = old if _continues(old, new) else View(new.layout, -1, new.columns)
    seen = set(known.fresh)
    added = [file for file in new.fresh if file not in seen]
    rows = _winners(known, new, added, engine)
    found = _found(known, new, rows, engine)
    return _settled(known, new, rows, found)


def _continues(old: View, new: View) -> bool:
    same = old.base == new.base and old.columns == new.columns
    return same and set(old.fresh) <= set(new.fresh)


def _winners(known: View, new: View, added: Sequence[File], engine: Engine) -> pa.Table:
    """Return the newest row of each id of the tail; of equal versions the later written one."""
    params = Params()
    light = new.layout.light
    select = _select(light, new, own=True)
    union = f"SELECT {select} FROM {_files(added, new.layout, params)}" if added else ""
    if known.tail is not None:
        union += (" UNION ALL " if union else "") + f"SELECT {select} FROM tail"
    sql = (
        f"SELECT * FROM ({union}) "
        "QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC, batch DESC) = 1"
    )
    return engine.ask(sql, params.values, known.tables)


def _found(known: View, new: View, rows: pa.Table, engine: Engine) -> pa.Table:
    """Return id and version of base rows that ids new in the tail have."""
    if not new.base:
        return rows.select(["id", "version"]).slice(0, 0)
    params = Params()
    old = "WHERE id NOT IN (SELECT id FROM tail)" if known.tail is not None else ""
    sql = (
        f"SELECT id, max(version) AS version FROM {_files(new.base, new.layout, params)} "
        f"WHERE id IN (SELECT id FROM fresh {old}) GROUP BY id"
    )
    return engine.ask(sql, params.values, known.tables | {"fresh": rows.select(["id"])})


def _settled(known: View, new: View, rows: pa.Table, found: pa.Table) -> View:
    """Return the view: tail rows older than their base row go, base rows not newer than the tail's
    hide.
    """
    merged = found.join(rows.select(["id", "version"]), "id", right_suffix="_tail")
    newer = pc.greater(merged["version"], merged["version_tail"])
    stale = merged.filter(newer)["id"].combine_chunks()
    hidden = merged.filter(pc.invert(newer)).select(["id"])
    tail = rows.filter(pc.invert(pc.is_in(rows["id"], value_set=stale))) if len(stale) else rows
    return View(
        layout=new.layout,
        version=new.version,
        columns=new.columns,
        base=new.base,
        fresh=new.fresh,
        tail=tail,
        hidden=pa.concat_tables([known.hidden, hidden.cast(_HIDDEN)]),
    )
