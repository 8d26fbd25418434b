"""The judge's labelled set on a real PostgreSQL: after the files, the earlier release's statements are run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from random import Random

import psycopg2
import pytest
from psycopg2.extensions import connection, cursor

from namecard_release.adapters.catalogue import read_catalogue
from namecard_release.adapters.postgres import connected
from namecard_release.adapters.sql.reading import read_sql
from namecard_release.adapters.target_database import PostgresTarget
from namecard_release.adapters.throw_away import throw_away
from namecard_release.domain.compatibility import Safety, judge_changes
from namecard_release.errors import TransientError
from namecard_release.sandbox.state import StateStore
from tests.judge_cases import awkward, columns, constraints, data, hostile, objects
from tests.judge_cases.case import BEFORE, BEFORE_SQL, EMPTY, NOT_SHOWN, OLD_STATEMENTS, ROWS, Case, Proof
from tests.judge_cases.random_files import random_statement

CASES = (*columns.CASES, *constraints.CASES, *objects.CASES, *data.CASES, *awkward.CASES, *hostile.CASES)
RANDOM_FILES = 300
PROVEN = [case for case in CASES if case.proof is not NOT_SHOWN]
# Words that end the transaction which undoes a case, or that must stand outside of one: then it gets its own database.
_ALONE = re.compile(r"\b(commit|begin;|vacuum)\b")


@pytest.fixture(scope="module")
def url(database: StateStore) -> str:
    return database.state.database_url("test")


@contextmanager
def schema_before(url: str) -> Iterator[connection]:
    """A connection to a throw-away database that holds the schema before the files."""
    with throw_away(url) as name, connected(url, name) as opened, opened.cursor() as session:
        session.execute(BEFORE_SQL)
        yield opened


@pytest.fixture(scope="module")
def link(url: str) -> Iterator[connection]:
    with schema_before(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def normal(link: connection) -> dict[Proof, set[str]]:
    """What the earlier release's statements do not do on the schema before, on rows and without any."""
    return {proof: find_broken(link, (), proof) for proof in (ROWS, EMPTY)}


def find_broken(link: connection, files: tuple[str, ...], proof: Proof) -> set[str]:
    """Apply files and give the statements of the earlier release that then fail, or give no row; all is undone."""
    with closing(link.cursor()) as session:
        session.execute("begin")
        try:
            if proof is EMPTY:
                empty_tables(session)
            return broken_after(session, files)
        finally:
            session.execute("rollback")


def empty_tables(session: cursor) -> None:
    session.execute('truncate auth."AuthUser", cards."Card", cards."Event"')
    session.execute("""insert into auth."AuthUser" ("id", "email") values (1, 'a'), (2, 'b')""")


def broken_after(session: cursor, files: tuple[str, ...]) -> set[str]:
    for text in files:
        # Words alone are no query to the driver.
        session.execute(f"select 1;{text}")
    session.execute("reset search_path")
    return {statement for statement in OLD_STATEMENTS if is_broken(session, statement)}


def is_broken(session: cursor, statement: str) -> bool:
    session.execute("savepoint old")
    try:
        session.execute(statement)
        return session.description is not None and not session.fetchall()
    except psycopg2.Error:
        return True
    finally:
        session.execute("rollback to old")


def test_everything_works_before(normal: dict[Proof, set[str]]) -> None:
    assert normal[ROWS] == set()


@pytest.mark.parametrize("case", [case for case in PROVEN if case.label is not Safety.UNKNOWN], ids=str)
def test_a_label_is_what_a_server_shows(url: str, link: connection, normal: dict[Proof, set[str]], case: Case) -> None:
    if any(_ALONE.search(text) for text in case.files):
        with schema_before(url) as own, closing(own.cursor()) as session:
            for text in case.files:
                session.execute(text)
            session.execute("begin")
            broken = broken_after(session, ())
    else:
        broken = find_broken(link, case.files, case.proof) - normal[case.proof]
    assert bool(broken) is (case.label is Safety.UNSAFE), broken


def apply_what_can_be(session: cursor, dice: Random) -> list[str]:
    """Apply statements put together at random, leaving out those that the server refuses."""
    applied = []
    for _ in range(dice.randrange(1, 7)):
        statement = random_statement(dice)
        session.execute("savepoint try")
        try:
            session.execute(statement)
        except psycopg2.Error:
            session.execute("rollback to try")
        else:
            applied.append(statement)
    return applied


@pytest.mark.parametrize("seed", range(0, RANDOM_FILES, 100))
def test_what_is_called_safe_is_safe(link: connection, normal: dict[Proof, set[str]], seed: int) -> None:
    """A hundred files a time: whenever the judge says SAFE, knowing the catalogue or not, everything still works."""
    safe = 0
    for number in range(seed, seed + 100):
        dice = Random(number)
        proof = dice.choice((ROWS, EMPTY))
        with closing(link.cursor()) as session:
            session.execute("begin")
            if proof is EMPTY:
                empty_tables(session)
            applied = apply_what_can_be(session, dice)
            file_text = ";\n".join(applied)
            file = read_sql("random.sql", file_text)
            # Whether a known column takes a new default, only the catalogue knows.
            without = BEFORE if "set default" in file_text else None
            verdicts = {judge_changes([file], known).safety for known in (without, BEFORE)}
            broken = broken_after(session, ()) - normal[proof]
            session.execute("rollback")
        safe += Safety.SAFE in verdicts
        assert not broken or Safety.SAFE not in verdicts, (number, applied, broken)
    assert safe >= 10


def test_many_labels_are_shown() -> None:
    assert sum(case.label is Safety.SAFE for case in PROVEN) >= 60
    assert sum(case.label is Safety.UNSAFE for case in PROVEN) >= 60


def test_the_catalogue_is_read_whole(link: connection, url: str) -> None:
    name = link.info.dbname
    read = PostgresTarget(f"{url.rpartition('/')[0]}/{name}").catalogue()
    assert read == BEFORE


def test_types_are_named_as_the_parser_names_them(link: connection) -> None:
    """Or no widening could be proven."""
    kinds = (
        "varchar, varchar(5), varchar(5)[], text[], bpchar, char(3), numeric, numeric(10,2), timestamptz(3), bit(4), "
    )
    kinds += (
        "int, bigint, boolean, double precision, timestamp, cards.state, cards.state[], interval, time(0), uuid, jsonb"
    )
    kinds_given = re.findall(r"[^,(]+(?:\(.*?\))?(?:\[\])?", kinds)
    sql = f"create table public.kinds ({', '.join(f'c{n} {kind}' for n, kind in enumerate(kinds_given))})"
    with closing(link.cursor()) as session:
        session.execute("begin")
        session.execute(sql)
        read = read_catalogue(session).tables["public.kinds"]
        session.execute("rollback")
    effects = read_sql("f.sql", sql).statements[0].effects[1:]
    assert [(column.name, column.kind) for column in read] == [(effect.name, effect.kind) for effect in effects]
    assert len(read) == 21


def test_an_unreachable_catalogue_is_transient() -> None:
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1/x cannot be reached"):
        PostgresTarget("postgresql://u:s3cret@127.0.0.1:1/x").catalogue()


def test_an_index_tells_every_column_that_it_looks_at(link: connection) -> None:
    with closing(link.cursor()) as session:
        session.execute("begin")
        session.execute('create unique index x on cards."Card" ("id", lower("company")) where "views" > 0')
        index = read_catalogue(session).indexes["cards.x"]
        session.execute("rollback")
    assert index.columns == ("id", "company", "views")
