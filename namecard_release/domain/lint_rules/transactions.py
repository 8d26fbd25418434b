"""What leaves the migrator's transaction, and what PostgreSQL refuses inside it. Locks and settings are elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.domain.sql import SETVAL_TO_CONSTANT, Effect, Trait, Verb

_STARTS = frozenset({"begin", "start"})
_PREPARED = frozenset({"commit prepared", "rollback prepared"})
_UNLOCKS = frozenset({"pg_advisory_unlock", "pg_advisory_unlock_all", "pg_advisory_unlock_shared"})
_KEPT = {
    "setval": "the sequence keeps its value",
    "pg_advisory_lock": "the lock is kept until the connection ends",
    "pg_advisory_lock_shared": "the lock is kept until the connection ends",
    "pg_try_advisory_lock": "the lock is kept until the connection ends",
    "lo_export": "the server keeps the file",
}
# PostgreSQL documentation: the pages of these commands say that they cannot be executed in a transaction block.
_SERVER = {
    "Createdb": "CREATE DATABASE",
    "Dropdb": "DROP DATABASE",
    "CreateTableSpace": "CREATE TABLESPACE",
    "DropTableSpace": "DROP TABLESPACE",
    "AlterSystem": "ALTER SYSTEM",
    "DropSubscription": "DROP SUBSCRIPTION",
}


def find_transactions(effect: Effect) -> Iterator[Hit]:
    """Find an own transaction, in the file or in a DO block."""
    if effect.verb is not Verb.TRANSACTION:
        return
    word = effect.name.upper()
    if effect.has(Trait.NESTED):
        how = "EXECUTE of it is refused (error 0A000)" if effect.has(Trait.DYNAMIC) else "it is refused (error 2D000)"
        yield Hit("transaction-in-do", effect.line, f"{word} in a DO block: {how} inside the migrator's; take it out")
    elif effect.name in _STARTS:
        told = f"{word} is inside the migrator's transaction already, and its COMMIT would end that; take both out"
        yield Hit("own-transaction", effect.line, told)
    elif effect.name in _PREPARED:
        told = f"{word} ends another transaction, and is refused inside the migrator's; take it out"
        yield Hit("own-transaction", effect.line, told)
    else:
        told = f"{word} ends the migrator's transaction: what stands before can no longer be rolled back; take it out"
        yield Hit("own-transaction", effect.line, told)


def find_outside(effect: Effect) -> Iterator[Hit]:
    """Find what acts outside of the transaction: other connections, the server's files, advisory locks, sequences."""
    if effect.verb is Verb.SERVER and effect.name == "copy program or file":
        told = "COPY with a program or a file writes on the server itself; send the rows as INSERTs"
        yield Hit("server-file", effect.line, told)
    if effect.verb is Verb.COPY_IN and not effect.has(Trait.STDIN):
        told = f"COPY {effect.relation} FROM a file or program reads the server's own disk; send the rows as INSERTs"
        yield Hit("server-file", effect.line, told)
    for call in effect.columns if effect.verb in (Verb.QUERY, Verb.CALL) else ():
        yield from _find_call("setval" if call == SETVAL_TO_CONSTANT else call.rpartition(".")[2], effect.line)


def _find_call(name: str, line: int) -> Iterator[Hit]:
    if name.startswith("dblink"):
        told = f"{name}() works on a connection of its own, which the rollback does not reach; write the statements out"
        yield Hit("outside-connection", line, told)
    elif name in _UNLOCKS:
        yield Hit("migrator-lock", line, f"{name}() may let go of the migrator's lock (1867, 2401); take it out")
    elif name in _KEPT:
        told = f"{name}() is not undone by a rollback: {_KEPT[name]}; a later attempt must bear it"
        yield Hit("survives-rollback", line, told)


def find_refused(effect: Effect) -> Iterator[Hit]:
    """Find what PostgreSQL refuses in a transaction block."""
    if effect.verb is Verb.CREATE_INDEX and effect.has(Trait.CONCURRENT):
        told = f"CREATE INDEX CONCURRENTLY on {effect.relation} cannot run in the migrator's transaction; leave it out"
        yield Hit("create-index-concurrently", effect.line, f"{told}, or build the index by hand before the deploy")
    command = _refused(effect)
    if command:
        told = f"{command} cannot run in the migrator's transaction; run it by hand, outside of the migrations"
        yield Hit("not-in-transaction", effect.line, told)


def find_streams(effect: Effect) -> Iterator[Hit]:
    """Find what only a client such as psql can do: send rows to COPY, or take them."""
    if effect.has(Trait.STDIN):
        told = "COPY with STDIN or STDOUT needs a client that sends or takes rows; write INSERTs"
        yield Hit("copy-stdin", effect.line, told)


def _refused(effect: Effect) -> str | None:
    if effect.verb is Verb.DROP and effect.has(Trait.CONCURRENT):
        return "DROP INDEX CONCURRENTLY"
    if effect.verb is Verb.DETACH_PARTITION and effect.has(Trait.CONCURRENT):
        return "DETACH PARTITION CONCURRENTLY"
    if effect.verb is Verb.MAINTENANCE:
        return _refused_upkeep(effect)
    if effect.verb is Verb.SESSION and effect.name == "discard all":
        return "DISCARD ALL"
    if effect.verb is Verb.SERVER:
        return _refused_server(effect)
    return None


def _refused_upkeep(effect: Effect) -> str | None:
    if effect.name == "vacuum":
        return "VACUUM"
    if effect.name == "reindex" and effect.has(Trait.CONCURRENT):
        return "REINDEX CONCURRENTLY"
    if effect.kind == "every table":
        return f"{effect.name.upper()} of every table"
    return None


def _refused_server(effect: Effect) -> str | None:
    if effect.kind == "tablespace":
        return "ALTER DATABASE SET TABLESPACE"
    if effect.kind == "slot":
        return "CREATE SUBSCRIPTION with a slot"
    if effect.kind == "refresh":
        return "ALTER SUBSCRIPTION that refreshes its tables"
    return _SERVER.get(effect.name)
