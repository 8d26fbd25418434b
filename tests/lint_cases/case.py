"""A labelled case of the lint: SQL, what the lint says of it, and what it does on a real PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Label(StrEnum):
    """What a file does on a real PostgreSQL when the migrator's transaction is wrapped around it."""

    INNOCENT = "runs, leaves what was there as it was, and rolling back leaves nothing"
    ESCAPES = "something of it is still there after the wrapper rolled back"
    REFUSED = "refused with the error code that the case names"
    NEEDS_CLIENT = "the driver refuses it: it would need rows from the client"
    EVERY_ROW = "changes or removes every row of a table that was there"
    LOSES = "a table, column, type, view, function or name that was there is gone"
    RETYPES = "a column or an enumeration that was there has another type"
    LEAKS = "a setting, lock or temporary table stays on the connection after the commit"
    LIFTS = "a time limit of the session is gone while it runs"
    BLOCKS = "a table that was there cannot be written to, or read, until the end"


@dataclass(frozen=True)
class Case:
    """`errors` and `warnings` are rules at lines (`truncate@3`, line 1 when not told), all that the lint tells but for
    squawk's advice and `missing-lock-timeout`. `code` is PostgreSQL's error, `before` the first version that runs it.
    """

    title: str
    label: Label
    sql: str
    errors: str = ""
    warnings: str = ""
    code: str = ""
    before: int | None = None


def lines(told: str) -> list[tuple[int, str]]:
    """Read `rule@line rule@line`."""
    parts = (word.rpartition("@") if "@" in word else (word, "@", "1") for word in told.split())
    return sorted((int(line), rule) for rule, _, line in parts)
