"""Statements on the session, the transaction, the server and its upkeep as effects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from namecard_release.adapters.sql.data import flags
from namecard_release.adapters.sql.trees import Node, Scope
from namecard_release.domain.sql import Effect, Verb

_NO_LIMIT = re.compile(r"\s*[-+]?0+(?:\.0*)?\s*(?:us|ms|s|min|h|d)?\s*")
_LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")
_EVERY = ("REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE")


def set_variable(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell SET and RESET: the setting in `name`, the word (`set`, `reset`) in `kind`; SET LOCAL is LOCAL.

    A time limit set to nothing is UNLIMITED. SET TRANSACTION holds for its transaction alone, so it is LOCAL too.
    """
    name = node.name or node.kind.name
    values = [_value(arg) for arg in node.args or ()]
    if name == "search_path":
        scope.set_path(values[0] if values else "public", local=bool(node.is_local))
    if node.kind.name == "VAR_RESET_ALL":
        scope.set_path("public")
    unlimited = name in _LIMITS and any(_NO_LIMIT.fullmatch(value) for value in values)
    word = "reset" if node.kind.name in ("VAR_RESET", "VAR_RESET_ALL", "VAR_SET_DEFAULT") else "set"
    local = bool(node.is_local) or name.startswith("TRANSACTION")
    yield Effect(Verb.SESSION, line, name=name, kind=word, traits=flags(LOCAL=local, UNLIMITED=unlimited))


def _value(arg: Node) -> str:
    value = getattr(arg, "val", None)
    return next((str(getattr(value, name)) for name in ("sval", "ival", "fval") if hasattr(value, name)), "")


def discard(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell DISCARD; `name` says of what."""
    if node.target.name == "DISCARD_ALL":
        scope.set_path("public")
    yield Effect(Verb.SESSION, line, name=node.target.name.replace("_", " ").lower(), kind="discard")


def transaction(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell BEGIN, COMMIT and so on; savepoints have a verb of their own."""
    word = node.kind.name.removeprefix("TRANS_STMT_").lower().replace("_", " ")
    if (word.startswith("rollback") and scope.is_set) or (word == "commit" and scope.is_local):
        scope.doubt_path()
    inner = word in ("savepoint", "release", "rollback to")
    yield Effect(Verb.SAVEPOINT if inner else Verb.TRANSACTION, line, name=word)


def maintain(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell VACUUM, ANALYZE, REINDEX, CLUSTER, REFRESH; `name` is the word, CONCURRENT where it is."""
    word = type(node).__name__.removesuffix("Stmt").lower()
    if word == "vacuum" and not node.is_vacuumcmd:
        word = "analyze"
    options = [option for option in getattr(node, "params", None) or () if option.defname == "concurrently"]
    concurrent = bool(getattr(node, "concurrent", False)) or any(map(_is_on, options))
    whole = word == "cluster" and node.relation is None
    relation = scope.relation(getattr(node, "relation", None))
    if word == "reindex":
        whole = node.kind.name in _EVERY
    kind = "every table" if whole else ""
    if word == "refreshmatview" and node.skipData:
        kind = "with no data"
    yield Effect(Verb.MAINTENANCE, line, relation, word, kind, traits=flags(CONCURRENT=concurrent))


def _is_on(option: Node) -> bool:
    return option.arg is None or _word(option.arg) not in ("false", "off", "0")


def alter_database(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell ALTER DATABASE; another tablespace is told apart, for no transaction block takes it."""
    moved = any(option.defname == "tablespace" for option in node.options or ())
    yield Effect(Verb.SERVER, line, name="AlterDatabase", kind="tablespace" if moved else "")


def create_subscription(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell CREATE SUBSCRIPTION; `kind` is `slot` when it makes one on the publisher, which is its default."""
    off = {option.defname for option in node.options or () if not _is_on(option)}
    yield Effect(Verb.SERVER, line, name="CreateSubscription", kind="" if off & {"connect", "create_slot"} else "slot")


def _word(arg: Node) -> str:
    value = next((getattr(arg, name) for name in ("sval", "boolval", "ival") if hasattr(arg, name)), "")
    return str(value).lower()


def alter_subscription(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell ALTER SUBSCRIPTION; `kind` is `refresh` where its tables are read anew."""
    word = node.kind.name.removeprefix("ALTER_SUBSCRIPTION_").lower()
    refreshes = word in ("refresh", "set_publication", "add_publication", "drop_publication")
    kept = any(option.defname == "refresh" and not _is_on(option) for option in node.options or ())
    yield Effect(Verb.SERVER, line, name="AlterSubscription", kind="refresh" if refreshes and not kept else "")
