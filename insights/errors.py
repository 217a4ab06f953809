"""What can go wrong when a report is asked for.

InsightError
├── BadRequest    an argument that no report can be made for: field, value and what to give instead
└── Damaged       a store of audiences cannot be read: an operator has to mend it
"""


class InsightError(Exception):
    """The base of all errors of a report."""


class BadRequest(InsightError):
    """An argument is not one a report can be made for; carries the field, its value and the fix."""

    def __init__(self, field: str, value: object, fix: str) -> None:
        super().__init__(f"{field}: {value!r} cannot be used; {fix}")
        self.field = field
        self.value = value
        self.fix = fix


class Damaged(InsightError):
    """A store of audiences cannot be read; the message names the file and the fix."""
