"""`migrations plan` without a database: misuse in one line, the shape of its JSON, bundles, links and odd names."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from namecard_release.cli.main import app

USERS = "2026-01-05T0900__auth__create-users.sql"
CARDS = "2026-01-06T1000__cards__create-cards.sql"
KEYS = {"verdict", "pending", "applied", "mismatched", "unexpected", "missing_from_bundle", "findings", "trial"}
SECRET = "s3cret-pass"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout of two migrations."""
    for name, service in ((USERS, "auth"), (CARDS, "cards")):
        folder = tmp_path / "checkout" / "services" / service / "migrations"
        folder.mkdir(parents=True)
        (folder / name).write_text("create table t ();")
    return tmp_path / "checkout"


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["migrations", "plan", *(str(word) for word in words)])


def plan(*words: str | Path) -> dict[str, Any]:
    result = call("--json", *words)
    told: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == {"PASSED": 0, "FAILED": 1, "UNKNOWN": 3}[told["verdict"]]
    assert told.keys() >= KEYS and told["trial"].keys() >= {"applied", "failed", "statements"}
    return told


def test_without_a_database_all_is_pending_and_without_a_trial_server_untried(checkout: Path) -> None:
    told = plan("--checkout", checkout)
    assert (told["verdict"], told["pending"], told["applied"]) == ("UNKNOWN", [USERS, CARDS], [])
    assert told["trial"]["unread"] == "no trial server is configured" and told["trial"]["failed"] is None
    assert "no trial server is configured" in told["reason"]
    shown = call("--checkout", checkout)
    assert shown.exit_code == 3 and shown.stdout.startswith("UNKNOWN: ") and f"pending  {USERS}" in shown.stdout


def test_nothing_pending_needs_no_trial(checkout: Path) -> None:
    for file in checkout.rglob("*.sql"):
        file.unlink()
    told = plan("--checkout", checkout)
    assert told["verdict"] == "PASSED" and "no target was named" in told["reason"]


def test_a_link_to_the_checkout_and_links_inside_it_are_followed(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(checkout)
    target = checkout / "services" / "auth" / "migrations" / "2026-01-07T0900__auth__linked.sql"
    target.symlink_to(checkout / "services" / "auth" / "migrations" / USERS)
    assert plan("--checkout", tmp_path / "link")["pending"] == [USERS, CARDS, target.name]


@pytest.mark.parametrize("name", [b"odd name.sql", b"2026-01-05T0900__auth__a\nb.sql", b"\xff.sql", b"--x.sql"])
def test_an_odd_name_fails_by_name(checkout: Path, name: bytes) -> None:
    (checkout / "services" / "auth" / "migrations" / os.fsdecode(name)).write_text("select 1;")
    told = plan("--checkout", checkout)
    assert told["verdict"] == "FAILED" and len(told["misnamed"]) == 1 and len(told["pending"]) == 3
    shown = call("--checkout", checkout)
    assert shown.exit_code == 1 and "misnamed" in shown.stdout


@pytest.mark.parametrize("form", ["folder", "migrations", "zip"])
@pytest.mark.parametrize(
    ("carried", "missing"),
    [((USERS, CARDS), []), ((CARDS,), [USERS]), ((), [USERS, CARDS]), ((USERS, "x.md"), [CARDS])],
)
def test_a_bundle_is_a_folder_its_migrations_or_an_archive(
    checkout: Path, tmp_path: Path, form: str, carried: tuple[str, ...], missing: list[str]
) -> None:
    inside = tmp_path / "bundle" / "migrations"
    inside.mkdir(parents=True)
    for name in carried:
        (inside / name).touch()
    given = {"folder": inside.parent, "migrations": inside, "zip": tmp_path / "bundle.zip"}[form]
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        archive.writestr("index.js", "")
        for name in carried:
            archive.writestr(f"migrations/{name}", "")
    told = plan("--checkout", checkout, "--bundle", given)
    assert told["missing_from_bundle"] == missing
    assert told["verdict"] == ("FAILED" if missing else "UNKNOWN")
    if not carried:
        assert "a deploy would be green and apply nothing" in told["reason"]


def spoil(checkout: Path, how: str) -> None:
    """Put one thing into a checkout that is no migration."""
    path = checkout / "services" / "auth" / "migrations" / "2026-01-07T0900__auth__bad.sql"
    outside = checkout.parent / "outside.sql"
    outside.write_text("select 1;")
    if how == "bytes":
        path.write_bytes(b"select '\xff';")
    elif how == "nul":
        path.write_bytes(b"select 'a\0';")
    elif how == "prose":
        path.write_text("dear reader, this is a letter")
    elif how == "folder":
        path.mkdir()
    elif how == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to({"out": outside, "nowhere": "gone.sql", "itself": path.name}[how])


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("bytes", "is not UTF-8: byte 8"),
        ("nul", "is not SQL: it holds NUL bytes"),
        ("prose", "is not SQL"),
        ("folder", "is not a regular file"),
        ("pipe", "is not a regular file"),
        ("out", "is a link that leads out of the checkout"),
        ("nowhere", "is a link that leads nowhere"),
        ("itself", "is a link that leads nowhere"),
    ],
)
def test_a_file_that_is_no_migration_is_misuse_in_one_line(checkout: Path, how: str, words: str) -> None:
    spoil(checkout, how)
    result = call("--checkout", checkout, "--json")
    assert (result.exit_code, result.stdout) == (2, "") and len(result.stderr.splitlines()) == 1
    assert words in result.stderr and "auth__bad.sql" in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--checkout", "{tmp}/none"), "no folder"),
        (("--checkout", "{tmp}/file"), "no folder"),
        (("--checkout", "{tmp}"), "is no checkout of the platform: it has no services/*/migrations"),
        (("--checkout", "{ok}", "--bundle", "{tmp}/none"), "is no bundle"),
        (("--checkout", "{ok}", "--bundle", "{tmp}/file"), "is no bundle"),
        (("--checkout", "{ok}", "--database-url", f"postgres:{SECRET}"), "--database-url is not a URL like"),
        (("--checkout", "{ok}", "--database-url", f"postgresql://u:{SECRET}@h:port/d"), "--database-url is not"),
        (("--checkout", "{ok}", "--database-url", f"postgresql://u:{SECRET}@h/d?nope=1"), "--database-url is not"),
        (("--checkout", "{ok}", "--trial-url", f"mysql://u:{SECRET}@h/d"), "--trial-url is not a URL like"),
        (("--checkout", "{ok}", "--trial-url", ""), "--trial-url is not a URL like"),
    ],
)
def test_misuse_is_one_line_without_a_secret(checkout: Path, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    (tmp_path / "file").write_text("x")
    result = call(*(word.format(tmp=tmp_path, ok=checkout) for word in words), "--json")
    assert (result.exit_code, result.stdout) == (2, "") and told in result.stderr
    assert len(result.stderr.splitlines()) == 1 and SECRET not in result.stderr


@pytest.mark.parametrize("place", [f"u:{SECRET}@127.0.0.1:1/d", f"127.0.0.1:1/d?password={SECRET}"])
def test_a_server_that_is_not_there_is_unknown_without_a_secret(checkout: Path, place: str) -> None:
    given = f"postgresql://{place}"
    told = plan("--checkout", checkout, "--database-url", given, "--trial-url", given)
    assert told["verdict"] == "UNKNOWN" and "cannot be reached" in told["reason"] and SECRET not in str(told)
    assert told["target"] is None and "cannot be reached" in told["trial"]["unread"]
