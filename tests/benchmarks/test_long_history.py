"""A short ledger of the benchmark is one that the ledger itself takes for its own."""

import json
from pathlib import Path

from benchmarks.long_history import call, change_one_byte, fill, make_promotions, write_settings
from namecard_release.domain.gates import Verdict
from namecard_release.ledger.open import open_ledger


def test_what_is_filled_in_reads_and_verifies_and_a_changed_byte_does_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    fill(url, 60, 6)
    ledger = open_ledger(url)
    assert [one.id for one in ledger.history(limit=2)] == ["promotion-00059", "promotion-00058"]
    assert len({one.release for one in ledger.history()}) == 6
    assert ledger.verify_audit().verdict is Verdict.PASSED
    assert len(ledger.standing("dev")) == sum(
        one.environment == "dev" and one.deploy_started_at is not None for one in make_promotions(60, 6)
    )
    ledger.close()
    settings = write_settings(tmp_path, url)
    told = json.loads(call(settings, ("status", "--json")).stdout)
    assert told["environments"]["staging"]["phase"] == "SUCCEEDED"


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    fill(url, 60, 2)
    assert change_one_byte(url, 50) == "entry 50"
    ledger = open_ledger(url)
    found = ledger.verify_audit()
    ledger.close()
    assert found.verdict is Verdict.FAILED
