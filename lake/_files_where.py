"""From a filter to a condition in SQL; values travel as parameters only, names come from the
layout only.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from lake import _files_words as words
from lake._files_schema import Column, Layout
from lake.contract import Where
from lake.errors import BadQuestion

_FIELDS = {
    "ids": "id",
    "networks": "network",
    "authors": "author_id",
    "kinds": "kind",
    "langs": "lang",
    "subjects": "subject_id",
    "accounts": "account_id",
    "targets": "target",
}
_SINGLE = {"subject": "subject", "campaign": "campaign_id"}
_HANDLES = {"profiles": "handle"}  # elsewhere the author's
_INLINE = 64  # longer lists of values become a hash table instead of a chain of comparisons

_FEW = 6


class Params:
    """The parameters of one statement: `add` takes a value, returns how the statement names it."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def add(self, value: object) -> str:
        """Return the placeholder of `value`."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


class Filter:
    """The conditions of one question on one table, and the columns they read."""

    def __init__(self, layout: Layout, params: Params) -> None:
        self._layout = layout
        self._params = params
        self.columns: dict[str, Column] = {}
        self.conditions: list[str] = []

    def column(self, path: str) -> str:
        """Return the quoted name of a column and remember that it is read. Raises BadQuestion."""
        return self.read(self._layout.find(path))

    def read(self, column: Column) -> str:
        """Return the quoted name of a column and remember that it is read."""
        self.columns[column.name] = column
        return f'"{column.name}"'

    def apply(self, where: Where) -> None:
        """Add what `where` asks."""
        for name, path in _FIELDS.items():
            if values := getattr(where, name):
                self.conditions.append(self.among(path, values))
        for name, path in _SINGLE.items():
            if (value := getattr(where, name)) is not None:
                self.conditions.append(self.among(path, (value,)))
        if where.exclude_kinds:
            self.conditions.append(f"NOT {self.among('kind', where.exclude_kinds)}")
        self._people_and_tags(where)
        self._deleted(where)
        self._least(where)
        self._words(where)
        self._time(where)

    def among(self, path: str, values: Sequence[str]) -> str:
        """Return the condition that a field is one of `values`."""
        name = self.column(path)
        if len(values) == 1:
            return f"({name} = {self._params.add(values[0])})"
        if len(values) > _INLINE:
            return f"({name} IN (SELECT unnest({self._params.add(list(values))})))"
        return f"({name} IN ({', '.join(self._params.add(value) for value in values)}))"

    def _bears(self, tags: Sequence[str]) -> str:
        name = self.column("tags")
        if len(tags) > _FEW:
            return f"list_has_any({name}, {self._params.add(list(tags))})"
        # Measured: asking for one value is six times as quick as asking for any of a list.
        one_by_one = [f"list_contains({name}, {self._params.add(tag)})" for tag in tags]
        return f"({' OR '.join(one_by_one)})"

    def _people_and_tags(self, where: Where) -> None:
        halves: list[tuple[str, Sequence[str], Callable[[Sequence[str]], str]]] = []
        path = _HANDLES.get(self._layout.table, "author_handle")
        if where.tags:
            halves.append(("tags", where.tags, self._bears))
        if where.handles:
            halves.append((path, where.handles, lambda values: self.among(path, values)))
        # A table with only one of the two answers for that one: profiles bear no tags.
        able = [half for half in halves if self._layout.has(half[0])] or halves
        if able:
            self.conditions.append(f"({' OR '.join(make(values) for _, values, make in able)})")

    def _deleted(self, where: Where) -> None:
        if where.deleted is not None:
            known = "IS NOT NULL" if where.deleted else "IS NULL"
            self.conditions.append(f"{self.column('deleted_at')} {known}")

    def _least(self, where: Where) -> None:
        if where.at_least is not None:
            path, least = where.at_least
            if self._layout.find(path).sort not in {"integer", "number"}:
                raise BadQuestion(f"{path!r} of {self._layout.table} is no number")
            self.conditions.append(f"{self.column(path)} >= {self._params.add(least)}")

    def _words(self, where: Where) -> None:
        wanted = [words.tokens(phrase) for phrase in where.words]
        for token in {token for each in wanted for token in each}:
            text = self.column("text")
            expression = self._params.add(words.pattern(token))
            self.conditions.append(f"regexp_matches(lower({text}), {expression})")
        if any(not each for each in wanted):  # only punctuation: no text has such a word
            self.conditions.append("false")

    def _time(self, where: Where) -> None:
        for sign, instant in ((">=", where.since), ("<", where.until)):
            if instant is not None:
                name = f"{self.time(where.time)}"
                self.conditions.append(f"{name} {sign} {self._params.add(aware(instant))}")

    def time(self, path: str) -> str:
        """Return the quoted name of a time column. Raises BadQuestion."""
        if self._layout.find(path).sort != "time":
            raise BadQuestion(f"{path!r} of {self._layout.table} is not a time")
        return self.column(path)

    @property
    def sql(self) -> str:
        """Return all conditions as one."""
        return " AND ".join(self.conditions) or "true"


def aware(instant: datetime) -> datetime:
    """Return the instant. Raises BadQuestion if it says no time zone."""
    if instant.tzinfo is None:
        raise BadQuestion(f"the time {instant.isoformat()} says no time zone; add one, e.g. Z")
    return instant


def narrows(where: Where) -> bool:
    """Return whether `where` asks for less than everything."""
    return where != Where(time=where.time)
