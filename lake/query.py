"""From a filter to Elasticsearch's query language: typed filters, never a string somebody wrote."""

from datetime import datetime
from typing import Any

from lake.contract import Where
from lake.errors import BadQuestion
from lake.mappings import Field, field_of, fields
from lake.records import TABLES, Profile, Record

Query = dict[str, Any]

_LISTS = {
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
_MOST_TERMS = 60_000  # below index.max_terms_count, 65,536


def query(kind: type[Record], where: Where, *more: Query) -> Query:
    """Return the query that matches what `where` and all of `more` mean. Raises BadQuestion."""
    wanted = [*_among(kind, where), *_people_and_tags(kind, where), *_words(kind, where)]
    wanted += [*_deleted(kind, where), *_least(kind, where), *_range(kind, where), *more]
    unwanted = []
    if where.exclude_kinds:
        unwanted.append(terms(kind, "kind", where.exclude_kinds))
    return {"bool": {"filter": wanted, "must_not": unwanted}}


def narrows(where: Where) -> bool:
    """Return whether `where` asks for less than everything."""
    return where != Where(time=where.time)


def terms(kind: type[Record], path: str, values: tuple[str, ...]) -> Query:
    """Return the query that a field is one of `values`, however many."""
    name = _known(kind, path).path
    if name == "id":
        return {"ids": {"values": list(values)}}
    if len(values) <= _MOST_TERMS:
        return {"terms": {name: list(values)}}
    starts = range(0, len(values), _MOST_TERMS)
    parts = [{"terms": {name: list(values[at : at + _MOST_TERMS])}} for at in starts]
    return {"bool": {"should": parts}}


def exists(path: str) -> Query:
    """Return the query that a field has a value."""
    return {"exists": {"field": path}}


def _known(kind: type[Record], path: str) -> Field:
    field = field_of(kind, path)
    if field.kind == "kept":
        raise BadQuestion(f"{path!r} of {TABLES[kind]} is kept, but not searched")
    return field


def _among(kind: type[Record], where: Where) -> list[Query]:
    lists = [(path, getattr(where, name)) for name, path in _LISTS.items()]
    singles = [(path, getattr(where, name)) for name, path in _SINGLE.items()]
    found = [terms(kind, path, values) for path, values in lists if values]
    return found + [terms(kind, path, (value,)) for path, value in singles if value is not None]


def _people_and_tags(kind: type[Record], where: Where) -> list[Query]:
    """Return the group of tags and handles; a table that bears only one of them answers for it."""
    handle = "handle" if kind is Profile else "author_handle"
    halves = [
        (path, values) for path, values in (("tags", where.tags), (handle, where.handles)) if values
    ]
    able = [half for half in halves if half[0] in fields(TABLES[kind])] or halves
    if not able:
        return []
    either = [terms(kind, path, values) for path, values in able]
    return [{"bool": {"should": either, "minimum_should_match": 1}}]


def _words(kind: type[Record], where: Where) -> list[Query]:
    if where.words:
        _known(kind, "text")
    return [{"match": {"text": {"query": word, "operator": "and"}}} for word in where.words]


def _deleted(kind: type[Record], where: Where) -> list[Query]:
    if where.deleted is None:
        return []
    known = exists(_known(kind, "deleted_at").path)
    return [known if where.deleted else {"bool": {"must_not": [known]}}]


def _least(kind: type[Record], where: Where) -> list[Query]:
    if where.at_least is None:
        return []
    path, least = where.at_least
    if field_of(kind, path).kind not in ("integer", "number"):
        raise BadQuestion(f"{path!r} of {TABLES[kind]} is no number")
    return [{"range": {path: {"gte": least}}}]


def _range(kind: type[Record], where: Where) -> list[Query]:
    ends = {"gte": where.since, "lt": where.until}
    given = {sign: moment(instant) for sign, instant in ends.items() if instant is not None}
    return [{"range": {time_field(kind, where.time): given}}] if given else []


def time_field(kind: type[Record], path: str) -> str:
    """Return the name of a time field. Raises BadQuestion."""
    if field_of(kind, path).kind != "time":
        raise BadQuestion(f"{path!r} of {TABLES[kind]} is not a time")
    return path


def moment(instant: datetime) -> str:
    """Return an instant as Elasticsearch reads it. Raises BadQuestion if it says no time zone."""
    if instant.tzinfo is None:
        raise BadQuestion(f"the time {instant.isoformat()} says no time zone; add one, e.g. Z")
    return instant.isoformat()
