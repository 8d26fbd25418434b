"""Every statement as effects, but for tables (their own module) and DO bodies (theirs). What is not listed is OTHER."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from namecard_release.adapters.sql.data import copy_in, delete, flags, insert, into, merge, select, truncate, update
from namecard_release.adapters.sql.sessions import (
    alter_database,
    alter_subscription,
    create_subscription,
    discard,
    maintain,
    set_variable,
    transaction,
)
from namecard_release.adapters.sql.tables import alter_table, create_index, create_table
from namecard_release.adapters.sql.trees import Node, Scope, strings, type_name
from namecard_release.domain.sql import Effect, Trait, Verb

Reader = Callable[[Node, Scope, int], Iterator[Effect]]


def read_statement(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Give a statement's effects in order, those of data-modifying CTEs first."""
    name = type(node).__name__
    reader = _READERS.get(name)
    if reader is None:
        yield Effect(_PLAIN.get(name, Verb.OTHER), line, name=name.removesuffix("Stmt"))
        return
    if getattr(node, "withClause", None) is not None:
        yield from _ctes(node.withClause, scope, line)
    yield from reader(node, scope, line)


def _ctes(clause: Node, scope: Scope, line: int) -> Iterator[Effect]:
    for cte in clause.ctes:
        for effect in read_statement(cte.ctequery, scope, line):
            if effect.verb is not Verb.QUERY or effect.name:
                yield _with(effect, Trait.IN_CTE)


def _with(effect: Effect, trait: Trait) -> Effect:
    return replace(effect, traits=effect.traits | {trait})


def _kind(objtype: Node) -> str:
    return str(objtype.name).removeprefix("OBJECT_").lower()


# --- objects, and what holds a query


