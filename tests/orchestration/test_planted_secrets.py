"""What a run of Dagster leaves in its storage when secrets are logged, raised and told as evidence."""

import logging
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.evidence import told_plainly
from namecard_release import redaction
from namecard_release.errors import PermanentError
from namecard_release.redaction import install_redaction, know_secrets
from tests.planted import KNOWN, PLANTED


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redaction, "_KNOWN", redaction.KnownSecrets())
    know_secrets([KNOWN])
    former = logging.getLogRecordFactory()
    install_redaction()
    yield
    logging.setLogRecordFactory(former)


@pytest.mark.parametrize("kind", [PermanentError, ValueError])
def test_no_event_of_a_run_shows_a_secret(tmp_path: Path, kind: type[Exception]) -> None:
    text = "\n".join(one.text for one in PLANTED)

    @dg.op
    def fails(context: dg.OpExecutionContext) -> None:
        for one in PLANTED:
            context.log.info(f"told: {one.text}")
        try:
            raise ValueError(text)
        except ValueError:
            context.log.exception("a part failed")
        with told_plainly():
            raise kind(text)

    @dg.job
    def failing_job() -> None:
        fails()

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert not failing_job.execute_in_process(instance=instance, raise_on_error=False).success
    kept = [path.read_bytes().decode("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert any("harmless" not in one and "a part failed" in one for one in kept)
    needles = {needle for one in PLANTED for needle in one.needles}
    assert sorted(needle for needle in needles if any(needle in one for one in kept)) == []
