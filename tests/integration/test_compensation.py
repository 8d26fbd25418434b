"""Each compensating statement run on a real PostgreSQL: the earlier release's statement works again after it."""

from __future__ import annotations

from contextlib import closing

import psycopg2
import pytest

from namecard_release.adapters.rehearsal import PostgresRehearsal
from namecard_release.adapters.sql.reading import read_sql
from namecard_release.domain.compatibility import Safety, judge_changes
from namecard_release.domain.roll_forward import Situation, plan_roll_forward
from namecard_release.sandbox.state import StateStore
from tests.fakes.world import migration

MADE = migration(
    "2026-01-01T0000__cards__create.sql",
    'create schema cards; create table cards."Card" ("id" integer, "Title" varchar(20), "size" numeric(4,1));'
    " create schema attic;",
)
WRITE = """insert into cards."Card" ("id", "Title", "size") values (1, 'x', 2.5), (1, null, null)"""
READ = 'select "id", "Title", "size" from cards."Card"'


@pytest.mark.parametrize(
    "newer",
    [
        'alter table cards."Card" drop column "Title";',
        'alter table cards."Card" drop column "Title", drop column "size";',
        'alter table cards."Card" alter column "size" set not null;',
        'alter table cards."Card" add column "age" integer not null;',
        'alter table cards."Card" rename to "Kard";',
        'alter table cards."Card" set schema attic;',
        'alter table cards."Card" add constraint "Card_id" unique ("id");',
        'alter table cards."Card" add constraint "Card_id" check ("id" > 9);',
        'create unique index "Card_idx" on cards."Card" ("id");',
    ],
)
def test_the_earlier_statements_work_again(database: StateStore, newer: str) -> None:
    file = migration("2026-02-01T0000__cards__newer.sql", newer)
    facts, known = read_sql(file.name, file.sql), read_sql(MADE.name, MADE.sql)
    judged = judge_changes([facts])
    assert judged.safety is Safety.UNSAFE
    plan = plan_roll_forward(Situation("dev", "Api", "b", "a"), judged.safety, judged.reasons, [facts], [known])
    statements = [step.sql for step in plan.steps if step.sql]
    with PostgresRehearsal(database.state.database_url("test")).stage((MADE, file)) as staged:
        address = staged.address
        login = {"user": address.user, "password": address.password, "dbname": address.name}
        with closing(psycopg2.connect(host=address.host, port=address.port, **login)) as link, link.cursor() as session:
            link.autocommit = True
            with pytest.raises(psycopg2.Error):
                session.execute(WRITE)
            for statement in statements:
                session.execute(statement)
            session.execute(WRITE)
            session.execute(READ)
            assert len(session.fetchall()) == 2
