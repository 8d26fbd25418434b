"""Settings, time limits, temporary tables, and texts that are no statements; with their look-alikes."""

from __future__ import annotations

from tests.lint_cases.case import Case, Label

_SYNTAX = "42601"

CASES = (
    Case("lock_timeout = 0", Label.LIFTS, "set local lock_timeout = 0; select 1;", "no-time-limit"),
    Case("lock_timeout to '0s'", Label.LIFTS, "set local lock_timeout to '0s';", "no-time-limit"),
    Case("statement_timeout = 0", Label.LIFTS, "SET LOCAL statement_timeout = '0';", "no-time-limit"),
    Case("session lock_timeout = 0", Label.LIFTS, "set lock_timeout = 0;", "no-time-limit", "session-setting"),
    Case("lock_timeout = 0 in DO", Label.LIFTS, "do $$ begin set local lock_timeout = 0; end $$;", "no-time-limit"),
    Case("local lock_timeout", Label.INNOCENT, "set local lock_timeout = '5s'; set local statement_timeout = 60000;"),
    Case("lock_timeout = 0 in a comment", Label.INNOCENT, "-- set lock_timeout = 0;\nselect 'set lock_timeout = 0';"),
    Case("a limit of ten", Label.INNOCENT, "set local lock_timeout = 100;"),
    Case("session search_path", Label.LEAKS, "set search_path = cards;", warnings="session-setting"),
    Case("session setting", Label.LEAKS, "set work_mem = '8MB';", warnings="session-setting"),
    Case("session setting, marked", Label.LEAKS, "set work_mem = '8MB'; -- lint-ignore:session-setting"),
    Case(
        "session characteristics",
        Label.LEAKS,
        "set session characteristics as transaction isolation level serializable;",
        warnings="session-setting",
    ),
    Case("setting reset", Label.INNOCENT, "set work_mem = '8MB'; select 1; reset work_mem;"),
    Case("all settings reset", Label.INNOCENT, "set work_mem = '8MB'; reset all;"),
    Case("setting reset before", Label.LEAKS, "reset work_mem; set work_mem = '8MB';", warnings="session-setting"),
    Case("local setting", Label.INNOCENT, "set local search_path = cards; select id from tag;"),
    Case("transaction setting", Label.INNOCENT, "set transaction isolation level serializable;"),
    Case(
        "a function's own setting",
        Label.INNOCENT,
        "create function fresh_f() returns int language sql set work_mem = '8MB' as 'select 1';",
    ),
    Case("set of an update", Label.INNOCENT, "update cards.tag set label = 'search_path' where id = 99;"),
    Case("temporary table", Label.LEAKS, "create temp table t (id int);", warnings="temp-table"),
    Case(
        "temporary table of a query", Label.LEAKS, "create temporary table t as select 1 as id;", warnings="temp-table"
    ),
    Case("select into temp", Label.LEAKS, "select 1 as id into temp t;", warnings="temp-table"),
    Case("temp as a name", Label.INNOCENT, "create table temp (id int);"),
    Case("create role", Label.REFUSED, "create role fresh_r;", warnings="server-wide", code="42501"),
    # --- no statements
    Case("misspelt", Label.REFUSED, "select 1;\n\nselec 1;", "syntax-error@3", code=_SYNTAX),
    Case("no end", Label.REFUSED, "create table fresh_one (id int", "syntax-error", code=_SYNTAX),
    Case("open string", Label.REFUSED, "select 1;\nselect 'x;", "syntax-error@2", code=_SYNTAX),
    Case(
        "a marker silences no syntax error",
        Label.REFUSED,
        "-- lint-ignore:syntax-error\nselect 1 frm x y;",
        "syntax-error@2",
        code=_SYNTAX,
    ),
    Case(
        "syntax error in a later line",
        Label.REFUSED,
        "select 'é😀';\nalter table cards.tag\n  ad column x int;",
        "syntax-error@3",
        code=_SYNTAX,
    ),
    Case(
        "two syntax errors",
        Label.REFUSED,
        "select 1 frm x y;\nselect 1;\nupdate cards.tag sett label = 1;",
        "syntax-error syntax-error@3",
        code=_SYNTAX,
    ),
    Case(
        "syntax error and a commit",
        Label.REFUSED,
        "create table fresh_one (id int); commit;\nselec;",
        "own-transaction syntax-error@2",
        code=_SYNTAX,
    ),
    Case("byte order mark", Label.REFUSED, "\ufeffselect 1;", "syntax-error", code=_SYNTAX),
    Case("syntax error in DO", Label.REFUSED, "do $$ begin x y z; end $$;", "unreadable-do", code=_SYNTAX),
    Case("DO in another language", Label.REFUSED, "do language plnone $$ x $$;", "unreadable-do", code="42704"),
    Case("psql include", Label.REFUSED, "\\i other.sql\nselect 1;", "psql-command", code=_SYNTAX),
    Case("psql set", Label.REFUSED, "select 1;\n\\set ON_ERROR_STOP on\n", "psql-command@2", code=_SYNTAX),
    Case("psql gexec", Label.REFUSED, "select 'truncate cards.tag'\\gexec", "psql-command", code=_SYNTAX),
    Case(
        "psql echo with a quote",
        Label.REFUSED,
        "\\echo it's\ntruncate cards.tag;",
        "psql-command truncate@2",
        code=_SYNTAX,
    ),
    Case("psql in a string", Label.INNOCENT, "insert into cards.tag values (9, '\n\\i other.sql\n');"),
    Case("psql in a comment", Label.INNOCENT, "/*\n\\i other.sql\n*/ select 1;"),
    Case("psql in a dollar quote", Label.INNOCENT, "select $x$\n\\connect y\n$x$;"),
    Case("empty", Label.INNOCENT, "", warnings="empty-file"),
    Case("comments alone", Label.INNOCENT, "-- nothing\n/* at /* all */ */\n", warnings="empty-file"),
    Case("semicolons alone", Label.INNOCENT, ";;\n;", warnings="empty-file"),
    Case("no last semicolon", Label.INNOCENT, "select 1;\nselect 2"),
    Case("a bracketed query", Label.INNOCENT, "(select 1) union (select 2);"),
    Case("one line", Label.EVERY_ROW, "select 1; select 2; truncate cards.tag; select 3;", "truncate"),
)
