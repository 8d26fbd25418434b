"""Evidence gathered for each kind of alarm; what cannot be read is UNKNOWN with its reason and stops nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.causes import Cause
from namecard_release.domain.incident_evidence import AlarmTarget, IncidentEvidence
from namecard_release.domain.log_events import Access, Cut, Failure, Invocation
from namecard_release.domain.measures import Measure
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.domain.snapshot import Mark, StackParts
from namecard_release.errors import MisuseError
from namecard_release.settings import SERVICES
from namecard_release.workflow.gathering import gather_evidence
from tests.fakes.signals import FakeSignals, with_signals
from tests.fakes.world import A, World

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SINCE, UNTIL = AT - timedelta(minutes=15), AT + timedelta(minutes=5)


def promotion() -> Promotion:
    moments = (AT - timedelta(minutes=9), AT - timedelta(minutes=8))
    made = Promotion("p1", "staging", A, PromotionKind.PROMOTION, PromotionPhase.BAKING, "ada", "", *moments)
    return replace(made, deployed_at=AT - timedelta(minutes=3))


def failed(service: str = "cards", error: str = "TypeError") -> Failure:
    ids = (("x-correlation-id", "c1"),)
    return Failure(AT, service, error, "password=hunter2", f"/staging/v1/{service}", "r1", "i1", ids)


def gather(tmp_path: Path, signals: FakeSignals | None, name: str, caused: Promotion | None = None) -> IncidentEvidence:
    pipeline = World(tmp_path).pipeline()
    if signals is not None:
        pipeline = with_signals(pipeline, signals)
    alarm = AlarmReading(name, f"arn:aws:cloudwatch:x:1:alarm:{name}", AlarmState.ALARM, AT)
    return gather_evidence(pipeline, "staging", alarm, SINCE, UNTIL, caused)


def target(**dimensions: str) -> AlarmTarget:
    return AlarmTarget("AWS/Lambda", "Errors", tuple(dimensions.items()), 1.0)


def test_the_function_is_found_by_the_alarms_dimension_before_its_name(tmp_path: Path) -> None:
    signals = FakeSignals(target_read=target(FunctionName="fn-auth"), logs_of={"auth": [failed("auth")]})
    told = gather(tmp_path, signals, "CardsServiceErrorsAlarm1A2B", promotion())
    assert (told.service, signals.read, told.kind) == ("auth", ["auth"], "errors")
    assert (told.promotion_id, told.release) == ("p1", A)
    assert told.cause.cause is Cause.CODE_DEFECT and told.impact.value is not None
    assert (told.impact.value.requests_failed, told.impact.value.correlation_ids) == (1, 1)
    assert "hunter2" not in repr(told)


@pytest.mark.parametrize("name", ["CardsServiceErrorsAlarm1A2B", "CardsErrorsAlarm"])
def test_else_by_the_service_in_its_logical_id(tmp_path: Path, name: str) -> None:
    signals = FakeSignals(unreachable={"target"}, logs_of={"cards": [failed()]})
    told = gather(tmp_path, signals, name)
    assert (told.service, signals.read) == ("cards", ["cards"])
    assert ("alarm target", "target did not answer") in told.unknown


def test_the_picture_marks_deploy_and_alarm(tmp_path: Path) -> None:
    signals = FakeSignals()
    told = gather(tmp_path, signals, "CardsServiceErrorsAlarm1A2B", promotion())
    ((name, snapshot),) = signals.drawn.items()
    assert (
        told.picture.value == f"evidence/{name}" and name == "staging/20260301T120000Z-CardsServiceErrorsAlarm1A2B.png"
    )
    assert snapshot.marks == (Mark(AT - timedelta(minutes=3), "deploy"), Mark(AT, "alarm"))
    drawn = {(one.measure, one.of) for one in snapshot.series}
    assert {(measure, service) for measure in (Measure.ERRORS, Measure.LATENCY) for service in SERVICES} <= drawn
    # The emulator's stacks hold no proxy: its name is the contract's.
    assert {
        (Measure.PROXY_CONNECTIONS, "namecard-staging-proxy"),
        (Measure.DLQ_DEPTH, "namecard-staging-lambda-dlq"),
    } <= drawn


@pytest.mark.parametrize(
    ("name", "own", "cause", "service"),
    [
        (
            "CardsServiceErrorsAlarm1",
            {"logs_of": {"cards": [failed(error="ValidationError")]}},
            Cause.VALIDATION,
            "cards",
        ),
        ("CardsServiceThrottlesAlarm1", {}, Cause.THROTTLING, "cards"),
        (
            "OcrServiceLatencyAlarm1",
            {"logs_of": {"ocr": [Invocation(AT, "ocr", "/v1/ocr", 29000.0)]}},
            *(Cause.SLOW, "ocr"),
        ),
        ("HttpApiLatencyAlarm1", {"access": [Access(AT, "GET", "/v1/ocr", 200, 4000.0)]}, Cause.SLOW, "ocr"),
        (
            "DbConnectionsAlarm1",
            {"logs_of": {"search": [failed("search", "DbConnectionError")]}},
            *(Cause.DATABASE_CONNECTIONS, "search"),
        ),
        ("RdsProxyConnectionsAlarm1", {}, Cause.DATABASE_CONNECTIONS, None),
        ("LambdaDeadLetterQueueAlarm1", {"logs_of": {"uploads": [failed("uploads")]}}, Cause.CODE_DEFECT, "uploads"),
    ],
)
def test_every_kind_names_its_cause(
    tmp_path: Path, name: str, own: dict[str, object], cause: Cause, service: str | None
) -> None:
    told = gather(tmp_path, FakeSignals(**own), name)
    assert (told.cause.cause, told.service) == (cause, service), told.cause.reason
    # X-Ray is not there in any of them.
    assert [name for name, _ in told.unknown] == ["service graph"]


def test_an_alarm_of_all_reads_every_function_and_tells_those_it_could_not(tmp_path: Path) -> None:
    signals = FakeSignals(unreachable={"logs of ocr"}, logs_of={"auth": [failed("auth"), Cut("there is more")]})
    told = gather(tmp_path, signals, "LambdaDeadLetterQueueAlarm1")
    assert signals.read == [service for service in SERVICES if service != "ocr"]
    assert told.triage.value is not None and told.triage.value.unread == "there is more; logs of ocr did not answer"
    assert told.impact.value is not None and told.impact.value.at_least


def test_no_part_that_cannot_be_read_takes_another_with_it(tmp_path: Path) -> None:
    for gone in ("target", "parts", "series", "store", "logs of cards", "concurrency"):
        told = gather(tmp_path, FakeSignals(unreachable={gone}), "CardsServiceThrottlesAlarm1")
        unknown = dict(told.unknown)
        assert f"{gone} did not answer" in unknown.values()
        for part in ("target", "functions", "triage", "measures", "picture", "concurrency"):
            value = getattr(told, part)
            assert (value.value is None) == bool(value.unread), (gone, part)
    assert gather(tmp_path, FakeSignals(unreachable={"parts"}), "CardsServiceErrorsAlarm1").measures.value is None


def test_stacks_without_the_function(tmp_path: Path) -> None:
    told = gather(tmp_path, FakeSignals(parts_read=StackParts()), "CardsServiceThrottlesAlarm1")
    assert dict(told.unknown)["log triage"] == "no function of the stacks is the one of CardsServiceThrottlesAlarm1"
    told = gather(tmp_path, FakeSignals(parts_read=StackParts()), "DbConnectionsAlarm1")
    assert "have no service function" in dict(told.unknown)["log triage"]


def test_without_signals_everything_is_unknown(tmp_path: Path) -> None:
    told = gather(tmp_path, None, "CardsServiceErrorsAlarm1")
    assert len(told.unknown) == 9 and told.cause.cause is Cause.UNKNOWN
    assert {why for _, why in told.unknown} == {"nothing is configured to read the signals of staging"}


def test_an_unknown_environment_is_refused(tmp_path: Path) -> None:
    pipeline = World(tmp_path).pipeline()
    alarm = AlarmReading("CardsServiceErrorsAlarm1", "", AlarmState.ALARM, AT)
    with pytest.raises(MisuseError, match="unknown environment"):
        gather_evidence(pipeline, "nowhere", alarm, SINCE, UNTIL, None)
