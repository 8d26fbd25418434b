"""The rehearsal on a real PostgreSQL: an earlier release's own test program against a newer release's schema."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import pytest

from namecard_release.adapters.commands import ProcessRunner
from namecard_release.adapters.rehearsal import PostgresRehearsal
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.migrations import MigrationFile
from namecard_release.domain.rehearsal import RehearsalMode
from namecard_release.domain.safety import SafetyVerdict, digest_schema
from namecard_release.errors import PermanentError, TransientError
from namecard_release.gate_settings import Command
from namecard_release.sandbox.processes import free_port
from namecard_release.sandbox.state import StateStore
from namecard_release.workflow.rehearsing import rehearse_rollback, variables
from tests.domain.cases import promotion
from tests.fakes.world import A, B, World, migration

CARDS = migration(
    "2026-01-01T0000__cards__create.sql",
    'create schema cards; create table cards."Card" (id integer primary key, name text not null, title text);',
)
# What A's services do: write a row and read the columns that they know.
PROGRAM = """
import os, psycopg2
link = psycopg2.connect(host=os.environ["DB_HOST"], port=os.environ["DB_PORT"], user=os.environ["DB_USER"],
                        password=os.environ["DB_PASSWORD"], dbname=os.environ["DB_NAME"])
with link, link.cursor() as session:
    session.execute('insert into cards."Card" (id, name, title) values (7, %s, %s)', ("Ada", "Countess"))
    session.execute('select id, name, title from cards."Card" where id = 7')
    assert session.fetchone() == (7, "Ada", "Countess")
