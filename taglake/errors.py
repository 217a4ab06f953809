"""What the command line tells a user when it cannot go on, each with its exit code.

TaglakeError (1)
├── BadSetting    2   a setting, file or argument is wrong
├── NotThere      3   a campaign, file or record that was named does not exist
├── Unreachable   4   the lake, registry or a network does not answer
└── Unhealthy     5   `doctor` or `spool check` found something
"""


class TaglakeError(Exception):
    """The base of what the command line reports as one line."""

    exit_code = 1


class BadSetting(TaglakeError):
    """A setting, file or argument is wrong: the message names it, its value and the fix."""

    exit_code = 2


class NotThere(TaglakeError):
    """Something that was named does not exist."""

    exit_code = 3


class Unreachable(TaglakeError):
    """A service that is needed does not answer."""

    exit_code = 4


class Unhealthy(TaglakeError):
    """A check found something that an operator has to mend."""

    exit_code = 5


def told(error: BaseException) -> tuple[str, int]:
    """Return the one line and the exit code that a user gets for an error of any room."""
    # Imported here: these rooms are heavy, and only a failing command needs their errors.
    from ingestor.errors import IngestError
    from insights.errors import InsightError
    from lake.errors import BadQuestion, LakeError
    from registry import errors as registry
    from signatures import errors as signatures

    error = leaf(error)
    if isinstance(error, TaglakeError):
        return str(error), error.exit_code
    if isinstance(error, registry.Unknown | signatures.UnknownAccount):
        return str(error), NotThere.exit_code
    if isinstance(error, signatures.StoreBusy):
        return str(error), Unreachable.exit_code
    asked = (registry.BadField, registry.BadAddress, registry.Taken, registry.MissingSecret)
    if isinstance(error, (*asked, InsightError, BadQuestion, signatures.SignatureError)):
        return str(error), BadSetting.exit_code
    if isinstance(error, registry.RegistryError | LakeError | IngestError):
        return str(error), Unreachable.exit_code
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}", BadSetting.exit_code
    return f"this should not happen: {type(error).__name__}: {error}", TaglakeError.exit_code


def leaf(error: BaseException) -> BaseException:
    """Return the first single error of a group of them: tasks that fail together have one cause."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
