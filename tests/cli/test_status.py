"""`status` tells when the alarm sensor was last seen, for people and for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from namecard_release.cli.main import app
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.rollback import Action, Decision
from namecard_release.ledger.open import open_ledger
from tests.fakes.ledgers import lay_ledger

_SETTINGS = """
[platform]
repository = "repository"

[environments.staging]
account = "000000000000"
stack_suffix = "staging"
context = "staging"
key = "staging"
database_url = "postgresql://x"
"""


@pytest.mark.parametrize(
    ("ago", "told", "verdict"),
    [
        (None, "the alarm sensor was never seen", "UNKNOWN"),
        (0, "the alarm sensor was last seen just now", "PASSED"),
        (185, "the alarm sensor was last seen 3 min ago", "UNKNOWN"),
    ],
)
def test_status_tells_when_the_alarm_sensor_was_last_seen(
    tmp_path: Path, ago: float | None, told: str, verdict: str
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(_SETTINGS, encoding="utf-8")
    ledger = open_ledger(lay_ledger(tmp_path / "var" / "ledger.sqlite"))
    if ago is not None:
        ledger.beat("alarm sensor", datetime.now(UTC) - timedelta(seconds=ago))
    ledger.close()
    shown = CliRunner().invoke(app, ["status", "--settings", str(file)])
    assert shown.exit_code == 0 and told in shown.stdout.splitlines()[-1]
    plain = json.loads(CliRunner().invoke(app, ["status", "--json", "--settings", str(file)]).stdout)
    assert plain["alarm_sensor"]["verdict"] == verdict and told in plain["alarm_sensor"]["reason"]
    assert list(plain["environments"]) == ["staging"]


def test_status_tells_what_the_watch_after_a_bake_decided(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(_SETTINGS, encoding="utf-8")
    now = datetime.now(UTC)
    ledger = open_ledger(lay_ledger(tmp_path / "var" / "ledger.sqlite"))
    kind, phase = PromotionKind.PROMOTION, PromotionPhase.SUCCEEDED
    done = Promotion(
        "p-1", "staging", "a" * 40, kind, phase, "ada", "wanted", now, now, ended_at=now, code_changed=True
    )
    ledger.open_promotion(done)
    for told in ("staging aaaaaaaa: watched until ", "staging aaaaaaaa: after its bake HALT: errors"):
        shown = CliRunner().invoke(app, ["status", "--settings", str(file)])
        assert shown.exit_code == 0 and told in shown.stdout
        ledger.record_post_bake("p-1", Decision(Action.HALT, "errors"), now)
    plain = json.loads(CliRunner().invoke(app, ["status", "--json", "--settings", str(file)]).stdout)
    assert plain["environments"]["staging"]["watch"] == "after its bake HALT: errors"
    ledger.close()
    listed = CliRunner().invoke(app, ["history", "--env", "staging", "--settings", str(file)])
    assert "HALT after the bake: errors" in listed.stdout