link.close()
print("1 row written and read, password", os.environ["DB_PASSWORD"])
"""


@pytest.fixture
def url(database: StateStore) -> Iterator[str]:
    url = database.state.database_url("test")
    before = databases(url)
    yield url
    assert databases(url) == before


def databases(url: str) -> set[str]:
    with closing(psycopg2.connect(url)) as link, link.cursor() as session:
        session.execute("select datname from pg_database")
        return {name for (name,) in session.fetchall()}


@dataclass
class Theatre:
    """A platform whose releases have migrations and one test program, and a real server and process runner."""

    folder: Path
    url: str | None

    def rehearse(self, newer: str, *argv: str, program: str = PROGRAM, own: str = "") -> GateResult:
        """Rehearse going back from B, whose migrations end with the SQL `newer`, to A."""
        world = World(self.folder)
        files = (CARDS, migration("2026-02-01T0000__cards__change.sql", newer))
        first = (CARDS, migration("2026-01-02T0000__cards__own.sql", own)) if own else (CARDS,)
        world.files = {A: first, B: files}
        pipeline = world.pipeline()
        pipeline.repository.checkout(A).joinpath("test_database.py").write_text(program)
        command = Command(argv=argv or (sys.executable, "test_database.py"), timeout_seconds=60)
        install = Command(argv=(sys.executable, "-c", "pass"))
        update = {"rehearsal": (command,), "install": install, "prepare": ()}
        settings = pipeline.settings
        one = settings.environment("staging").model_copy(update={"rehearsal": RehearsalMode.ALWAYS})
        settings = settings.model_copy(update={"platform": settings.platform.model_copy(update=update)})
        site = replace(pipeline.site("staging"), settings=one)
        pipeline = replace(
            pipeline,
            settings=settings,
            runner=ProcessRunner(),
            rehearsal=PostgresRehearsal(self.url),
            site=lambda _: site,
        )
        doubt = SafetyVerdict(Safety.UNKNOWN, "?", (files[-1].name,), schema=digest_schema(files), provable=True)
        self.lines: list[str] = []
        result = rehearse_rollback(pipeline, promotion(B), promotion(A), doubt, "run-1", self.lines.append)
        assert result is not None
        return result


@pytest.fixture
def theatre(tmp_path: Path, url: str) -> Theatre:
    return Theatre(tmp_path, url)


ADD = 'alter table cards."Card" add column note text;'
DROP = 'alter table cards."Card" drop column title;'
DYNAMIC = "do $$ begin execute 'alter table cards.\"Card\" add column ' || quote_ident('note') || ' text'; end $$;"
ESCAPES = 'begin; alter table cards."Card" drop column title; commit;'


@pytest.mark.parametrize(
    ("newer", "verdict", "words"),
    [
        pytest.param(ADD, Verdict.PASSED, "1 row written", id="additive"),
        pytest.param(DYNAMIC, Verdict.PASSED, "1 row written", id="dynamic and harmless"),
        pytest.param(DROP, Verdict.FAILED, 'column "title" of relation "Card" does not exist', id="a drop"),
        pytest.param(ESCAPES, Verdict.FAILED, 'column "title"', id="a drop that commits by itself"),
        pytest.param("update x set y = 1;", Verdict.UNKNOWN, "does not apply to the rehearsal's database", id="fails"),
    ],
)
def test_the_earlier_releases_program_decides(theatre: Theatre, newer: str, verdict: Verdict, words: str) -> None:
    result = theatre.rehearse(newer)
    told = " ".join((result.reason, *(line for phase in result.phases for line in (phase.reason, *phase.tail))))
    assert (result.verdict, words in told) == (verdict, True), told
    assert result.evidence["to"] == A and result.environment == "staging"


def test_the_password_is_nowhere(theatre: Theatre, url: str) -> None:
    result = theatre.rehearse(ADD)
    with closing(psycopg2.connect(url)) as link:
        password = link.info.password
    assert password and password not in repr(result) and password not in "\n".join(theatre.lines)
    assert any("1 row written" in line for line in theatre.lines)


@pytest.mark.parametrize(
    ("argv", "program", "words"),
    [
        pytest.param(("no-such-program",), PROGRAM, "did not start", id="no program"),
        pytest.param((), "print('ok')", "no command connected", id="a program that connects to nothing"),
        pytest.param((), "raise SystemExit(4)", "own schema too", id="a program that fails anywhere"),
    ],
)
def test_what_says_nothing_of_the_schema_is_unknown(
    theatre: Theatre, argv: tuple[str, ...], program: str, words: str
) -> None:
    result = theatre.rehearse(ADD, *argv, program=program)
    assert (result.verdict, words in result.reason) == (Verdict.UNKNOWN, True), result.reason


def test_without_a_control_a_failure_says_nothing(theatre: Theatre) -> None:
    result = theatre.rehearse(DROP, own="select no_such_function();")
    assert result.verdict is Verdict.UNKNOWN and "no_such_function" in result.reason


@pytest.mark.parametrize("url", [None, "postgresql://u:s3cret@127.0.0.1:{port}/x"])
def test_no_server_is_unknown_without_the_password(tmp_path: Path, url: str | None) -> None:
    result = Theatre(tmp_path, url and url.format(port=free_port())).rehearse(ADD)
    assert result.verdict is Verdict.UNKNOWN and "s3cret" not in result.reason
    assert ("trial.database_url" if url is None else "cannot be reached") in result.reason


def test_a_database_tells_whether_it_was_used_and_is_gone_afterwards(url: str) -> None:
    with PostgresRehearsal(url).stage((CARDS,)) as staged:
        address = staged.address
        assert address.name in databases(url) and not staged.was_used()
        told = variables(address)
        for _ in range(2):
            psycopg2.connect(
                host=told["DB_HOST"],
                port=told["DB_PORT"],
                user=told["DB_USER"],
                password=told["DB_PASSWORD"],
                dbname=told["DB_NAME"],
            ).close()
            assert staged.was_used()
    assert address.name not in databases(url)


def test_an_error_inside_leaves_nothing_behind(url: str) -> None:
    with pytest.raises(KeyError), PostgresRehearsal(url).stage((CARDS,)):
        raise KeyError("x")
    bad: tuple[MigrationFile, ...] = (CARDS, migration("2026-02-01T0000__cards__bad.sql", "nonsense"))
    with pytest.raises(PermanentError, match=r"bad\.sql does not apply"), PostgresRehearsal(url).stage(bad):
        raise AssertionError
    nobody = url.replace("postgresql://namecard_user", "postgresql://nobody")
    with pytest.raises(TransientError), PostgresRehearsal(nobody).stage(()):
        raise AssertionError
