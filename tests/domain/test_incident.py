"""Fingerprints, severities, what a reading means, and which promotion is blamed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.incident import (
    Breach,
    Fingerprint,
    Incident,
    Severity,
    count_services,
    fingerprint_of,
    rate,
)
from namecard_release.domain.incident_cause import find_cause
from namecard_release.domain.incident_watch import Meaning, ResolvePolicy, explain_recovery, judge_reading
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.incident_settings import Incidents

T = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ARN = "arn:1"
SERVICES = ("auth", "cards", "ocr", "enrichment", "uploads", "search")


def s(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def read(state: AlarmState, seconds: float = 0) -> AlarmReading:
    return AlarmReading("CardsServiceErrorsAlarm", ARN, state, s(seconds))


@pytest.mark.parametrize(
    ("alarm", "kind", "service"),
    [
        ("CardsServiceErrorsAlarm1A2B", "errors", "cards"),
        ("CardsErrorsAlarm", "errors", "cards"),
        ("OcrServiceThrottlesAlarm", "throttles", "ocr"),
        ("AuthServiceLatencyAlarm9", "latency", "auth"),
        ("HttpApiLatencyAlarm", "api_latency", "platform"),
        ("DbConnectionsAlarm", "db_connections", "platform"),
        ("RdsProxyConnectionsAlarm", "proxy_connections", "platform"),
        ("LambdaDeadLetterQueueAlarm", "dlq", "platform"),
        ("SomethingElse", "other", "SomethingElse"),
    ],
)
def test_an_alarm_has_a_fingerprint(alarm: str, kind: str, service: str) -> None:
    assert fingerprint_of("prod", alarm) == Fingerprint("prod", kind, service)


@pytest.mark.parametrize(
    ("alarms", "services"),
    [
        ([], 1),
        (["CardsServiceErrorsAlarm", "CardsServiceLatencyAlarm"], 1),
        (["CardsServiceErrorsAlarm", "OcrServiceErrorsAlarm", "LambdaDeadLetterQueueAlarm"], 2),
        (["DbConnectionsAlarm"], 6),
        (["LambdaDeadLetterQueueAlarm"], 1),
    ],
)
def test_the_blast_radius_is_counted_in_services(alarms: list[str], services: int) -> None:
    assert count_services(alarms, SERVICES) == services


@pytest.mark.parametrize(
    ("environment", "kind", "services", "severity"),
    [
        ("prod", "api_latency", 1, Severity.SEV1),
        ("prod", "db_connections", 6, Severity.SEV1),
        ("prod", "errors", 3, Severity.SEV1),
        ("prod", "errors", 2, Severity.SEV2),
        ("prod", "throttles", 1, Severity.SEV2),
        ("prod", "other", 1, Severity.SEV2),
        ("prod", "latency", 1, Severity.SEV3),
        ("prod", "dlq", 1, Severity.SEV3),
        ("staging", "errors", 6, Severity.SEV3),
        ("dev", "errors", 6, Severity.SEV4),
        ("sandbox", "errors", 1, Severity.SEV4),
    ],
)
def test_the_severity_follows_from_policy(environment: str, kind: str, services: int, severity: Severity) -> None:
    assert rate(Fingerprint(environment, kind, "cards"), services, Incidents().rules()) is severity


def test_without_a_rule_that_matches_it_is_the_worst() -> None:
    assert rate(Fingerprint("prod", "errors", "cards"), 1, ()) is Severity.SEV1


@pytest.mark.parametrize(
    ("state", "seconds", "since", "until", "meaning"),
    [
        (AlarmState.ALARM, 0, None, None, Meaning.BEGAN),
        (AlarmState.OK, 0, None, None, Meaning.NOTHING_NEW),
        (AlarmState.INSUFFICIENT_DATA, 0, None, None, Meaning.NOTHING_NEW),
        (AlarmState.ALARM, 0, 0, None, Meaning.NOTHING_NEW),
        # A push tells the same change with another moment.
        (AlarmState.ALARM, 4, 0, None, Meaning.NOTHING_NEW),
        (AlarmState.ALARM, -60, 0, None, Meaning.NOTHING_NEW),
        (AlarmState.ALARM, 90, 0, None, Meaning.BEGAN_AGAIN),
        (AlarmState.OK, 90, 0, None, Meaning.ENDED),
        (AlarmState.OK, -1, 0, None, Meaning.NOTHING_NEW),
        (AlarmState.INSUFFICIENT_DATA, 90, 0, None, Meaning.NOTHING_NEW),
        (AlarmState.UNREAD, 90, 0, None, Meaning.NOTHING_NEW),
        (AlarmState.OK, 90, 0, 60, Meaning.NOTHING_NEW),
        (AlarmState.ALARM, 90, 0, 60, Meaning.BEGAN),
        (AlarmState.ALARM, 60, 0, 60, Meaning.BEGAN),
        # Delivered late, or twice.
        (AlarmState.ALARM, 30, 0, 60, Meaning.NOTHING_NEW),
        (AlarmState.ALARM, 0, 0, 60, Meaning.NOTHING_NEW),
    ],
)
def test_what_a_reading_means(
    state: AlarmState, seconds: float, since: float | None, until: float | None, meaning: Meaning
) -> None:
    last = None if since is None else Breach("INC-1", ARN, "x", s(since), None if until is None else s(until))
    assert judge_reading(read(state, seconds), last) is meaning


INCIDENT = Incident("INC-1", Fingerprint("staging", "errors", "cards"), Severity.SEV3, "t", T, T, None, "why")


@pytest.mark.parametrize(
    ("severity", "ended", "state", "now", "over"),
    [
        (Severity.SEV3, 60, AlarmState.OK, 60 + 900, True),
        (Severity.SEV3, 60, AlarmState.OK, 60 + 899, False),
        (Severity.SEV3, None, AlarmState.OK, 9999, False),
        (Severity.SEV2, 60, AlarmState.OK, 9999, False),
        (Severity.SEV3, 60, AlarmState.INSUFFICIENT_DATA, 9999, False),
        (Severity.SEV3, 60, AlarmState.ALARM, 9999, False),
        (Severity.SEV3, 60, None, 9999, False),
    ],
)
def test_what_is_over_is_resolved_by_itself_and_the_unknown_is_not_over(
    severity: Severity, ended: float | None, state: AlarmState | None, now: float, over: bool
) -> None:
    breach = Breach("INC-1", ARN, "x", T, None if ended is None else s(ended))
    readings = {} if state is None else {ARN: read(state, 60)}
    told = explain_recovery(replace(INCIDENT, severity=severity), [breach], readings, s(now), ResolvePolicy())
    assert (told is not None) is over


P = PromotionPhase


def promoted(
    id_: str, phase: P, started: float | None = 0, *, bake: float | None = 1000, ended: float | None = None,
    kind: PromotionKind = PromotionKind.PROMOTION, changed: bool = True, baseline: tuple[AlarmReading, ...] = (),
) -> Promotion:  # fmt: skip
    deployed = None if started is None else s(started + 60)
    return Promotion(
        id_, "staging", "a" * 40, kind, phase, "ada", "why", T, s(ended or 0),
        deploy_started_at=None if started is None else s(started), deployed_at=deployed,
        bake_until=None if bake is None else s(bake), ended_at=None if ended is None else s(ended),
        code_changed=changed, baseline=baseline,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("promotions", "since", "promotion", "words"),
    [
        ([], 100, None, "no deploy of this environment is known"),
        ([promoted("p", P.BAKING)], 100, "p", "40 s after the deploy of promotion aaaaaaaa (p)"),
        ([promoted("p", P.DEPLOYING, bake=None)], 30, "p", "during the deploy of promotion"),
        ([promoted("p", P.BAKING)], -5, None, "no deploy of this environment is known"),
        ([promoted("p", P.BAKING, baseline=(read(AlarmState.ALARM, -5),))], -5, None, "its baseline"),
        # An alarm of the baseline that was OK in between is a new one.
        ([promoted("p", P.BAKING, baseline=(read(AlarmState.ALARM, -5),))], 200, "p", "140 s after the deploy"),
        ([promoted("p", P.SUCCEEDED, ended=1001)], 1000, "p", "after the deploy"),
        ([promoted("p", P.SUCCEEDED, ended=1001)], 1300, None, "began 5 min after the bake of promotion"),
        ([promoted("p", P.ROLLED_BACK, ended=200)], 300, None, "began 1 min after the bake of"),
        # It ended badly while its code serves, so that it never proved itself.
        ([promoted("p", P.HELD, ended=200)], 5000, "p", "after the deploy"),
        ([promoted("p", P.FAILED, bake=None, ended=200)], 300, "p", "after the deploy"),
        ([promoted("p", P.FAILED, bake=None, ended=200, changed=False)], 300, None, "no deploy of this environment"),
        ([promoted("p", P.GATED, None, bake=None)], 300, None, "no deploy of this environment"),
        # The code of a promotion that another deploy replaced causes nothing.
        ([promoted("q", P.BAKING, 500), promoted("p", P.HELD, ended=200)], 600, "q", "after the deploy"),
        ([promoted("q", P.BAKING, 500), promoted("p", P.BAKING)], 400, "p", "after the deploy"),
        (
            [promoted("r", P.SUCCEEDED, 500, kind=PromotionKind.ROLLBACK, bake=None, ended=600), promoted("p", P.HELD)],
            7000, None, "after the bake of rollback",
        ),
    ],
)  # fmt: skip
def test_the_promotion_that_is_blamed(
    promotions: list[Promotion], since: float, promotion: str | None, words: str
) -> None:
    found = find_cause(read(AlarmState.ALARM, since), promotions, s(max(since, 0) + 10))
    assert found.promotion == promotion and words in found.reason
