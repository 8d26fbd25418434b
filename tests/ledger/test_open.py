"""A ledger opened: made, migrated once, cheap when current, and clear about what it cannot open."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, MetaData, Table, event, insert, text

from namecard_release.domain.promotion import Hold, PromotionPhase
from namecard_release.errors import MisuseError, PermanentError, TransientError
from namecard_release.ledger.migrate import alembic_config
from namecard_release.ledger.open import HEAD, make_engine, open_ledger, read_revision
from namecard_release.ledger.schema import gates, holds, promotions
from namecard_release.ledger.sql_ledger import SqlLedger
from namecard_release.ledger.tables import metadata

Race = Callable[[str, Sequence[Sequence[str]]], list[str]]


def _migrate_to(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_the_newest_revision_is_the_one_looked_for() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_the_migrations_make_the_schema(empty_url: str) -> None:
    open_ledger(empty_url).close()
    engine = make_engine(empty_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_several_processes_make_the_ledger_at_once(empty_url: str, race: Race) -> None:
    assert race(empty_url, [("open", str(number)) for number in range(4)]) == [f"{HEAD} 0"] * 4


def test_a_ledger_of_the_first_revision_keeps_the_elder_of_two_open_holds(empty_url: str) -> None:
    engine = make_engine(empty_url)
    _migrate_to(engine, "0001")
    since = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    rows = [("a", "first"), ("a", "second"), ("b", "other")]
    with engine.begin() as connection:
        for release, reason in rows:
            row = {"environment": "staging", "release": release, "reason": reason, "actor": "ada", "since": since}
            connection.execute(insert(holds).values(**row))
    engine.dispose()
    ledger = open_ledger(empty_url)
    assert [(hold.release, hold.reason) for hold in ledger.holds("staging")] == [("a", "first"), ("b", "other")]
    ledger.close()


def test_a_ledger_of_the_second_revision_keeps_its_rows_and_finds_their_inputs(empty_url: str) -> None:
    engine = make_engine(empty_url)
    _migrate_to(engine, "0002")
    moment = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    old_gates = _as_of(gates, "inputs")
    about = {"release": "a" * 40, "verdict": "PASSED", "reason": "fine", "started_at": moment, "ended_at": moment}
    with engine.begin() as connection:
        for gate, evidence in (("quality", {"tree": "t"}), ("assembly", {"inputs": "i" * 64}), ("assembly", {})):
            row = {"gate": gate, **about, "phases": [], "evidence": evidence, "run_id": "run-1"}
            connection.execute(insert(old_gates).values(**row))
        row = {"id": "p-1", "environment": "staging", "release": "a" * 40, "kind": "promotion", "phase": "BAKING"}
        row |= {"actor": "ada", "reason": "why", "requested_at": moment, "updated_at": moment, "run_id": "run-1"}
        flags = {"code_changed": True, "verified": True, "baseline": []}
        connection.execute(insert(_as_of(promotions, "waived", "waiting", "freeze_override")).values(**row, **flags))
    engine.dispose()
    ledger = open_ledger(empty_url)
    assert [result.gate for result in ledger.gates("a" * 40)] == ["assembly", "assembly", "quality"]
    assert [result.id for result in ledger.checks("assembly", "i" * 64)] == [2]
    (promotion,) = ledger.history()
    assert (promotion.id, promotion.waived) == ("p-1", ())
    assert ledger.waivers() == ()
    assert ledger.move("p-1", PromotionPhase.SUCCEEDED, moment, waived=("quality",)).waived == ("quality",)
    ledger.close()


def test_the_trail_of_an_older_ledger_begins_with_what_it_held(empty_url: str) -> None:
    engine = make_engine(empty_url)
    _migrate_to(engine, "0003")
    since = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    row = {"environment": "staging", "release": "a" * 40, "reason": "why", "actor": "ada", "since": since}
    with engine.begin() as connection:
        connection.execute(insert(holds).values(**row))
    engine.dispose()
    ledger = open_ledger(empty_url)
    (first,) = ledger.audit_entries()
    assert (first.n, first.action) == (1, "ledger upgraded")
    assert json.loads(first.details) == {"promotions": 0, "gates": 0, "decisions": 0, "holds": 1, "waivers": 0}
    assert ledger.release_hold("staging", "a" * 40, "ada", since)
    told = ledger.verify_audit()
    assert (told.verdict, told.entries) == ("PASSED", 2)
    ledger.close()


def test_the_trail_of_a_new_ledger_is_empty(url: str) -> None:
    ledger = open_ledger(url)
    assert ledger.audit_entries() == ()
    assert ledger.verify_audit().verdict == "PASSED"
    ledger.close()


def _as_of(table: Table, *without: str) -> Table:
    columns = [Column(one.name, one.type) for one in table.columns if one.name not in (*without, "id")]
    key = [Column("id", table.c.id.type, primary_key=True)]
    return Table(table.name, MetaData(), *key, *columns)


def test_a_current_ledger_is_opened_without_alembic(url: str) -> None:
    code = (
        "import sys; from namecard_release.ledger.open import open_ledger; open_ledger(sys.argv[1]).history(); "
        "sys.exit(any(name in sys.modules for name in ('alembic', 'dagster', 'boto3')))"
    )
    assert subprocess.run([sys.executable, "-c", code, url], check=False, timeout=60).returncode == 0


def test_sqlite_is_set_for_several_processes(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    wanted = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30_000, "synchronous": 2}
    with ledger.reading() as connection:
        assert {name: connection.execute(text(f"pragma {name}")).scalar() for name in wanted} == wanted
    ledger.close()


def test_a_newer_ledger_is_left_alone(url: str) -> None:
    ledger = open_ledger(url)
    with ledger.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(PermanentError, match="9999"):
        open_ledger(url)
    assert read_revision(ledger._engine) == "9999"
    ledger.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ledger.sqlite",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://ada:secret@h/x",
        "postgres://ada:secret@h/x",
        "://",
    ],
)
def test_a_url_of_no_ledger_is_misuse_and_shows_no_password(url: str) -> None:
    with pytest.raises(MisuseError, match="ledger_url") as caught:
        open_ledger(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "drivername"),
    [
        ("postgresql://h/x", "postgresql+psycopg2"),
        ("postgresql+psycopg2://h/x", "postgresql+psycopg2"),
        ("sqlite:///{folder}/x", "sqlite"),
    ],
)
def test_a_bare_scheme_means_the_driver_that_is_here(url: str, drivername: str, tmp_path: Path) -> None:
    assert make_engine(url.format(folder=tmp_path)).url.drivername == drivername


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, only some words in a file " * 40)
    with pytest.raises(PermanentError, match="not a database"):
        open_ledger(f"sqlite:///{file}")
    assert file.read_text().startswith("not a database")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match="cannot be made"):
        open_ledger(f"sqlite:///{tmp_path}/file/ledger.sqlite")


def test_a_server_that_does_not_answer_is_transient() -> None:
    with pytest.raises(TransientError, match="does not answer") as caught:
        open_ledger("postgresql://ada:secret@127.0.0.1:1/x")
    assert "secret" not in str(caught.value)


def test_a_locked_ledger_is_transient_and_keeps_nothing_of_the_write(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    open_ledger(url).close()
    engine = make_engine(url)
    event.listen(engine, "connect", lambda connection, _: connection.execute("pragma busy_timeout=0"))
    ledger, other = SqlLedger(engine), open_ledger(url)
    hold = Hold("staging", "a" * 40, "why", "ada", datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    with other.writing(), pytest.raises(TransientError, match="locked"):
        ledger.hold(hold)
    assert ledger.holds() == ()
    ledger.hold(hold)
    assert other.holds() == (hold,)
    ledger.close()
    other.close()
