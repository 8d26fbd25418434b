"""CREATE TABLE, ALTER TABLE and indexes as effects. Other statements are in the module of statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from namecard_release.adapters.sql.expressions import UNSURE, evaluate, gives_value, holds_computed, stored, value_facts
from namecard_release.adapters.sql.trees import (
    Node,
    Scope,
    calls,
    casts,
    columns_in,
    keys,
    strings,
    tests_null,
    type_name,
)
from namecard_release.domain.sql import Effect, Trait, Verb

_SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_SMALL_SERIALS = frozenset({"smallserial", "serial2"})
# Options with which a sequence runs out of numbers, or gives one twice.
_BOUNDS = frozenset({"maxvalue", "minvalue", "cycle", "increment"})
# Functions that give the same value to every row of one statement: a default of them rewrites no table.
_STABLE = frozenset(
    {"now", "current_setting", "statement_timestamp", "transaction_timestamp", "version", "current_user"}
)
_CONSTRAINTS = {
    "CONSTR_NOTNULL": Trait.NOT_NULL,
    "CONSTR_CHECK": Trait.CHECK,
    "CONSTR_UNIQUE": Trait.UNIQUE,
    "CONSTR_PRIMARY": Trait.PRIMARY,
    "CONSTR_FOREIGN": Trait.FOREIGN,
    "CONSTR_EXCLUSION": Trait.EXCLUDE,
    "CONSTR_DEFAULT": Trait.DEFAULT,
    "CONSTR_GENERATED": Trait.GENERATED,
    "CONSTR_IDENTITY": Trait.DEFAULT,
}


def create_table(node: Node, scope: Scope, line: int, kind: str = "") -> Iterator[Effect]:
    """Tell a new table, its columns and constraints in `columns` and in effects of their own; `target` is a parent."""
    traits = set()
    parents = node.inhRelations or ()
    # A partition that is divided itself has no place for any row yet.
    if parents and (node.partbound is None or node.tableElts or node.partspec):
        traits.add(Trait.INHERITS)
    target = scope.relation(parents[0]) if parents else ""
    if scope.makes_temporary(node.relation):
        traits.add(Trait.TEMPORARY)
        if node.oncommit.name == "ONCOMMIT_DROP":
            traits.add(Trait.ON_COMMIT_DROP)
    if node.if_not_exists:
        traits.add(Trait.IF_NOT_EXISTS)
    relation = scope.relation(node.relation)
    columns = [part for part in node.tableElts or () if type(part).__name__ == "ColumnDef"]
    names = tuple(part.colname for part in columns)
    yield Effect(Verb.CREATE_TABLE, line, relation, "", kind, names, frozenset(traits), target)
    for part in node.tableElts or ():
        shape = type(part).__name__
        if shape == "ColumnDef":
            yield column(part, relation, scope, line, frozenset())
        elif shape == "Constraint":
            yield from constraint(part, relation, scope, line)


def column(node: Node, relation: str, scope: Scope, line: int, extra: frozenset[Trait]) -> Effect:
    """Tell a new column with its constraints as traits; `target` is the table that its foreign key points to."""
    traits = set(extra)
    target = ""
    kind = type_name(node.typeName)
    if kind in _SERIALS:
        traits |= {Trait.NOT_NULL, Trait.DEFAULT, Trait.VOLATILE, Trait.DISTINCT}
        traits |= {Trait.UNPROVEN} if kind in _SMALL_SERIALS else set()
    for part in node.constraints or ():
        traits |= _column_constraint(part) | _default_facts(part, kind)
        if part.contype.name == "CONSTR_FOREIGN":
            target = scope.relation(part.pktable)
    traits |= _check_facts(node, bool(traits & {Trait.GENERATED, Trait.VOLATILE}))
    # DEFAULT NULL is the same as none.
    return Effect(Verb.ADD_COLUMN, line, relation, node.colname, kind, (node.colname,), frozenset(traits), target)


def _default_facts(part: Node, kind: str) -> set[Trait]:
    """Tell what is shown of a default's or a generated column's value."""
    name = part.contype.name
    if name == "CONSTR_DEFAULT" and not _is_null(part.raw_expr):
        return value_facts(part.raw_expr, kind)
    if name == "CONSTR_GENERATED":
        told = {Trait.CASTS} if casts(part.raw_expr) else set()
        sure = gives_value(part.raw_expr) and holds_computed(part.raw_expr, kind)
        return told if sure else told | {Trait.UNPROVEN}
    if name == "CONSTR_IDENTITY":
        bounded = any(option.defname in _BOUNDS for option in part.options or ())
        return {Trait.DISTINCT, Trait.UNPROVEN} if bounded or kind == "int2" else {Trait.DISTINCT}
    return _action(part) if name == "CONSTR_FOREIGN" else set()


def _action(part: Node) -> set[Trait]:
    """Tell what a foreign key does when the row that it points to is deleted."""
    return {"c": {Trait.FOLLOWS}, "n": set()}.get(part.fk_del_action, {Trait.HOLDS})


def _check_facts(node: Node, computed: bool) -> set[Trait]:
    """Tell whether a new column's checks pass for the default, or for NULL when there is none."""
    parts = node.constraints or ()
    checks = [part.raw_expr for part in parts if part.contype.name == "CONSTR_CHECK"]
    if not checks:
        return set()
    default = next((part.raw_expr for part in parts if part.contype.name == "CONSTR_DEFAULT"), None)
    kind = type_name(node.typeName)
    value = UNSURE if computed else None if default is None else stored(evaluate(default, {}), kind)
    return _summed([evaluate(check, {node.colname: value}) for check in checks])


