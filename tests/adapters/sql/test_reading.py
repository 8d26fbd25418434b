"""The reader of migration files: lines and texts, quoting, markers, what is no SQL, and every command of PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from namecard_release.adapters.sql.reading import read_file, read_sql
from namecard_release.domain.sql import Effect, Obstacle, Trait, Verb
from namecard_release.errors import MisuseError

COMMANDS = (Path(__file__).parent / "commands.sql").read_text(encoding="utf-8").splitlines()


def effects(text: str) -> list[Effect]:
    return [effect for statement in read_sql("x.sql", text).statements for effect in statement.effects]


def told(text: str) -> list[tuple[Verb, int, str, str]]:
    return [(e.verb, e.line, e.relation, e.name) for e in effects(text)]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_read(command: str) -> None:
    file = read_sql("x.sql", f"-- é\n{command};")
    # A DO block is read by a parser of its own, which knows no table of its variables.
    if not command.startswith("do"):
        assert file.unreadable == ()
    (statement,) = file.statements
    assert (statement.line, statement.text) == (2, command)
    assert all(e.line == 2 and "None" not in f"{e.relation}{e.name}{e.kind}" for e in statement.effects)
    assert statement.effects or command == "table a"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("select 1;\nselect 2;", [1, 2]),
        ("select 1; select 2;\n\nselect 3", [1, 1, 3]),
        ("select 1;\r\nselect 2;\r\n", [1, 2]),
        ("-- é😀\n\nselect 'é😀';\n/* é\n */ select 2;\nselect 3", [3, 5, 6]),
        ("/* a /* b\n */ c */\nselect 1;", [3]),
        ("select 1\n;\n;\n\nselect 2", [1, 5]),
        ("select $a$\n;\n$$\n$a$;\nselect 2;", [1, 5]),
        ("select E'\\';\n' ;\nselect 2;", [1, 3]),
        ("select 'a''\n;';\nselect \"b\"\";\n\" from c;\nselect 3", [1, 3, 5]),
        ("create function f() returns int begin atomic\n select 1;\n select 2;\nend;\nselect 1;", [1, 5]),
        ("", []),
        ("-- nothing\n/* at all */", []),
        (";;", []),
    ],
)
def test_a_statement_is_on_the_line_of_its_first_word(text: str, lines: list[int]) -> None:
    file = read_sql("x.sql", text)
    assert [statement.line for statement in file.statements] == lines
    assert file.unreadable == ()
    assert all(statement.text in text for statement in file.statements)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("do $$\nbegin\n  truncate a;\nend $$;", [3]),
        ("do $$ begin\n\n  -- é\n  truncate a; truncate b;\nend $$;", [4, 4]),
        ("-- é\n\ndo\nlanguage plpgsql\n$body$\ndeclare\n  n int;\nbegin\n  truncate a;\nend\n$body$;", [9]),
        ("do /* it's $$ */ $$ begin\ntruncate a; end $$;", [2]),
        ("do 'begin\n\ntruncate a; end';", [3]),
        ("do $$ begin if true then\n truncate a;\n else\n truncate b; end if; end $$;", [2, 4]),
        ("select 1; do $$\r\nbegin\r\n  truncate a;\r\nend $$;", [3]),
        ("do $$ begin\n perform 1;\n execute 'truncate a';\n end $$", [3]),
        ("do $$ begin\n with d as (select 1)\n delete from a; truncate a; end $$", [3]),
    ],
)
def test_what_hides_in_a_do_block_is_on_its_own_line(text: str, lines: list[int]) -> None:
    found = [effect for effect in effects(text) if effect.verb is Verb.TRUNCATE]
    assert [effect.line for effect in found] == lines
    assert all(effect.has(Trait.NESTED) for effect in found)


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("truncate a", "public.a"),
        ("truncate A", "public.a"),
        ('truncate "A"', "public.A"),
        ('truncate cards."Card"', "cards.Card"),
        ('truncate U&"d\\0061t"', "public.dat"),
        ("set search_path = cards; truncate a", "cards.a"),
        ("set search_path to cards, public; truncate a", "cards.a"),
        ("set search_path = cards; reset search_path; truncate a", "public.a"),
        ("create temp table a (id int); truncate a", "pg_temp.a"),
        ("create temp table a (id int); truncate public.a", "public.a"),
        ("create temp table a (id int); drop table a; truncate a", "public.a"),
        ("select 1 into temp a; truncate a", "pg_temp.a"),
    ],
)
def test_names_are_as_postgresql_stores_them(text: str, relation: str) -> None:
    assert effects(text)[-1].relation == relation


@pytest.mark.parametrize(
    ("where", "narrows"),
    [
        ("", False), ("where true", False), ("where 't'::boolean", False), ("where 1 = 1", False),
        ("where 1 <> 2", False),
        ("where 'a' = 'a'", False), ("where id = id", False), ("where a.id >= a.id", False), ("where not false", False),
        ("where true and 1 = 1", False), ("where id = 1 or true", False), ("where (true) is true", False),
        ("where 0 = 0", False), ("where '' = ''", False),
        ("where id = 1", True), ("where 1 = 2", True), ("where false", True), ("where null", True),
        ("where 1 <> 1", True),
        ("where id is not null", True), ("where true and id = 1", True), ("where not true", True),
        ("where id <> id", True),
        ("where exists (select 1)", True), ("where id in (select 1)", True),
        ("where current_date > '2020-01-01'", False),
        ("where now() is not null", False), ("where 2 > 1", False), ("where id = 1 or 2 > 1", False),
        ("where 'f'::boolean", True), ("where 1 = 1 and 1 = 2", True), ("where id = $1", True),
        ("where id = 1 and now() is not null", True),
    ],
)  # fmt: skip
def test_a_where_that_is_true_of_every_row_is_none(where: str, narrows: bool) -> None:
    assert effects(f"delete from a {where}")[0].has(Trait.WHERE) is narrows


@pytest.mark.parametrize(
    ("body", "readable", "verbs"),
    [
        ("execute 'drop table a'", True, [Verb.DROP]),
        ("execute 'drop table a; drop table b'", True, [Verb.DROP, Verb.DROP]),
        ("execute 'drop table ' || quote_ident(n)", True, [Verb.DROP]),
        ("execute format('drop table %I.%I', n, n)", True, [Verb.DROP]),
        ("execute format('insert into a values (%L, ''50%%'')', n)", True, [Verb.INSERT]),
        ("execute concat('drop table ', n)", True, [Verb.DROP]),
        ("execute 'truncate a'::text using n", True, [Verb.TRUNCATE]),
        ("execute n", False, []),
        ("execute n || n", False, []),
        ("execute f('drop table a')", False, []),
        ("execute format(n, 1)", False, []),
        ("execute format('%s table a', n)", False, []),
        ("execute null", False, []),
    ],
)
def test_dynamic_sql_is_read_as_far_as_it_is_there(body: str, readable: bool, verbs: list[Verb]) -> None:
    found = effects(f"do $$ declare n text; begin {body}; end $$")
    (dynamic,) = [effect for effect in found if effect.verb is Verb.DYNAMIC]
    assert dynamic.has(Trait.READABLE) is readable
    assert [effect.verb for effect in found if effect.has(Trait.DYNAMIC)] == verbs


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("-- lint-ignore:rename\nselect 1;", [(1, "rename")]),
        ("select 1; -- lint-ignore: truncate, drop-table because it's unused", [(1, "truncate"), (1, "drop-table")]),
        ("/* x\n lint-ignore:rename: why */", [(2, "rename")]),
        ("-- LINT-IGNORE : Rename", [(1, "rename")]),
        ("-- lint-ignore:squawk:ban-char-field", [(1, "squawk:ban-char-field")]),
        ("select '-- lint-ignore:rename';", []),
        ("select $$ -- lint-ignore:rename $$;", []),
        ("select E'\\' -- lint-ignore:rename';", []),
        ('select 1 as "-- lint-ignore:rename";', []),
        ("-- lint-ignore:", []),
    ],
)
def test_markers_are_in_comments_only(text: str, rules: list[tuple[int, str]]) -> None:
    assert [(marker.line, marker.rule) for marker in read_sql("x.sql", text).markers] == rules


@pytest.mark.parametrize(
    ("text", "obstacle", "line"),
    [
        ("select 1;\nselec 2;", Obstacle.SYNTAX, 2),
        ("select 'é';\nalter table a\n  ad b int;", Obstacle.SYNTAX, 3),
        ("select 1 from", Obstacle.SYNTAX, 1),
        ("select 'x", Obstacle.SYNTAX, 1),
        ("\ufeffselect 1", Obstacle.SYNTAX, 1),
        ("select 1;\n\\i x.sql", Obstacle.PSQL, 2),
        ("select 1 \\gexec\nselect 2", Obstacle.PSQL, 1),
        ("\\echo it's\nselect 1;", Obstacle.PSQL, 1),
        ("select 1;\nselect \\notpsql;", Obstacle.SYNTAX, 2),
        ("do $$ begin x y; end $$", Obstacle.BODY, 1),
        ("do language plx $$ $$", Obstacle.BODY, 1),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, obstacle: Obstacle, line: int) -> None:
    (piece,) = read_sql("x.sql", text).unreadable
    assert (piece.obstacle, piece.line) == (obstacle, line)
    assert "\n" not in piece.message


def test_what_stands_around_an_error_is_read_all_the_same() -> None:
    file = read_sql(
        "x.sql", "truncate a;\nselec;\ncreate rule r as on insert to a do (select 1; select 2);\ncommit;\n\\q\n"
    )
    assert [(s.line, s.effects[0].verb) for s in file.statements] == [
        (1, Verb.TRUNCATE), (3, Verb.OTHER), (4, Verb.TRANSACTION)
    ]  # fmt: skip
    assert [piece.line for piece in file.unreadable] == [2, 5]


@pytest.mark.parametrize(
    "text",
    [
        "Dear all,\nplease deploy.", "# Title\n\nSome text.", '{"select": 1}', "import os\nprint(1)", "hello",
        "Update the table before you go.", "Select a plan and show it to us", "key: value\n", "1,2,3\n",
        "<html></html>",
        "\\documentclass{article}", "don't", "select\0 1", "Comment your code; always.", "Start here.",
    ],
)  # fmt: skip
def test_a_text_that_is_no_sql_is_misuse(text: str) -> None:
    with pytest.raises(MisuseError, match=r"^x\.sql is not SQL: [^\n]*$"):
        read_sql("x.sql", text)


@pytest.mark.parametrize(
    "text",
    [
        "selec 1;select 1",
        "select a fro b c;",
        "update the_table sett a",
        "( select",
        "commit work x;",
        "/* open",
        "<<<<<<< HEAD\nselect 1;\n=======\nselect 2;\n>>>>>>> x",
    ],
)
def test_broken_sql_is_sql(text: str) -> None:
    assert read_sql("x.sql", text).unreadable


def test_a_file_that_cannot_be_read_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="cannot be read: No such file"):
        read_file(tmp_path / "absent.sql")
    with pytest.raises(MisuseError, match="cannot be read: Is a directory"):
        read_file(tmp_path)
    latin = tmp_path / "latin.sql"
    latin.write_bytes("select 'é';".encode("latin-1"))
    with pytest.raises(MisuseError, match="is not UTF-8: byte 8"):
        read_file(latin)


def test_deep_nesting_is_an_error_of_the_file() -> None:
    (piece,) = read_sql("x.sql", f"select {'(' * 20000}1{')' * 20000};").unreadable
    assert piece.obstacle is Obstacle.SYNTAX


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("with d as (delete from a) insert into b select 1", [(Verb.DELETE, "public.a"), (Verb.INSERT, "public.b")]),
        ("create table x as with y as (delete from z returning *) select * from y",
         [(Verb.DELETE, "public.z"), (Verb.CREATE_TABLE, "public.x")]),
        ("explain analyze delete from a", [(Verb.DELETE, "public.a")]),
        ("prepare p as delete from a", [(Verb.DYNAMIC, ""), (Verb.DELETE, "public.a")]),
        ("copy a to program 'x'", [(Verb.SERVER, ""), (Verb.QUERY, "")]),
        ("create schema s create table t (id int)",
         [(Verb.CREATE_OBJECT, "s"), (Verb.CREATE_TABLE, "s.t"), (Verb.ADD_COLUMN, "s.t")]),
        ("alter schema a rename to b", [(Verb.RENAME, "a")]),
        ("create domain d as int", [(Verb.CREATE_TYPE, "public.d")]),
        ("drop owned by x", [(Verb.DROP, "x")]),
    ],
)  # fmt: skip
def test_a_statement_is_told_by_all_its_effects(text: str, expected: list[tuple[Verb, str]]) -> None:
    assert [(e.verb, e.relation) for e in effects(text)] == expected


@pytest.mark.parametrize(
    ("text", "kind", "traits"),
    [
        ("set lock_timeout = 0", "set", {Trait.UNLIMITED}),
        ("set local lock_timeout to '0ms'", "set", {Trait.UNLIMITED, Trait.LOCAL}),
        ("set statement_timeout = '10'", "set", set()),
        ("set lock_timeout to default", "reset", set()),
        ("reset lock_timeout", "reset", set()),
        ("set transaction read only", "set", {Trait.LOCAL}),
        ("set session characteristics as transaction read only", "set", set()),
        ("set work_mem = 0", "set", set()),
        ("discard all", "discard", set()),
    ],
)
def test_settings(text: str, kind: str, traits: set[Trait]) -> None:
    (effect,) = effects(text)
    assert (effect.verb, effect.kind, set(effect.traits)) == (Verb.SESSION, kind, traits)


def test_constants_are_given_where_enum_values_are_added() -> None:
    text = "alter type m add value 'b'; insert into a values ('b', 1, null, 'it''s'); do $$ begin x := 'c'; end $$"
    assert [set(s.literals) for s in read_sql("x.sql", text).statements][1:] == [{"b", "it's"}, {"c"}]
    assert read_sql("x.sql", "insert into a values ('b')").statements[0].literals == ()


def test_a_text_is_read_once_whatever_its_name() -> None:
    first, second = read_sql("services/a/migrations/x.sql", "select 1;"), read_sql("x.sql", "select 1;")
    assert (first.name, second.name) == ("services/a/migrations/x.sql", "x.sql")
    assert first.statements is second.statements
