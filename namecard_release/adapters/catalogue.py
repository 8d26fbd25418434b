"""A live PostgreSQL's catalogue, read and never written. What it proves is the domain's.

Read from the system's own tables, which show every object whatever the role may use (PostgreSQL documentation, "System
Catalogs"); the system's schemas are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from namecard_release.domain.compatibility import Catalogue, Column, Constraint, Index

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

_OWN = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
_COLUMNS = f"""
select n.nspname || '.' || c.relname, a.attname, tn.nspname, t.typname, a.atttypmod, en.nspname, e.typname,
       not a.attnotnull, a.atthasdef or a.attidentity <> ''
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
  left join pg_catalog.pg_type e on e.oid = t.typelem and t.typcategory = 'A'
  left join pg_catalog.pg_namespace en on en.oid = e.typnamespace
 where c.relkind in ('r', 'p', 'f', 'v', 'm') and {_OWN}
 order by 1, a.attnum"""
_INDEXES = f"""
select n.nspname || '.' || c.relname, tn.nspname || '.' || t.relname, i.indisunique,
       exists (select from pg_catalog.pg_constraint o where o.conindid = c.oid and o.contype in ('p', 'u', 'x')),
       array(select a.attname::text from pg_catalog.pg_attribute a
              where a.attrelid = t.oid and a.attnum > 0 and (a.attnum = any (i.indkey) or exists (
                select from pg_catalog.pg_depend d
                 where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                   and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                   and d.refobjid = t.oid and d.refobjsubid = a.attnum)) order by a.attnum)
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_class t on t.oid = i.indrelid
  join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
 where {_OWN}"""
# Not-null constraints are left out: they are rows since PostgreSQL 18 only, and columns tell the same.
_CONSTRAINTS = f"""
select n.nspname || '.' || c.relname, o.conname, o.contype,
       array(select a.attname::text from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum = any (o.conkey) order by a.attnum)
  from pg_catalog.pg_constraint o
  join pg_catalog.pg_class c on c.oid = o.conrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where o.contype in ('c', 'f', 'p', 'u', 'x') and {_OWN}
 order by 1, 2"""
_NAMES = f"""
select 'type ' || t.typtype::text, n.nspname || '.' || t.typname from pg_catalog.pg_type t
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  left join pg_catalog.pg_class c on c.oid = t.typrelid
 where {_OWN} and t.typcategory <> 'A' and (c.relkind is null or c.relkind = 'c')
union all
select 'relation ' || c.relkind::text, n.nspname || '.' || c.relname from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('v', 'm', 'S') and {_OWN}
union all
select 'routine', n.nspname || '.' || p.proname from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace where {_OWN}
union all
select 'schema', n.nspname from pg_catalog.pg_namespace n where {_OWN}
union all
select 'extension', x.extname from pg_catalog.pg_extension x"""
_CONSTRAINT_KINDS = {"c": "check", "f": "foreign key", "p": "primary key", "u": "unique", "x": "exclude"}
_TYPE_KINDS = {"e": "enum", "d": "domain", "c": "composite", "r": "range", "m": "range"}
_TEXT_SIZES = frozenset({"varchar", "bpchar"})


def read_catalogue(session: cursor) -> Catalogue:
    """Read the catalogue in a transaction that the caller opened, in four queries. Raises psycopg2.Error."""
    session.execute(_COLUMNS)
    tables: dict[str, tuple[Column, ...]] = {}
    for table, name, *type_row, nullable, has_default in session.fetchall():
        there = tables.setdefault(table, ())
        if name is not None:
            tables[table] = (*there, Column(name, _kind(*type_row), nullable, has_default))
    session.execute(_INDEXES)
    indexes: dict[str, Index] = {}
    for name, table, unique, of_constraint, columns in session.fetchall():
        indexes[name] = Index(name, table, unique, of_constraint, tuple(columns))
    session.execute(_CONSTRAINTS)
    constraints: dict[str, tuple[Constraint, ...]] = {}
    for table, name, kind, columns in session.fetchall():
        found = Constraint(name, _CONSTRAINT_KINDS[kind], tuple(columns))
        constraints[table] = (*constraints.get(table, ()), found)
    session.execute(_NAMES)
    return Catalogue(tables, indexes=indexes, constraints=constraints, **_named(session.fetchall()))


def _named(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    names: dict[str, set[str]] = {}
    types: dict[str, str] = {}
    for kind, name in rows:
        if kind.startswith("type "):
            types[name] = _TYPE_KINDS.get(kind.removeprefix("type "), "base")
        else:
            names.setdefault(kind, set()).add(name)
    views = names.get("relation v", set()) | names.get("relation m", set())
    return {
        "types": types,
        "views": frozenset(views),
        "sequences": frozenset(names.get("relation S", ())),
        "routines": frozenset(names.get("routine", ())),
        "schemas": frozenset(names.get("schema", ())),
        "extensions": frozenset(names.get("extension", ())),
    }


def _kind(schema: str, name: str, size: int, element_schema: str | None, element: str | None) -> str:
    """Name a type as the parser does: `varchar(20)`, `numeric(10,2)`, `cards.state`, `int4[]`."""
    if element is not None and element_schema is not None:
        return f"{_kind(element_schema, element, size, None, None)}[]"
    full = name if schema == "pg_catalog" else f"{schema}.{name}"
    if size < 0:
        return full
    if name == "numeric":
        return f"{full}({(size - 4) >> 16 & 0xFFFF},{(size - 4) & 0x7FF})"
    return f"{full}({size - 4 if name in _TEXT_SIZES else size})"
