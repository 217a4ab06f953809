"""From the validator's errors to ours: field, value, problem, fix, in words of this API."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from api.problem import FieldProblem, shown

MAX_ERRORS = 20  # nobody reads more, and a bomb of a million wrong keys would echo itself
FIXES: Mapping[str, str] = {
    "missing": "give it a value",
    "extra_forbidden": "leave it out; the names that are known are in /openapi.json",
    "string_type": "write a text in quotes",
    "int_type": "write a whole number without quotes",
    "bool_type": "write true or false",
    "tuple_type": "write a list in square brackets",
    "list_type": "write a list in square brackets",
    "model_type": "write an object in braces",
    "model_attributes_type": "write an object in braces",
    "json_invalid": "send JSON, with Content-Type: application/json",
}
_SUBJECT = re.compile(r"^[\w ]+? should")  # "string should", "tuple should": not our words
PLACES = ("body", "query", "path", "header")
PROBLEMS: Mapping[str, str] = {"missing": "missing", "extra_forbidden": "not known"}


def field_problems(errors: Sequence[Mapping[str, Any]]) -> tuple[FieldProblem, ...]:
    """Return at most 20 of pydantic's errors as field problems."""
    return tuple(_field_problem(one) for one in errors[:MAX_ERRORS])


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    kind, context = error["type"], error.get("ctx") or {}
    return FieldProblem(
        field=_path((*error["loc"], *context.get("fields", ()))),
        value=shown(error.get("input")),
        problem=PROBLEMS.get(kind) or str(context.get("problem") or "not acceptable"),
        fix=str(context.get("fix") or FIXES.get(kind) or _ours(error["msg"])),
    )


def _path(loc: Sequence[str | int]) -> str:
    """Return "competitors[0].name", without the place (body, query) unless that is all."""
    inner = loc[1:] if loc and loc[0] in PLACES else loc
    parts = (f"[{part}]" if isinstance(part, int) else f".{part[:80]}" for part in inner)
    return "".join(parts).removeprefix(".") or str(loc[0] if loc else "body")


def _ours(text: str) -> str:
    return _SUBJECT.sub("it should", text[:1].lower() + text[1:])