def _copy(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a COPY: what it reads or writes, and whether it asks the server for a file or a program."""
    if node.is_program or (node.filename and not node.is_from):
        yield Effect(Verb.SERVER, line, name="copy program or file")
    if node.is_from:
        yield from copy_in(node, scope, line)
    elif node.query is not None:
        # A query here may be a DELETE, or have one in a CTE.
        for effect in read_statement(node.query, scope, line):
            yield _with(effect, Trait.STDIN) if node.filename is None else effect
    else:
        yield Effect(Verb.QUERY, line, traits=flags(STDIN=node.filename is None))


def _create_as(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    view = node.objtype.name == "OBJECT_MATVIEW"
    # The query comes first: it may have a DELETE in a CTE, and it reads what the new name may hide.
    for effect in read_statement(node.query, scope, line):
        if effect.verb is not Verb.QUERY or effect.columns:
            yield effect
    verb = Verb.CREATE_VIEW if view else Verb.CREATE_TABLE
    yield from into(node.into, scope, line, verb, IF_NOT_EXISTS=node.if_not_exists)


def _view(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    traits = flags(TEMPORARY=scope.makes_temporary(node.view), REPLACE=node.replace)
    yield Effect(Verb.CREATE_VIEW, line, scope.relation(node.view), kind="view", traits=traits)


def _function(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    types = [
        type_name(p.argType) for p in node.parameters or () if p.mode not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")
    ]
    name = f"{scope.dotted(node.funcname)}({','.join(types)})"
    kind = "procedure" if node.is_procedure else "function"
    yield Effect(Verb.CREATE_ROUTINE, line, name, kind=kind, traits=flags(REPLACE=node.replace))


def _type(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    # A domain's own name is not its typeName, which is what it is made of.
    names = getattr(node, "domainname", None) or getattr(node, "typeName", None)
    relation = scope.dotted(names) if names else scope.relation(node.typevar)
    found = {constraint.contype.name for constraint in getattr(node, "constraints", None) or ()}
    traits = flags(NOT_NULL="CONSTR_NOTNULL" in found, CHECK="CONSTR_CHECK" in found)
    base = type_name(node.typeName) if getattr(node, "domainname", None) else ""
    yield Effect(Verb.CREATE_TYPE, line, relation, kind="type", traits=traits, target=base)


def _trigger(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    relation = scope.relation(node.relation)
    yield Effect(Verb.CREATE_TRIGGER, line, relation, node.trigname, "trigger", traits=flags(REPLACE=node.replace))


def _policy(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.CREATE_POLICY, line, scope.relation(node.table), node.policy_name, "policy")


def _schema(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    name = node.schemaname or (node.authrole.rolename if node.authrole else "")
    traits = flags(IF_NOT_EXISTS=node.if_not_exists)
    yield Effect(Verb.CREATE_OBJECT, line, name, kind="schema", traits=traits)
    inner = Scope(name or scope.path, scope.temporary)
    for element in node.schemaElts or ():
        yield from read_statement(element, inner, line)


def _sequence(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    traits = flags(TEMPORARY=scope.makes_temporary(node.sequence), IF_NOT_EXISTS=node.if_not_exists)
    yield Effect(Verb.CREATE_OBJECT, line, scope.relation(node.sequence), kind="sequence", traits=traits)


def _alter_sequence(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    options = tuple(option.defname for option in node.options or ())
    verb = Verb.TUNE if set(options) <= {"owned_by", "cache"} else Verb.ALTER_OBJECT
    yield Effect(verb, line, scope.relation(node.sequence), ", ".join(options), "sequence")


def _extension(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    traits = flags(IF_NOT_EXISTS=node.if_not_exists)
    yield Effect(Verb.CREATE_OBJECT, line, node.extname, kind="extension", traits=traits)


def _drop(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell each object dropped; of triggers, policies and rules `relation` is the table and `name` the part."""
    kind = _kind(node.removeType)
    cascade = node.behavior.name == "DROP_CASCADE"
    traits = flags(IF_EXISTS=node.missing_ok, CASCADE=cascade, CONCURRENT=node.concurrent)
    for item in node.objects:
        relation, name = _dropped(item, kind, scope)
        if relation.startswith("pg_temp."):
            scope.temporary.discard(relation.removeprefix("pg_temp."))
        yield Effect(Verb.DROP, line, relation, name, kind, traits=traits)


def _drop_owned(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    cascade = node.behavior.name == "DROP_CASCADE"
    for role in node.roles:
        yield Effect(Verb.DROP, line, role.rolename or "", kind="owned", traits=flags(CASCADE=cascade))


def _dropped(item: Node, kind: str, scope: Scope) -> tuple[str, str]:
    shape = type(item).__name__
    if shape == "ObjectWithArgs":
        name = scope.dotted(item.objname)
        return (name if item.args_unspecified else f"{name}({','.join(map(type_name, item.objargs or ()))})"), ""
    if shape == "TypeName":
        return scope.dotted(item.names), ""
    if shape == "String":
        return str(item.sval), ""
    words = strings(item)
    if kind in ("trigger", "policy", "rule") and len(words) > 1:
        return scope.dotted(item[:-1]), words[-1]
    return scope.dotted(item) if words else "", ""


def _rename(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a new name; a schema, a role or a database stands in `subname` alone."""
    kind = _kind(node.renameType)
    relation = scope.relation(node.relation)
    if not relation:
        relation = _dropped(node.object, "", scope)[0] if node.object is not None else str(node.subname or "")
    columns = (node.subname,) if node.subname and kind in _PARTS else ()
    yield Effect(Verb.RENAME, line, relation, node.newname, kind, columns)


# What RENAME names as a part of a relation: the part's old name is told in `columns`.
_PARTS = frozenset({"column", "attribute", "tabconstraint", "domconstraint", "trigger", "policy", "rule"})


def _set_schema(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    relation = scope.relation(node.relation)
    if not relation and node.object is not None:
        relation = _dropped(node.object, "", scope)[0]
    yield Effect(Verb.SET_SCHEMA, line, relation, node.newschema, _kind(node.objectType))


def _owner(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    relation = scope.relation(node.relation)
    if not relation and node.object is not None:
        relation = _dropped(node.object, "", scope)[0]
    yield Effect(Verb.CHANGE_OWNER, line, relation, kind=_kind(node.objectType))


def _enum(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    relation = scope.dotted(node.typeName)
    if node.oldVal is not None:
        yield Effect(Verb.RENAME_ENUM_VALUE, line, relation, node.oldVal, "type")
        return
    yield Effect(Verb.ADD_ENUM_VALUE, line, relation, node.newVal, "type")


def _domain(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    verbs = {
        "T": Verb.SET_DEFAULT if node.def_ is not None else Verb.DROP_DEFAULT,
        "N": Verb.DROP_NOT_NULL,
        "O": Verb.SET_NOT_NULL,
        "C": Verb.ADD_CONSTRAINT,
        "X": Verb.DROP_CONSTRAINT,
        "V": Verb.VALIDATE_CONSTRAINT,
    }
    verb = verbs.get(node.subtype, Verb.ALTER_OBJECT)
    yield Effect(verb, line, scope.dotted(node.typeName), node.name or "", "domain")


# --- rights, session, server


def _grant(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    verb, kind = Verb.GRANT if node.is_grant else Verb.REVOKE, ""
    relations = [scope.relation(part) for part in node.objects or () if type(part).__name__ == "RangeVar"]
    if node.targtype.name == "ACL_TARGET_OBJECT" and not relations and node.objtype.name in _GRANTED:
        kind = _kind(node.objtype)
        relations = [_dropped(part, kind, scope)[0] for part in node.objects or ()]
    for relation in relations or [""]:
        yield Effect(verb, line, relation, kind=kind)


_GRANTED = frozenset({"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_SCHEMA"})


def _grant_role(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    off = [option.defname for option in node.opt or () if not getattr(option.arg, "boolval", True)]
    yield Effect(Verb.GRANT if node.is_grant else Verb.REVOKE, line, name=", ".join(off), kind="role")


def _default_rights(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.GRANT if node.action.is_grant else Verb.REVOKE, line, kind="default privileges")


def _call(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.CALL, line, name=".".join(strings(node.funccall.funcname)))


def _execute(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell PREPARE and EXECUTE; what is prepared is told as DYNAMIC, for nobody knows whether it is run."""
    word = type(node).__name__.removesuffix("Stmt").lower()
    yield Effect(Verb.DYNAMIC, line, name=f"{word} {node.name or ''}".strip())
    if word == "prepare":
        yield from (_with(effect, Trait.DYNAMIC) for effect in read_statement(node.query, scope, line))


def _cursor(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield from read_statement(node.query, scope, line)


def _explain(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    if any(option.defname == "analyze" for option in node.options or ()):
        yield from read_statement(node.query, scope, line)
    else:
        yield Effect(Verb.QUERY, line)


_READERS: dict[str, Reader] = {
    "SelectStmt": select,
    "InsertStmt": insert,
    "UpdateStmt": update,
    "DeleteStmt": delete,
    "MergeStmt": merge,
    "CopyStmt": _copy,
    "TruncateStmt": truncate,
    "CreateStmt": create_table,
    "CreateForeignTableStmt": lambda node, scope, line: create_table(node.base, scope, line, "foreign table"),
    "CreateTableAsStmt": _create_as,
    "AlterTableStmt": alter_table,
    "IndexStmt": create_index,
    "ViewStmt": _view,
    "CreateFunctionStmt": _function,
    "CreateEnumStmt": _type,
    "CreateRangeStmt": _type,
    "CompositeTypeStmt": _type,
    "CreateDomainStmt": _type,
    "CreateTrigStmt": _trigger,
    "CreatePolicyStmt": _policy,
    "CreateSchemaStmt": _schema,
    "CreateSeqStmt": _sequence,
    "AlterSeqStmt": _alter_sequence,
    "CreateExtensionStmt": _extension,
    "DropStmt": _drop,
    "DropOwnedStmt": _drop_owned,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterOwnerStmt": _owner,
    "AlterEnumStmt": _enum,
    "AlterDomainStmt": _domain,
    "GrantStmt": _grant,
    "GrantRoleStmt": _grant_role,
    "AlterDefaultPrivilegesStmt": _default_rights,
    "VariableSetStmt": set_variable,
    "TransactionStmt": transaction,
    "VacuumStmt": maintain,
    "ReindexStmt": maintain,
    "ClusterStmt": maintain,
    "RefreshMatViewStmt": maintain,
    "CallStmt": _call,
    "ExecuteStmt": _execute,
    "PrepareStmt": _execute,
    "ExplainStmt": _explain,
    "DeclareCursorStmt": _cursor,
    "DiscardStmt": discard,
    "AlterDatabaseStmt": alter_database,
    "CreateSubscriptionStmt": create_subscription,
    "AlterSubscriptionStmt": alter_subscription,
}
_PLAIN = {
    "CommentStmt": Verb.COMMENT,
    "VariableShowStmt": Verb.SESSION,
    "ConstraintsSetStmt": Verb.SESSION,
    "DeallocateStmt": Verb.SESSION,
    "LockStmt": Verb.SESSION,
    "ListenStmt": Verb.SESSION,
    "UnlistenStmt": Verb.SESSION,
    "NotifyStmt": Verb.SESSION,
    "CheckPointStmt": Verb.MAINTENANCE,
    "CreateStatsStmt": Verb.TUNE,
    "AlterStatsStmt": Verb.TUNE,
    "CreatedbStmt": Verb.SERVER,
    "DropdbStmt": Verb.SERVER,
    "CreateTableSpaceStmt": Verb.SERVER,
    "DropTableSpaceStmt": Verb.SERVER,
    "AlterSystemStmt": Verb.SERVER,
    "AlterDatabaseSetStmt": Verb.SERVER,
    "CreateRoleStmt": Verb.SERVER,
    "AlterRoleStmt": Verb.SERVER,
    "AlterRoleSetStmt": Verb.SERVER,
    "DropRoleStmt": Verb.SERVER,
    "DropSubscriptionStmt": Verb.SERVER,
}
