"""Which rule each thing that a statement does has. Every verb has one: what has none of its own is UNKNOWN."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from namecard_release.domain.compatibility import altering, columns, constraints, data, making, objects
from namecard_release.domain.compatibility.columns import weigh
from namecard_release.domain.compatibility.state import State
from namecard_release.domain.compatibility.verdict import FINE, Ruling, unknown, unsafe
from namecard_release.domain.sql import Effect, Verb

Rule = Callable[[Effect, State], Ruling]

_HARMLESS_MAINTENANCE = frozenset({"vacuum", "analyze", "reindex", "cluster", "CheckPoint"})
_TRANSACTION_WORDS = frozenset({"begin", "start", "commit", "rollback", "savepoint", "release", "rollback to"})
_DOMAIN_VERBS = frozenset(
    {Verb.SET_DEFAULT, Verb.DROP_DEFAULT, Verb.DROP_NOT_NULL, Verb.SET_NOT_NULL, Verb.ADD_CONSTRAINT}
    | {Verb.DROP_CONSTRAINT, Verb.ALTER_OBJECT}
)


def rule_on(effect: Effect, state: State) -> Ruling:
    """Rule on one effect and note in `state` what it makes."""
    if effect.kind == "domain" and effect.verb in _DOMAIN_VERBS:
        return altering.change_domain(effect, state)
    return RULES.get(effect.verb, _other)(effect, state)


def _fine(effect: Effect, state: State) -> Ruling:
    return FINE


def _other(effect: Effect, state: State) -> Ruling:
    name = f" ({effect.name})" if effect.name else ""
    return unknown("unknown-statement", f"what this statement{name} does to the earlier code is not known")


def _server(effect: Effect, state: State) -> Ruling:
    name = f" ({effect.name})" if effect.name else ""
    return unknown("server", f"this statement{name} changes the server, its roles or its files")


def _transaction(effect: Effect, state: State) -> Ruling:
    if effect.name not in _TRANSACTION_WORDS:
        return _other(effect, state)
    if effect.name.startswith("rollback"):
        state.roll_back()
    elif effect.name == "commit":
        state.end_transaction()
    return FINE


_ROLES = frozenset({"role", "session_authorization"})


def _session(effect: Effect, state: State) -> Ruling:
    if effect.kind == "discard":
        state.end_transaction()
    state.note_session(effect)
    if effect.name in _ROLES and effect.kind == "set":
        return unknown(
            "set-role", "who makes and owns what follows, and which schema $user stands for, is another role"
        )
    return FINE


def _maintenance(effect: Effect, state: State) -> Ruling:
    if effect.name in _HARMLESS_MAINTENANCE:
        return FINE
    if effect.kind == "with no data":
        why = f"{effect.relation} cannot be read until it is refreshed"
        return weigh(state.table(effect.relation), unsafe("refresh-with-no-data", why))
    return weigh(state.table(effect.relation), unknown("refresh", f"{effect.relation} shows other rows since"))


RULES: Mapping[Verb, Rule] = {
    Verb.CREATE_TABLE: making.create_table,
    Verb.CREATE_INDEX: constraints.create_index,
    Verb.CREATE_VIEW: making.create_view,
    Verb.CREATE_ROUTINE: making.create_routine,
    Verb.CREATE_TYPE: making.create_type,
    Verb.CREATE_TRIGGER: making.create_trigger,
    Verb.CREATE_POLICY: making.create_policy,
    Verb.CREATE_OBJECT: making.create_object,
    Verb.DROP: objects.drop,
    Verb.RENAME: objects.rename,
    Verb.SET_SCHEMA: objects.set_schema,
    Verb.ADD_COLUMN: columns.add_column,
    Verb.DROP_COLUMN: columns.drop_column,
    Verb.SET_TYPE: columns.set_type,
    Verb.SET_NOT_NULL: columns.set_not_null,
    Verb.DROP_NOT_NULL: columns.drop_not_null,
    Verb.SET_DEFAULT: columns.set_default,
    Verb.DROP_DEFAULT: columns.drop_default,
    Verb.ADD_IDENTITY: columns.add_identity,
    Verb.DROP_IDENTITY: columns.drop_default,
    Verb.DROP_EXPRESSION: columns.drop_default,
    Verb.ADD_CONSTRAINT: constraints.add_constraint,
    Verb.VALIDATE_CONSTRAINT: _fine,
    Verb.DROP_CONSTRAINT: constraints.drop_constraint,
    Verb.ATTACH_PARTITION: altering.attach_partition,
    Verb.DETACH_PARTITION: altering.detach_partition,
    Verb.ENABLE_ROW_SECURITY: altering.enable_row_security,
    Verb.DISABLE_ROW_SECURITY: altering.disable_row_security,
    Verb.CHANGE_OWNER: altering.change_owner,
    Verb.TUNE: altering.tune,
    Verb.ADD_ENUM_VALUE: altering.add_enum_value,
    Verb.RENAME_ENUM_VALUE: altering.rename_enum_value,
    Verb.ALTER_OBJECT: altering.alter_object,
    Verb.GRANT: altering.grant,
    Verb.REVOKE: altering.revoke,
    Verb.COMMENT: _fine,
    Verb.INSERT: data.insert,
    Verb.UPDATE: data.update,
    Verb.DELETE: data.delete,
    Verb.MERGE: data.merge,
    Verb.COPY_IN: data.copy_in,
    Verb.TRUNCATE: data.truncate,
    Verb.QUERY: data.query,
    Verb.CALL: data.call,
    Verb.DYNAMIC: data.dynamic,
    # The block itself; what it holds follows as effects of its own.
    Verb.DO: _fine,
    Verb.TRANSACTION: _transaction,
    Verb.SAVEPOINT: _transaction,
    Verb.SESSION: _session,
    Verb.MAINTENANCE: _maintenance,
    Verb.SERVER: _server,
    Verb.OTHER: _other,
}
