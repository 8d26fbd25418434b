"""The error tree: what went wrong, to what, what to do next. No other module defines an error of this project."""

from __future__ import annotations


class ReleaseError(Exception):
    """Base of every error this project raises; its text is one or two lines for a person."""


class TransientError(ReleaseError):
    """The outside world did not answer in time or asked to wait; the same call may succeed later."""


class PermanentError(ReleaseError):
    """The outside world answered, and the answer will not change by asking again."""


class RefusedError(ReleaseError):
    """A rule of this project says no: nothing was touched."""


class MisuseError(RefusedError):
    """The request itself is malformed (unknown environment, bad ref, wrong settings key): nothing was touched."""
