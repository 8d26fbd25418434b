"""Statements on rows as effects: queries, INSERT, UPDATE, DELETE, MERGE, COPY FROM, TRUNCATE. Objects are elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from namecard_release.adapters.sql.conditions import narrows
from namecard_release.adapters.sql.trees import Node, Scope, calls
from namecard_release.domain.sql import Effect, Trait, Verb


def flags(**present: bool) -> frozenset[Trait]:
    """Give the traits, by name, that are present."""
    return frozenset(Trait[name] for name, on in present.items() if on)


def select(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a query by the functions it calls: the one thing by which it can change anything."""
    if node.intoClause is not None:
        yield from into(node.intoClause, scope, line, Verb.CREATE_TABLE)
    # PostgreSQL takes data-modifying CTEs at the top only, where they are read already.
    yield Effect(Verb.QUERY, line, columns=calls(node))


def into(clause: Node, scope: Scope, line: int, verb: Verb, **more: bool) -> Iterator[Effect]:
    """Tell the table or view that a query's rows go into."""
    dropped = clause.onCommit.name == "ONCOMMIT_DROP"
    traits = flags(TEMPORARY=scope.makes_temporary(clause.rel), ON_COMMIT_DROP=dropped, **more)
    yield Effect(verb, line, scope.relation(clause.rel), traits=traits)


def insert(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell an INSERT with its columns."""
    clause = node.onConflictClause
    upsert = clause is not None and clause.action.name == "ONCONFLICT_UPDATE"
    columns = tuple(target.name for target in node.cols or ())
    yield Effect(Verb.INSERT, line, scope.relation(node.relation), columns=columns, traits=flags(UPSERT=upsert))
    yield from _called(node, line)


def update(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell an UPDATE with its columns."""
    columns = tuple(target.name for target in node.targetList)
    traits = flags(WHERE=narrows(node.whereClause))
    yield Effect(Verb.UPDATE, line, scope.relation(node.relation), columns=columns, traits=traits)
    yield from _called(node, line)


def delete(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a DELETE."""
    traits = flags(WHERE=narrows(node.whereClause))
    yield Effect(Verb.DELETE, line, scope.relation(node.relation), traits=traits)
    yield from _called(node, line)


def merge(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a MERGE."""
    yield Effect(Verb.MERGE, line, scope.relation(node.relation))
    yield from _called(node, line)


def copy_in(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a COPY FROM; STDIN when its rows come with the statement."""
    traits = flags(STDIN=node.filename is None and not node.is_program)
    yield Effect(Verb.COPY_IN, line, scope.relation(node.relation), traits=traits)


def truncate(node: Node, scope: Scope, line: int) -> Iterator[Effect]:
    """Tell a TRUNCATE, table by table."""
    cascade = node.behavior.name == "DROP_CASCADE"
    for relation in node.relations:
        yield Effect(Verb.TRUNCATE, line, scope.relation(relation), traits=flags(CASCADE=cascade))


def _called(node: Node, line: int) -> Iterator[Effect]:
    names = calls(node)
    if names:
        yield Effect(Verb.QUERY, line, columns=names)