def _summed(results: list[object]) -> set[Trait]:
    if any(result is False for result in results):
        return {Trait.CHECK_FAILS}
    return {Trait.CHECK_PASSES} if all(result in (True, None) for result in results) else set()


def _column_constraint(part: Node) -> set[Trait]:
    name = part.contype.name
    traits = {_CONSTRAINTS[name]} if name in _CONSTRAINTS else set()
    if name == "CONSTR_DEFAULT":
        if _is_null(part.raw_expr):
            return set()
        if any(call not in _STABLE for call in calls(part.raw_expr)):
            traits.add(Trait.VOLATILE)
    if name == "CONSTR_IDENTITY":
        traits |= {Trait.NOT_NULL, Trait.VOLATILE}
        if part.generated_when == "a":
            traits.add(Trait.ALWAYS)
    if name == "CONSTR_PRIMARY":
        traits.add(Trait.NOT_NULL)
    if name == "CONSTR_CHECK" and tests_null(part.raw_expr):
        traits.add(Trait.TESTS_NULL)
    if part.nulls_not_distinct:
        traits.add(Trait.NULLS_NOT_DISTINCT)
    return traits


def _is_null(node: Node) -> bool:
    while type(node).__name__ == "TypeCast":
        node = node.arg
    return type(node).__name__ == "A_Const" and bool(node.isnull)


