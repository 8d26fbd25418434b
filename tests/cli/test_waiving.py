"""The commands that waive, from the command line to the ledger and back, with their exit codes."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from namecard_release.cli.main import app
from namecard_release.domain.gates import GateResult, Verdict
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.ledger.open import open_ledger
from tests.fakes.ledgers import lay_ledger

SECRET = "hunter2hunter2"
WAIVE = ("waive", "--gate", "quality", "--reason", "known flake", "--expires", "2h", "--actor", "ada")


@dataclass(frozen=True)
class Place:
    """A settings file, its ledger, and the one commit of its repository."""

    settings: Path
    ledger_url: str
    sha: str

    def call(self, *words: str) -> Result:
        """Run `gates` with the settings."""
        return CliRunner().invoke(app, ["gates", *words, "--settings", str(self.settings)])

    def told(self, *words: str) -> Any:
        """Run `gates ... --json` and read what it printed."""
        done = self.call(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def waive(self, *words: str) -> Result:
        """Waive quality, with other options added."""
        return self.call(*WAIVE, "--commit", self.sha, *words)

    def record(self, *results: GateResult) -> None:
        """Put gate results into the ledger."""
        ledger = open_ledger(self.ledger_url)
        for result in results:
            ledger.record_gate(result)
        ledger.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A repository of one commit, and settings for it."""
    repository = tmp_path / "repository"
    identity = {f"GIT_{who}_{what}": "ada" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull, **identity}
    repository.mkdir()
    for words in (("init", "-q", "-b", "main"), ("commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run(["git", "-C", str(repository), *words], env=env, check=True)
    head = ["git", "-C", str(repository), "rev-parse", "HEAD"]
    sha = subprocess.run(head, env=env, check=True, capture_output=True, text=True).stdout.strip()
    file = tmp_path / "settings.toml"
    keys = 'account = "000000000000"\ncontext = "x"\nkey = "x"\nstack_suffix = "x"\ndatabase_secret = "x"\n'
    environments = "".join(f"[environments.{name}]\n{keys}" for name in ("staging", "prod"))
    file.write_text(f'[platform]\nrepository = "{repository}"\n[paths]\nwork = "work"\n{environments}')
    return Place(file, lay_ledger(tmp_path / "var" / "ledger.sqlite"), sha)


def test_a_waiver_is_made_listed_and_revoked(place: Place) -> None:
    done = place.waive()
    assert done.exit_code == 0 and done.stdout.startswith(f"quality of {place.sha[:8]} is waived in every environment")
    (listed,) = place.told("waivers", "--commit", "main")["waivers"]
    assert (listed["gate"], listed["release"], listed["state"]) == ("quality", place.sha, "in force")
    assert (listed["environment"], listed["actor"], listed["reason"]) == (None, "ada", "known flake")
    assert datetime.fromisoformat(listed["expires_at"]) > datetime.now(UTC)
    (revoked,) = place.told("unwaive", "--gate", "quality", "--commit", place.sha, "--actor", "bob")["revoked"]
    assert (revoked["id"], revoked["state"], revoked["revoked_by"]) == (listed["id"], "revoked", "bob")
    assert [one["state"] for one in place.told("waivers")["waivers"]] == ["revoked"]
    assert "revoked" in place.call("waivers").stdout
    again = place.call("unwaive", "--gate", "quality", "--commit", place.sha)
    assert again.exit_code == 1 and "no waiver of quality" in again.stderr


def test_the_made_waiver_is_printed_as_json(place: Place) -> None:
    made = place.told(*WAIVE, "--commit", place.sha, "--env", "prod")["waiver"]
    assert (made["environment"], made["state"], made["id"]) == ("prod", "in force", 1)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--gate", "typo"), 2, "unknown gate 'typo'"),
        (("--gate", "migration_plan"), 1, "gates.policy.migration_plan.waivable is false"),
        (("--env", "mars"), 2, "unknown environment 'mars'"),
        (("--reason", "  "), 2, "needs its reason"),
        (("--actor", ""), 2, "needs its actor"),
        (("--expires", "2020-01-01T00:00:00Z"), 2, "has passed"),
        (("--expires", "2020-01-01T00:00:00"), 2, "no time zone"),
        (("--expires", "1000h"), 2, "too far away"),
        (("--expires", "later"), 2, "neither a moment"),
        (("--commit", "no-such-branch"), 1, "no commit no-such-branch"),
        (("--commit", "--bad"), 2, "is not a commit"),
    ],
)
def test_a_bad_waiver_is_one_line_and_touches_nothing(
    place: Place, words: tuple[str, ...], code: int, told: str
) -> None:
    done = place.waive(*words)
    assert done.exit_code == code
    assert told in done.stderr and "Traceback" not in done.output and len(done.stderr.splitlines()) <= 2
    assert place.told("waivers") == {"waivers": []}


