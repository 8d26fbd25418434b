"""Every rule of the lint with its level and why. What breaks them is found in the modules beside this one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its stable name, whether breaking it fails the lint, and why it is there.

    `whole_file` rules are the platform's own: its lint takes their ignore marker for the whole file. A rule that is
    not `ignorable` is told whatever a marker says.
    """

    name: str
    fails: bool
    why: str
    ignorable: bool = True
    whole_file: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule broken at a 1-based line: what happens there and what to do instead."""

    rule: str
    line: int
    message: str


def _fails(name: str, why: str, *, ignorable: bool = True, whole_file: bool = False) -> Rule:
    return Rule(name, True, why, ignorable, whole_file)


def _warns(name: str, why: str, *, ignorable: bool = True) -> Rule:
    return Rule(name, False, why, ignorable)


_ALL = (
    # What leaves the migrator's transaction. ESCAPING_RULES of the module of linting names those told never to run.
    _fails(
        "own-transaction",
        "The migrator runs a file between its own begin and commit: the file's COMMIT makes half of it permanent.",
        ignorable=False,
    ),
    _fails("outside-connection", "What dblink does on its own connection stays when the file fails.", ignorable=False),
    _fails("server-file", "COPY with a file or a program acts on the server; no rollback undoes it.", ignorable=False),
    _fails("migrator-lock", "Letting go of the session's advisory locks lets a second migrator run at the same time."),
    _warns("survives-rollback", "setval() and session advisory locks stay when the transaction is rolled back."),
    # What PostgreSQL refuses in a transaction block (its error 25001), or from a driver.
    _fails("not-in-transaction", "PostgreSQL refuses it in a transaction block, so the deploy fails at this file."),
    _fails(
        "create-index-concurrently",
        "CREATE INDEX CONCURRENTLY cannot run in the migrator's transaction.",
        whole_file=True,
    ),
    _fails("transaction-in-do", "A DO block inside a transaction may not commit or roll back (error 2D000)."),
    _fails("copy-stdin", "The migrator sends no rows after COPY FROM STDIN and takes none from COPY TO STDOUT."),
    _fails("new-enum-value-used", "An enum value cannot be used in the transaction that adds it (error 55P04)."),
    # What is no statement.
    _fails("syntax-error", "PostgreSQL refuses the whole file.", ignorable=False),
    _fails(
        "psql-command", "Only psql knows backslash commands; the server takes them for bad syntax.", ignorable=False
    ),
    _fails("unreadable-do", "Nothing can be said of a DO block that cannot be read."),
    # What is lost, and what running code misses.
    _fails("truncate", "TRUNCATE empties a table that running code reads, under an exclusive lock."),
    _fails("update-every-row", "An UPDATE of every row locks and rewrites the whole table in one transaction."),
    _fails("delete-every-row", "A DELETE of every row empties a table that running code reads."),
    _fails("drop-table", "The code that still serves traffic reads the table; its rows are lost.", whole_file=True),
    _fails("drop-column", "The code that still serves traffic reads the column; its values are lost.", whole_file=True),
    _fails("drop-schema", "Everything in the schema goes with it."),
    _fails("rename", "The code that still serves traffic asks for the old name.", whole_file=True),
    _fails("alter-type", "A changed type rewrites the table under a lock and breaks what reads it.", whole_file=True),
    _warns("drop-object", "A view, function, type or sequence may be in use by the code that still serves traffic."),
    _warns("merge", "A MERGE may touch every row; what it does hangs on the rows that it meets."),
    # What cannot be seen.
    _warns("ddl-in-do", "A change inside a DO block is easily missed, and its conditions may make it none."),
    _fails("dynamic-sql", "Text put together at run time cannot be read, so nothing can be said of it."),
    _warns("dynamic-sql-read", "Dynamic SQL whose text could be read is judged by it; names are filled in later."),
    _warns("own-routine-called", "The body of a routine is not looked into; one that the file makes may do anything."),
    # Locks and settings.
    _fails("no-time-limit", "Without a limit one blocked statement blocks every request that queues behind it."),
    _warns("missing-lock-timeout", "A change that waits for its lock blocks every request that queues behind it."),
    _warns("unique-on-data", "A rule of uniqueness fails at the first values that are there twice, and stops writers."),
    _warns("blocking-index", "CREATE INDEX blocks writes to its table until it is built."),
    _warns("blocking-upkeep", "REINDEX, CLUSTER and REFRESH without CONCURRENTLY stop readers until they are done."),
    _warns("session-setting", "SET without LOCAL holds for the files that come after on the same connection."),
    _warns("temp-table", "A temporary table stays for the files that come after on the same connection."),
    _warns("server-wide", "Roles and database settings belong to the whole server, not to one schema's migration."),
    _fails("required-column", "A column NOT NULL without a default cannot be added to a table that has rows."),
    # Enumerations, the file itself, its markers.
    _warns("add-enum-value", "Running code may meet a value it does not know; the platform's lint refuses ALTER TYPE."),
    _fails("file-name", "The migrator orders files by name; the contract says how they are named.", ignorable=False),
    _warns("empty-file", "A file that does nothing is recorded as applied for ever.", ignorable=False),
    _warns("unknown-ignore", "A marker that names no rule silences nothing.", ignorable=False),
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}
