"""What can go wrong with arrays that are given.

SignatureError
└── BadArray      an argument no answer can be made for: field, value and what to give instead
"""


class SignatureError(ValueError):
    """The base of all errors of signatures."""


class BadArray(SignatureError):
    """An argument is not one an answer can be made for; carries the field, a value and the fix."""

    def __init__(self, field: str, value: object, fix: str) -> None:
        super().__init__(f"{field}: {value!r} cannot be used; {fix}")
        self.field = field
        self.value = value
        self.fix = fix
