"""What a migration file's statements do, as typed facts. Parsing SQL is an adapter's; judging the facts is elsewhere.

Names of relations are `schema.name` as PostgreSQL stores them (quotes gone, case kept); a name that the file does not
qualify is taken to be in the file's search path, `public` when it sets none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """One thing that a statement does. What no verb names is OTHER, which nobody may take for harmless."""

    CREATE_TABLE = "create table"
    CREATE_INDEX = "create index"
    CREATE_VIEW = "create view"
    CREATE_ROUTINE = "create routine"
    CREATE_TYPE = "create type"
    CREATE_TRIGGER = "create trigger"
    CREATE_POLICY = "create policy"
    CREATE_OBJECT = "create"
    DROP = "drop"
    RENAME = "rename"
    SET_SCHEMA = "set schema"
    ADD_COLUMN = "add column"
    DROP_COLUMN = "drop column"
    SET_TYPE = "alter column type"
    SET_NOT_NULL = "set not null"
    DROP_NOT_NULL = "drop not null"
    SET_DEFAULT = "set default"
    DROP_DEFAULT = "drop default"
    ADD_IDENTITY = "add identity"
    DROP_IDENTITY = "drop identity"
    DROP_EXPRESSION = "drop expression"
    ADD_CONSTRAINT = "add constraint"
    VALIDATE_CONSTRAINT = "validate constraint"
    DROP_CONSTRAINT = "drop constraint"
    ATTACH_PARTITION = "attach partition"
    DETACH_PARTITION = "detach partition"
    ENABLE_ROW_SECURITY = "enable row security"
    DISABLE_ROW_SECURITY = "disable row security"
    CHANGE_OWNER = "change owner"
    TUNE = "tune"
    ADD_ENUM_VALUE = "add enum value"
    RENAME_ENUM_VALUE = "rename enum value"
    ALTER_OBJECT = "alter"
    GRANT = "grant"
    REVOKE = "revoke"
    COMMENT = "comment"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"
    COPY_IN = "copy from"
    TRUNCATE = "truncate"
    QUERY = "query"
    CALL = "call"
    DYNAMIC = "dynamic sql"
    DO = "do"
    TRANSACTION = "transaction"
    SAVEPOINT = "savepoint"
    SESSION = "session setting"
    MAINTENANCE = "maintenance"
    SERVER = "server"
    OTHER = "other"


class Trait(StrEnum):
    """A detail of an effect that a rule asks for."""

    NOT_NULL = "not null"
    DEFAULT = "default"
    VOLATILE = "volatile default"
    GENERATED = "generated"
    ALWAYS = "generated always as identity"
    UNIQUE = "unique"
    PRIMARY = "primary key"
    CHECK = "check"
    FOREIGN = "foreign key"
    EXCLUDE = "exclude"
    NULLS_NOT_DISTINCT = "nulls not distinct"
    TESTS_NULL = "tests for null"
    # Of a new CHECK: what it says of a row that does not name its columns, shown and not guessed.
    CHECK_PASSES = "check passes"
    CHECK_FAILS = "check fails"
    # Of a default, a generated column or an index: the expression is not shown to give a value for every row.
    UNPROVEN = "unproven expression"
    # Of a default: another value for each row, so that a unique column may have it.
    DISTINCT = "distinct default"
    EXPRESSION = "expression"
    # Of a foreign key: its rows keep the rows they point to from being deleted, or go with them.
    HOLDS = "on delete refused"
    FOLLOWS = "on delete cascade"
    INHERITS = "inherits"
    CASTS = "casts"
    IF_EXISTS = "if exists"
    IF_NOT_EXISTS = "if not exists"
    REPLACE = "or replace"
    CASCADE = "cascade"
    NOT_VALID = "not valid"
    USING_INDEX = "using index"
    CONCURRENT = "concurrently"
    TEMPORARY = "temporary"
    WHERE = "where"
    UPSERT = "on conflict do update"
    STDIN = "from stdin"
    NESTED = "in a do block"
    CONDITIONAL = "in a branch of a do block"
    IN_CTE = "in a cte"
    DYNAMIC = "in dynamic sql"
    READABLE = "its text can be read"
    LOCAL = "local"
    UNLIMITED = "no limit"
    ON_COMMIT_DROP = "on commit drop"


# Among the functions that a query calls: a sequence set to what the file says and not to what the rows have.
SETVAL_TO_CONSTANT = "setval to a constant"


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect, at a 1-based line of the file.

    `relation` is the table or object acted on; `name` a part of it (column, constraint, trigger), an index, a new name
    or the statement's own word (`commit`); `kind` the object's type, a column's new type, or the narrowest type of a
    new default that is a text; `columns` those concerned (for a query, the functions that it calls); `target` the other
    relation: the one that a foreign key points to, the parent of a partition.
    """

    verb: Verb
    line: int
    relation: str = ""
    name: str = ""
    kind: str = ""
    columns: tuple[str, ...] = ()
    traits: frozenset[Trait] = frozenset()
    target: str = ""

    def has(self, *traits: Trait) -> bool:
        """Tell whether the effect has any of the traits."""
        return not self.traits.isdisjoint(traits)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: the line of its first word, its text without the semicolon, its effects.

    `literals` are its string constants, given only in a file that adds enum values.
    """

    line: int
    text: str
    effects: tuple[Effect, ...]
    literals: tuple[str, ...] = ()


class Obstacle(StrEnum):
    """Why a piece of a file could not be read as a statement."""

    SYNTAX = "syntax"
    PSQL = "psql"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A piece that is no statement: a syntax error, a psql meta command, or a DO body that cannot be read."""

    line: int
    obstacle: Obstacle
    message: str


@dataclass(frozen=True, slots=True)
class Marker:
    """A comment that asks to ignore one rule of the lint: `-- lint-ignore:<rule>`."""

    line: int
    rule: str


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A file read: its statements in order, what could not be read, and its markers."""

    name: str
    statements: tuple[Statement, ...]
    unreadable: tuple[Unreadable, ...] = ()
    markers: tuple[Marker, ...] = ()
