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