@pytest.mark.parametrize("missing", ["--reason", "--expires", "--gate"])
def test_what_is_mandatory_is_asked_for(place: Place, missing: str) -> None:
    at = WAIVE.index(missing)
    done = place.call(*WAIVE[:at], *WAIVE[at + 2 :], "--commit", place.sha)
    assert done.exit_code == 2 and missing in done.stderr


def test_no_secret_is_kept_or_shown(place: Place) -> None:
    assert place.waive("--reason", f"the probe needs password={SECRET}", "--actor", f"token={SECRET}").exit_code == 0
    ledger = open_ledger(place.ledger_url)
    (kept,) = ledger.waivers()
    ledger.close()
    assert SECRET not in kept.reason + kept.actor and "***" in kept.reason
    assert SECRET not in place.call("waivers").output


def test_a_waived_gate_is_shown_with_the_verdict_under_it(place: Place) -> None:
    now = datetime.now(UTC)
    failed = GateResult("quality", place.sha, Verdict.FAILED, "lint: exit 1", now, now)
    place.record(failed, replace(failed, gate="launch_readiness", verdict=Verdict.PASSED, reason="fine"))
    assert place.waive("--env", "staging").exit_code == 0
    told = place.told("--commit", place.sha, "--env", "staging")
    quality = next(gate for gate in told["gates"] if gate["gate"] == "quality")
    assert (quality["verdict"], quality["reason"]) == ("WAIVED", "lint: exit 1")
    assert (quality["waived"]["under"], quality["waived"]["actor"]) == ("FAILED", "ada")
    assert [waiver["gate"] for waiver in told["waivers"]] == ["quality"]
    table = place.call("--commit", place.sha, "--env", "staging").stdout
    assert "WAIVED (FAILED)" in table and "by ada until" in table and "known flake" in table
    for words in (("--env", "prod"), ()):
        gates = place.told("--commit", place.sha, *words)["gates"]
        assert {gate["gate"]: gate["verdict"] for gate in gates}["quality"] == "FAILED"


def test_status_and_history_tell_what_a_promotion_was_waived(place: Place) -> None:
    now = datetime.now(UTC)
    kind, phase = PromotionKind.PROMOTION, PromotionPhase.BAKING
    told = "quality WAIVED (FAILED: lint: exit 1) by ada until 2026-03-02 11:00 UTC: known flake"
    made = Promotion(
        "p-1", "staging", place.sha, kind, phase, "ada", "why", now, now, code_changed=True, waived=(told,)
    )
    ledger = open_ledger(place.ledger_url)
    ledger.open_promotion(made)
    ledger.close()
    for words in (("status",), ("history", "--env", "staging")):
        options = [*words, "--settings", str(place.settings)]
        assert "quality WAIVED (FAILED: lint: exit 1)" in CliRunner().invoke(app, options).stdout
        assert told in CliRunner().invoke(app, [*options, "--json"]).stdout