def constraint(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a table's new constraint: its kind in `kind` and as a trait, its columns in `columns`."""
    trait = _CONSTRAINTS.get(node.contype.name)
    if trait is None:
        return
    traits = {trait}
    columns = keys(node.fk_attrs or node.keys)
    if trait is Trait.CHECK:
        columns = columns_in(node.raw_expr)
        if tests_null(node.raw_expr):
            traits.add(Trait.TESTS_NULL)
        traits |= _summed([evaluate(node.raw_expr, dict.fromkeys(columns))])
    target = ""
    if trait is Trait.FOREIGN:
        target = scope.relation(node.pktable)
        traits |= _action(node)
    if trait is Trait.EXCLUDE:
        columns = keys([pair[0] for pair in node.exclusions or ()])
    if node.skip_validation:
        traits.add(Trait.NOT_VALID)
    if node.nulls_not_distinct:
        traits.add(Trait.NULLS_NOT_DISTINCT)
    if node.indexname:
        traits.add(Trait.USING_INDEX)
    name = node.conname or ""
    yield Effect(Verb.ADD_CONSTRAINT, line, relation, name, trait.value, columns, frozenset(traits), target)


def create_index(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a new index; `name` is its own name with the table's schema."""
    expressions = [part.expr for part in node.indexParams or () if part.expr is not None]
    told = {
        Trait.UNIQUE: node.unique,
        Trait.CONCURRENT: node.concurrent,
        Trait.IF_NOT_EXISTS: node.if_not_exists,
        Trait.WHERE: node.whereClause is not None,
        Trait.NULLS_NOT_DISTINCT: node.nulls_not_distinct,
        Trait.CASTS: casts(node.indexParams) or casts(node.whereClause),
        Trait.EXPRESSION: bool(expressions),
        Trait.UNPROVEN: not all(gives_value(part) for part in (*expressions, *_present(node.whereClause))),
        Trait.TESTS_NULL: any(part.expr is not None and tests_null(part.expr) for part in node.indexParams or ()),
    }
    relation = scope.relation(node.relation)
    name = f"{relation.rpartition('.')[0]}.{node.idxname}" if node.idxname else ""
    traits = frozenset(trait for trait, present in told.items() if present)
    yield Effect(Verb.CREATE_INDEX, line, relation, name, "index", keys(node.indexParams), traits)


def _present(node: Node) -> tuple[Node, ...]:
    return () if node is None else (node,)


def alter_table(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell each command of an ALTER TABLE (VIEW, INDEX, SEQUENCE, TYPE) in order."""
    relation = scope.relation(node.relation)
    if node.objtype.name not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"):
        for command in node.cmds:
            kind, name = _kind(node.objtype), command.name or ""
            verb = _OTHERS.get(command.subtype.name, Verb.ALTER_OBJECT)
            if kind == "type" and command.subtype.name == "AT_DropColumn":
                verb = Verb.DROP_COLUMN
            traits = {Trait.CASCADE} if command.behavior.name == "DROP_CASCADE" else set()
            yield Effect(verb, line, relation, name, kind, traits=frozenset(traits))
        return
    for command in node.cmds:
        yield from _command(command, relation, scope, line)


def _kind(objtype: Node) -> str:
    return str(objtype.name).removeprefix("OBJECT_").lower()


def _command(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    subtype = node.subtype.name
    if subtype in _READERS:
        yield from _READERS[subtype](node, relation, scope, line)
        return
    if subtype == "AT_SetUnLogged" or _changes_view(node):
        yield Effect(Verb.ALTER_OBJECT, line, relation, subtype.removeprefix("AT_"), "table")
        return
    verb = _PLAIN.get(subtype) or _OTHERS.get(subtype, Verb.OTHER)
    traits = {Trait.CASCADE} if node.behavior.name == "DROP_CASCADE" else set()
    if node.missing_ok:
        traits.add(Trait.IF_EXISTS)
    name = node.name or ""
    told = name if verb is not Verb.OTHER else f"{subtype.removeprefix('AT_')} {name}".strip()
    columns = (name,) if name and verb in _ON_COLUMNS else ()
    yield Effect(verb, line, relation, told, "", columns, frozenset(traits))


def _changes_view(node: Node) -> bool:
    """Tell whether options are a view's, which ALTER TABLE takes too: they decide on rights and rows."""
    options = node.def_ if node.subtype.name in ("AT_SetRelOptions", "AT_ResetRelOptions") else ()
    return any(option.defname in ("security_invoker", "security_barrier", "check_option") for option in options)


def _add_column(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    extra = frozenset({Trait.IF_NOT_EXISTS}) if node.missing_ok else frozenset()
    yield column(node.def_, relation, scope, line, extra)


def _default(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    if node.def_ is None or _is_null(node.def_):
        yield Effect(Verb.DROP_DEFAULT, line, relation, node.name, "", (node.name,))
        return
    traits = frozenset(value_facts(node.def_, ""))
    # The narrowest type that holds a text; of what is computed, the size is not known.
    value = evaluate(node.def_, {})
    kind = f"varchar({len(value)})" if isinstance(value, str) else ""
    yield Effect(Verb.SET_DEFAULT, line, relation, node.name, kind, (node.name,), traits)


def _set_type(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    kind = type_name(node.def_.typeName)
    if node.def_.collClause is not None:
        kind += f" collate {'.'.join(strings(node.def_.collClause.collname))}"
    traits = frozenset({Trait.CASTS}) if node.def_.raw_default is not None else frozenset()
    yield Effect(Verb.SET_TYPE, line, relation, node.name, kind, (node.name,), traits)
    if names := calls(node.def_.raw_default):
        yield Effect(Verb.QUERY, line, columns=names)


def _add_constraint(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    if type(node.def_).__name__ == "Constraint" and node.def_.contype.name == "CONSTR_NOTNULL":
        columns = keys(node.def_.keys)
        yield Effect(Verb.SET_NOT_NULL, line, relation, columns[0] if columns else "", "", columns)
        return
    yield from constraint(node.def_, relation, scope, line)


def _identity(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    options = node.def_ if isinstance(node.def_, list | tuple) else ()
    told = next((chr(o.arg.ival) for o in options if o.defname == "generated"), None)
    always = "a" in (told, getattr(node.def_, "generated_when", None))
    traits = frozenset({Trait.ALWAYS}) if always else frozenset()
    yield Effect(Verb.ADD_IDENTITY, line, relation, node.name, "", (node.name,), traits)


def _partition(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    attach = node.subtype.name == "AT_AttachPartition"
    traits = frozenset({Trait.CONCURRENT}) if getattr(node.def_, "concurrent", False) else frozenset()
    verb = Verb.ATTACH_PARTITION if attach else Verb.DETACH_PARTITION
    yield Effect(verb, line, relation, scope.relation(node.def_.name), "", (), traits)


def _storage(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    """PLAIN refuses values that do not fit a page (PostgreSQL documentation, "TOAST"), so it is no tuning."""
    plain = strings(node.def_) == ("plain",)
    verb, name = (Verb.OTHER, f"SetStorage {node.name}") if plain else (Verb.TUNE, node.name)
    yield Effect(verb, line, relation, name)


def _row_security(node: Node, relation: str, scope: Scope, line: int) -> Iterator[Effect]:
    off = node.subtype.name in ("AT_DisableRowSecurity", "AT_NoForceRowSecurity")
    yield Effect(Verb.DISABLE_ROW_SECURITY if off else Verb.ENABLE_ROW_SECURITY, line, relation)


_PLAIN = {
    "AT_DropColumn": Verb.DROP_COLUMN,
    "AT_SetNotNull": Verb.SET_NOT_NULL,
    "AT_DropNotNull": Verb.DROP_NOT_NULL,
    "AT_DropIdentity": Verb.DROP_IDENTITY,
    "AT_DropExpression": Verb.DROP_EXPRESSION,
    "AT_ValidateConstraint": Verb.VALIDATE_CONSTRAINT,
    "AT_DropConstraint": Verb.DROP_CONSTRAINT,
}
_ON_COLUMNS = frozenset(
    {Verb.DROP_COLUMN, Verb.SET_NOT_NULL, Verb.DROP_NOT_NULL, Verb.DROP_IDENTITY, Verb.DROP_EXPRESSION}
)
_OTHERS = {
    "AT_ChangeOwner": Verb.CHANGE_OWNER,
    "AT_SetStatistics": Verb.TUNE,
    "AT_SetOptions": Verb.TUNE,
    "AT_ResetOptions": Verb.TUNE,
    "AT_SetCompression": Verb.TUNE,
    "AT_ClusterOn": Verb.TUNE,
    "AT_DropCluster": Verb.TUNE,
    "AT_SetLogged": Verb.TUNE,
    "AT_SetUnLogged": Verb.TUNE,
    "AT_SetTableSpace": Verb.TUNE,
    "AT_SetRelOptions": Verb.TUNE,
    "AT_ResetRelOptions": Verb.TUNE,
}
_READERS: dict[str, Callable[[Node, str, Scope, int], Iterator[Effect]]] = {
    "AT_AddColumn": _add_column,
    "AT_ColumnDefault": _default,
    "AT_AlterColumnType": _set_type,
    "AT_AddConstraint": _add_constraint,
    "AT_AddIdentity": _identity,
    "AT_SetIdentity": _identity,
    "AT_AttachPartition": _partition,
    "AT_DetachPartition": _partition,
    "AT_DetachPartitionFinalize": _partition,
    "AT_SetStorage": _storage,
    "AT_EnableRowSecurity": _row_security,
    "AT_ForceRowSecurity": _row_security,
    "AT_DisableRowSecurity": _row_security,
    "AT_NoForceRowSecurity": _row_security,
}
