"""Rows changed or removed altogether, with their look-alikes."""

from __future__ import annotations

from tests.lint_cases.case import Case, Label

_UPDATE, _DELETE = "update-every-row", "delete-every-row"

CASES = (
    Case("truncate", Label.EVERY_ROW, "truncate cards.tag;", "truncate"),
    Case("truncate table only", Label.EVERY_ROW, 'TRUNCATE TABLE ONLY cards."Card";', "truncate"),
    Case("truncate two", Label.EVERY_ROW, 'truncate cards.tag,\n cards."Card";', "truncate truncate"),
    Case("truncate cascade", Label.EVERY_ROW, 'truncate auth."AuthUser" cascade;', "truncate"),
    Case("truncate in DO", Label.EVERY_ROW, "do $$\nbegin\n  truncate cards.tag;\nend $$;", "truncate@3"),
    Case(
        "truncate in an IF in DO",
        Label.EVERY_ROW,
        "do $$ begin if exists (select 1) then\n truncate cards.tag;\nend if; end $$;",
        "truncate@2",
    ),
    Case(
        "truncate executed",
        Label.EVERY_ROW,
        "do $$ begin execute 'truncate cards.tag'; end $$;",
        "truncate",
        "dynamic-sql-read",
    ),
    Case("truncate, marked", Label.EVERY_ROW, "-- lint-ignore:truncate\ntruncate cards.tag;"),
    Case(
        "truncate, another rule marked", Label.EVERY_ROW, "-- lint-ignore:drop-table\ntruncate cards.tag;", "truncate@2"
    ),
    Case(
        "truncate, the marker in a string",
        Label.EVERY_ROW,
        "select '-- lint-ignore:truncate';\ntruncate cards.tag;",
        "truncate@2",
    ),
    Case(
        "truncate, the marker in a dollar quote",
        Label.EVERY_ROW,
        "select $$ -- lint-ignore:truncate $$; truncate cards.tag;",
        "truncate",
    ),
    Case(
        "truncate, the marker above another statement",
        Label.EVERY_ROW,
        "-- lint-ignore:truncate\nselect 1;\ntruncate cards.tag;",
        "truncate@3",
    ),
    Case(
        "truncate, the marker names no rule",
        Label.EVERY_ROW,
        "-- lint-ignore:truncat\ntruncate cards.tag;",
        "truncate@2",
        "unknown-ignore",
    ),
    Case("truncate of an own table", Label.INNOCENT, "create table fresh_one (id int); truncate fresh_one;"),
    Case(
        "truncate of an own temporary table",
        Label.INNOCENT,
        "create temp table t on commit drop as select 1 as id; truncate t;",
    ),
    Case(
        "truncate of a table that may have been there",
        Label.EVERY_ROW,
        "create table if not exists cards.tag (id int); truncate cards.tag;",
        "truncate",
    ),
    Case(
        "truncate of a table made in DO",
        Label.EVERY_ROW,
        "do $$ begin if false then create table cards.tag (id int); end if; end $$; truncate cards.tag;",
        "truncate",
        "ddl-in-do",
    ),
    Case(
        "truncate of a table of another schema",
        Label.EVERY_ROW,
        "create table tag (id int); truncate cards.tag;",
        "truncate",
    ),
    Case(
        "truncate after the search path changed",
        Label.EVERY_ROW,
        "create table tag (id int); set local search_path = cards; truncate tag;",
        "truncate",
    ),
    Case("truncate in a comment", Label.INNOCENT, "-- truncate cards.tag;\nselect 1;"),
    Case(
        "truncate as a name", Label.INNOCENT, 'create table "truncate" (id int); select id as truncate from "truncate";'
    ),
    Case(
        "a trigger on truncate",
        Label.INNOCENT,
        "create function fresh_f() returns trigger language plpgsql as $$ begin truncate cards.tag; return null;"
        " end $$;",
    ),
    Case("update", Label.EVERY_ROW, 'update cards."Card" set hits = 0;', _UPDATE),
    Case("update in lower lines", Label.EVERY_ROW, '\n\nupdate cards."Card"\n  set hits = 0;', f"{_UPDATE}@3"),
    Case("update where true", Label.EVERY_ROW, "update cards.tag set label = 'x' where true;", _UPDATE),
    Case("update where 1 = 1", Label.EVERY_ROW, "update cards.tag set label = 'x' where 1 = 1;", _UPDATE),
    Case("update where id = id", Label.EVERY_ROW, "update cards.tag set label = 'x' where id = id;", _UPDATE),
    Case("update where true or", Label.EVERY_ROW, "update cards.tag set label = 'x' where id = 1 or true;", _UPDATE),
    Case("update where a constant holds", Label.EVERY_ROW, "update cards.tag set label = 'x' where 2 > 1;", _UPDATE),
    Case("update where now is", Label.EVERY_ROW, "update cards.tag set label = 'x' where now() is not null;", _UPDATE),
    Case(
        "update from without where",
        Label.EVERY_ROW,
        'update cards.tag set label = u.email from auth."AuthUser" u;',
        _UPDATE,
    ),
    Case(
        "update in a CTE",
        Label.EVERY_ROW,
        "with done as (update cards.tag set label = 'x' returning id) select count(*) from done;",
        _UPDATE,
    ),
    Case(
        "update in DO",
        Label.EVERY_ROW,
        "do $$\ndeclare n int;\nbegin\n update cards.tag\n set label = 'x';\nend $$;",
        f"{_UPDATE}@4",
    ),
    Case(
        "update explained and analysed", Label.EVERY_ROW, "explain analyze update cards.tag set label = 'x';", _UPDATE
    ),
    Case("update explained", Label.INNOCENT, "explain update cards.tag set label = 'x';"),
    Case("update with where", Label.INNOCENT, "update cards.tag set label = 'x' where id = 99;"),
    Case("update where false", Label.INNOCENT, "update cards.tag set label = 'x' where false;"),
    Case(
        "update where in a query",
        Label.INNOCENT,
        "update cards.tag set label = 'x' where exists (select 1 from auth.\"AuthUser\" u where u.id = tag.id + 90);",
    ),
    Case("update of an own table", Label.INNOCENT, "create table fresh_one (id int); update fresh_one set id = 1;"),
    Case(
        "insert on conflict do update",
        Label.INNOCENT,
        "insert into cards.tag values (9, 'x') on conflict (id) do update set label = 'y';",
    ),
    Case("select for update", Label.INNOCENT, "select id from cards.tag for update;"),
    Case(
        "on update cascade",
        Label.INNOCENT,
        "create table fresh_one (id int primary key);"
        " create table fresh_two (id int references fresh_one on update cascade);",
    ),
    Case("delete", Label.EVERY_ROW, "delete from cards.tag;", _DELETE),
    Case(
        "delete in a CTE",
        Label.EVERY_ROW,
        "create table fresh_one (id int, label text);\nwith gone as (delete from cards.tag returning *)\n"
        "insert into fresh_one select * from gone;",
        f"{_DELETE}@2",
    ),
    Case("delete using without where", Label.EVERY_ROW, 'delete from cards.tag using auth."AuthUser";', _DELETE),
    Case("delete where not false", Label.EVERY_ROW, "delete from cards.tag where not false;", _DELETE),
    Case("delete prepared", Label.EVERY_ROW, "prepare p as delete from cards.tag; execute p; deallocate p;", _DELETE),
    Case(
        "delete in a loop",
        Label.EVERY_ROW,
        "do $$ declare r record;\nbegin for r in select 1 loop\n delete from cards.tag; end loop; end $$;",
        f"{_DELETE}@3",
    ),
    Case("delete with where", Label.INNOCENT, "delete from cards.tag where id > 90;"),
    Case("delete of an own table", Label.INNOCENT, "create table fresh_one as select 1 as id; delete from fresh_one;"),
    Case(
        "delete after the savepoint of its table",
        Label.EVERY_ROW,
        "savepoint s; alter table cards.tag rename to old_tag;\n"
        "create table cards.tag (id int); rollback to s;\ndelete from cards.tag;",
        f"rename {_DELETE}@3",
    ),
    Case(
        "delete in the body of a function that is called",
        Label.EVERY_ROW,
        "create function fresh_f() returns void language sql as $$ delete from cards.tag $$;\nselect fresh_f();",
        warnings="own-routine-called@2",
    ),
    Case(
        "delete in a function's body",
        Label.INNOCENT,
        "create function fresh_f() returns void language sql as $$ delete from cards.tag $$;",
    ),
    Case(
        "on delete cascade",
        Label.INNOCENT,
        "create table fresh_one (id int primary key, tag int references cards.tag on delete cascade);",
    ),
    Case(
        "merge",
        Label.EVERY_ROW,
        "merge into cards.tag t using (select 1 as n) s on s.n = 1 when matched then update set label = 'x';",
        warnings="merge",
    ),
    Case(
        "merge into an own table",
        Label.INNOCENT,
        "create table fresh_one (id int); merge into fresh_one t using cards.tag s on s.id = t.id"
        " when not matched then insert values (s.id);",
    ),
    Case(
        "insert select",
        Label.INNOCENT,
        "create table fresh_one (id int); insert into fresh_one select id from cards.tag;",
    ),
)
