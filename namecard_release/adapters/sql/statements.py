"""Every statement as effects, but for tables (their own module) and DO bodies (theirs). What is not listed is OTHER."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from namecard_release.adapters.sql.tables import alter_table, create_index, create_table
from namecard_release.adapters.sql.trees import Node, Scope, calls, strings, type_name, walk
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
    traits = effect.traits | {trait}
    return Effect(effect.verb, effect.line, effect.relation, effect.name, effect.kind, effect.columns, traits)


def _flags(**present: bool) -> frozenset[Trait]:
    return frozenset(Trait[name] for name, on in present.items() if on)


def _kind(objtype: Node) -> str:
    return str(objtype.name).removeprefix("OBJECT_").lower()


# --- data


def _select(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a query by the functions it calls: the one thing by which it can change anything."""
    if node.intoClause is not None:
        yield from _into(node.intoClause, scope, line, Verb.CREATE_TABLE)
    # PostgreSQL takes data-modifying CTEs at the top only, where they are read already.
    yield Effect(Verb.QUERY, line, columns=calls(node))


def _into(into: Node, scope: Scope, line: int, verb: Verb) -> Iterator[Effect]:
    temporary = into.rel.relpersistence == "t"
    if temporary:
        scope.temporary.add(into.rel.relname)
    yield Effect(verb, line, scope.relation(into.rel), traits=_flags(TEMPORARY=temporary))


