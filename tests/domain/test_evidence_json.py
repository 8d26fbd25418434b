"""Evidence as plain values: JSON can keep it, and each part is there with its value or its reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.evidence_json import plain_evidence
from namecard_release.domain.log_events import Access, Failure, Invocation, Lines
from namecard_release.workflow.gathering import gather_evidence
from tests.fakes.signals import FakeSignals, with_signals
from tests.fakes.world import World

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PARTS = (
    *("target", "functions", "triage", "endpoints", "measures", "picture", "concurrency", "service_graph", "impact"),
)


def gather(folder: Path, signals: FakeSignals) -> dict[str, object]:
    alarm = AlarmReading("HttpApiLatencyAlarm1", "arn:aws:cloudwatch:x:1:alarm:a", AlarmState.ALARM, AT)
    pipeline = with_signals(World(folder).pipeline(), signals)
    told: dict[str, object] = json.loads(
        json.dumps(plain_evidence(gather_evidence(pipeline, "staging", alarm, AT, AT, None)))
    )
    return told


def test_every_part_has_a_value_or_a_reason(tmp_path: Path) -> None:
    ids = (("x-correlation-id", "c1"),)
    events = [Failure(AT, "ocr", "AxiosError", "m", "/v1/ocr", "r1", "i1", ids), Invocation(AT, "ocr", "/v1/ocr", 5.0)]
    access = [Access(AT, "GET", "/v1/ocr", 503, 4000.0), Lines(json=1)]
    told = gather(tmp_path, FakeSignals(logs_of={"ocr": events}, access=access))
    parts = {name: told[name] for name in PARTS}
    unread = {name: part["unread"] for name, part in parts.items()}
    assert [name for name, why in unread.items() if why] == ["service_graph"]
    assert told["unknown"] == [["service graph", "X-Ray is not available here"]]
    assert parts["triage"]["value"]["groups"][0]["samples"][0]["correlationIds"] == {"x-correlation-id": "c1"}
    assert parts["endpoints"]["value"][0]["route"] == "GET /v1/ocr"
    assert parts["endpoints"]["value"][0]["dependencies"] == ["Textract", "RDS"]
    assert parts["functions"]["value"][0]["name"] == "fn-auth" and parts["target"]["value"]["threshold"] == 1.0
    assert parts["measures"]["value"][0]["period"] == 60.0 and parts["impact"]["value"]["requests_failed"] == 1
    assert told["since"] == "2026-03-01T12:00:00+00:00" and told["cause"]["cause"] == "dependency_outage"


def test_what_was_not_read_is_null_with_its_reason(tmp_path: Path) -> None:
    told = gather(tmp_path, FakeSignals(unreachable={"parts", "target"}))
    for name in ("target", "functions", "triage", "endpoints", "measures", "picture", "impact"):
        assert told[name]["value"] is None and "did not answer" in told[name]["unread"], name
    # Not asked for: neither a value nor a reason.
    assert told["concurrency"] == {"value": None, "unread": None}
