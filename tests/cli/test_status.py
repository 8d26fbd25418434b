"""`status` tells when the alarm sensor was last seen, for people and for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from namecard_release.cli.main import app
from namecard_release.ledger.open import open_ledger

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
    ledger = open_ledger(f"sqlite:///{tmp_path}/var/ledger.sqlite")
    if ago is not None:
        ledger.beat("alarm sensor", datetime.now(UTC) - timedelta(seconds=ago))
    ledger.close()
    shown = CliRunner().invoke(app, ["status", "--settings", str(file)])
    assert shown.exit_code == 0 and told in shown.stdout.splitlines()[-1]
    plain = json.loads(CliRunner().invoke(app, ["status", "--json", "--settings", str(file)]).stdout)
    assert plain["alarm_sensor"]["verdict"] == verdict and told in plain["alarm_sensor"]["reason"]
    assert list(plain["environments"]) == ["staging"]