def _insert(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    clause = node.onConflictClause
    upsert = clause is not None and clause.action.name == "ONCONFLICT_UPDATE"
    columns = tuple(target.name for target in node.cols or ())
    yield Effect(Verb.INSERT, line, scope.relation(node.relation), columns=columns, traits=_flags(UPSERT=upsert))
    yield from _called(node, line)


def _update(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    columns = tuple(target.name for target in node.targetList)
    traits = _flags(WHERE=_narrows(node.whereClause))
    yield Effect(Verb.UPDATE, line, scope.relation(node.relation), columns=columns, traits=traits)
    yield from _called(node, line)


def _delete(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    traits = _flags(WHERE=_narrows(node.whereClause))
    yield Effect(Verb.DELETE, line, scope.relation(node.relation), traits=traits)
    yield from _called(node, line)


def _narrows(where: Node) -> bool:
    """Tell whether a WHERE says anything: `where true` and `where 1 = 1` are none."""
    return where is not None and any(type(n).__name__ in ("ColumnRef", "CurrentOfExpr", "SubLink") for n in walk(where))


def _called(node: Node, line: int) -> Iterator[Effect]:
    names = calls(node)
    if names:
        yield Effect(Verb.QUERY, line, columns=names)


def _merge(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.MERGE, line, scope.relation(node.relation))


def _copy(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    if node.is_program or (node.filename and not node.is_from):
        yield Effect(Verb.SERVER, line, name="copy program or file")
    if node.is_from:
        traits = _flags(STDIN=node.filename is None and not node.is_program)
        yield Effect(Verb.COPY_IN, line, scope.relation(node.relation), traits=traits)
    else:
        yield Effect(Verb.QUERY, line, columns=calls(node.query), traits=_flags(STDIN=node.filename is None))


def _truncate(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    cascade = node.behavior.name == "DROP_CASCADE"
    for relation in node.relations:
        yield Effect(Verb.TRUNCATE, line, scope.relation(relation), traits=_flags(CASCADE=cascade))


# --- objects


def _create_as(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    view = node.objtype.name == "OBJECT_MATVIEW"
    yield from _into(node.into, scope, line, Verb.CREATE_VIEW if view else Verb.CREATE_TABLE)
    yield from _called(node.query, line)


def _view(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.CREATE_VIEW, line, scope.relation(node.view), kind="view", traits=_flags(REPLACE=node.replace))


def _function(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    types = [type_name(p.argType) for p in node.parameters or () if p.mode.value in ("i", "b", "v", "d")]
    name = f"{scope.dotted(node.funcname)}({','.join(types)})"
    kind = "procedure" if node.is_procedure else "function"
    yield Effect(Verb.CREATE_ROUTINE, line, name, kind=kind, traits=_flags(REPLACE=node.replace))


def _type(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    # A domain has a `typeName` too: the type that it is made of.
    names = getattr(node, "domainname", None) or getattr(node, "typeName", None)
    relation = scope.dotted(names) if names else scope.relation(node.typevar)
    not_null = any(c.contype.name == "CONSTR_NOTNULL" for c in getattr(node, "constraints", None) or ())
    yield Effect(Verb.CREATE_TYPE, line, relation, kind="type", traits=_flags(NOT_NULL=not_null))


def _trigger(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    relation = scope.relation(node.relation)
    yield Effect(Verb.CREATE_TRIGGER, line, relation, node.trigname, "trigger", traits=_flags(REPLACE=node.replace))


def _policy(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.CREATE_POLICY, line, scope.relation(node.table), node.policy_name, "policy")


def _schema(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    name = node.schemaname or (node.authrole.rolename if node.authrole else "")
    traits = _flags(IF_NOT_EXISTS=node.if_not_exists)
    yield Effect(Verb.CREATE_OBJECT, line, name, kind="schema", traits=traits)
    inner = Scope(name or scope.path, scope.temporary)
    for element in node.schemaElts or ():
        yield from read_statement(element, inner, line)


def _sequence(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    traits = _flags(IF_NOT_EXISTS=node.if_not_exists)
    yield Effect(Verb.CREATE_OBJECT, line, scope.relation(node.sequence), kind="sequence", traits=traits)


def _alter_sequence(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    options = tuple(option.defname for option in node.options or ())
    verb = Verb.TUNE if set(options) <= {"owned_by", "cache"} else Verb.ALTER_OBJECT
    yield Effect(verb, line, scope.relation(node.sequence), ", ".join(options), "sequence")


def _extension(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.CREATE_OBJECT, line, node.extname, kind="extension")


def _drop(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell each object dropped; of triggers, policies and rules `relation` is the table and `name` the part."""
    kind = _kind(node.removeType)
    cascade = node.behavior.name == "DROP_CASCADE"
    traits = _flags(IF_EXISTS=node.missing_ok, CASCADE=cascade, CONCURRENT=node.concurrent)
    for item in node.objects:
        relation, name = _dropped(item, kind, scope)
        yield Effect(Verb.DROP, line, relation, name, kind, traits=traits)


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
    relation = scope.relation(node.relation)
    if not relation and node.object is not None:
        relation = _dropped(node.object, "", scope)[0]
    kind = _kind(node.renameType)
    columns = (node.subname,) if node.subname and kind in ("column", "attribute") else ()
    yield Effect(Verb.RENAME, line, relation, node.newname, kind, columns)


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
    objects = [part for part in node.objects or () if type(part).__name__ == "RangeVar"]
    verb = Verb.GRANT if node.is_grant else Verb.REVOKE
    for relation in [scope.relation(part) for part in objects] or [""]:
        yield Effect(verb, line, relation)


def _grant_role(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.GRANT if node.is_grant else Verb.REVOKE, line, kind="role")


def _default_rights(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.GRANT if node.action.is_grant else Verb.REVOKE, line, kind="default privileges")


def _set(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    name = node.name or node.kind.name
    if name == "search_path":
        words = [arg.val.sval for arg in node.args or () if hasattr(getattr(arg, "val", None), "sval")]
        scope.path = words[0] if words else "public"
    yield Effect(Verb.SESSION, line, name=name)


def _transaction(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    word = node.kind.name.removeprefix("TRANS_STMT_").lower().replace("_", " ")
    inner = word in ("savepoint", "release", "rollback to")
    yield Effect(Verb.SAVEPOINT if inner else Verb.TRANSACTION, line, name=word)


def _maintain(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell VACUUM, ANALYZE, REINDEX, CLUSTER, REFRESH; `name` is the word, CONCURRENT where it is."""
    word = type(node).__name__.removesuffix("Stmt").lower()
    if word == "vacuum" and not node.is_vacuumcmd:
        word = "analyze"
    concurrent = bool(getattr(node, "concurrent", False)) or any(
        option.defname == "concurrently" for option in getattr(node, "params", None) or ()
    )
    whole = word == "cluster" and node.relation is None
    relation = scope.relation(getattr(node, "relation", None))
    if word == "reindex":
        whole = node.kind.name in ("REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE")
    kind = "every table" if whole else ""
    yield Effect(Verb.MAINTENANCE, line, relation, word, kind, traits=_flags(CONCURRENT=concurrent))


def _call(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(Verb.CALL, line, name=".".join(strings(node.funccall.funcname)))


def _execute(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    yield Effect(
        Verb.DYNAMIC, line, name=f"{type(node).__name__.removesuffix('Stmt').lower()} {node.name or ''}".strip()
    )


def _explain(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    if any(option.defname == "analyze" for option in node.options or ()):
        yield from read_statement(node.query, scope, line)
    else:
        yield Effect(Verb.QUERY, line)


_READERS: dict[str, Reader] = {
    "SelectStmt": _select,
    "InsertStmt": _insert,
    "UpdateStmt": _update,
    "DeleteStmt": _delete,
    "MergeStmt": _merge,
    "CopyStmt": _copy,
    "TruncateStmt": _truncate,
    "CreateStmt": create_table,
    "CreateForeignTableStmt": lambda node, scope, line: create_table(node.base, scope, line),
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
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterOwnerStmt": _owner,
    "AlterEnumStmt": _enum,
    "AlterDomainStmt": _domain,
    "GrantStmt": _grant,
    "GrantRoleStmt": _grant_role,
    "AlterDefaultPrivilegesStmt": _default_rights,
    "VariableSetStmt": _set,
    "TransactionStmt": _transaction,
    "VacuumStmt": _maintain,
    "ReindexStmt": _maintain,
    "ClusterStmt": _maintain,
    "RefreshMatViewStmt": _maintain,
    "CallStmt": _call,
    "ExecuteStmt": _execute,
    "PrepareStmt": _execute,
    "ExplainStmt": _explain,
}
_PLAIN = {
    "CommentStmt": Verb.COMMENT,
    "SecLabelStmt": Verb.COMMENT,
    "VariableShowStmt": Verb.SESSION,
    "ConstraintsSetStmt": Verb.SESSION,
    "DiscardStmt": Verb.SESSION,
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
    "AlterDatabaseStmt": Verb.SERVER,
    "AlterDatabaseSetStmt": Verb.SERVER,
    "CreateRoleStmt": Verb.SERVER,
    "AlterRoleStmt": Verb.SERVER,
    "AlterRoleSetStmt": Verb.SERVER,
    "DropRoleStmt": Verb.SERVER,
    "CreateSubscriptionStmt": Verb.SERVER,
    "DropSubscriptionStmt": Verb.SERVER,
}
