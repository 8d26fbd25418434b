"""Which mitigations a diagnosis suggests, and why not the others; an UNKNOWN cause suggests no change of a setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from namecard_release.domain.causes import Cause, Diagnosis
from namecard_release.domain.incident_evidence import Concurrency, IncidentEvidence, Part
from namecard_release.domain.measures import Measure, Series
from namecard_release.domain.mitigation_bounds import Cluster, Flag, Member
from namecard_release.domain.mitigations import RELEASES, MitigationKind
from namecard_release.domain.playbooks import PLAYBOOKS, Known, Suggestion, advise, explain_misuse, playbook_for

K, C = MitigationKind, Cause
NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
HEALTHY = Cluster("c", "available", (Member("a", True, "available"), Member("b", False, "available")))
SICK = Cluster("c", "available", (Member("a", True, "storage-full"), Member("b", False, "available")))
FALLBACK = Flag("fallback", "cards", "FALLBACK")
LOOKUPS = Flag("lookups", "enrichment", "LOOKUPS", degrades="enrichment lookups")
KNOWN = Known(
    (FALLBACK, LOOKUPS), cluster=HEALTHY, percent=80, reserved={"cards": 10}, provisioned={"cards": (("l", 4),)}
)


def evidence(cause: Cause, service: str | None = "cards", **own: object) -> IncidentEvidence:
    empty: Part[object] = Part(None, "")
    made = IncidentEvidence(
        *("prod", "CardsServiceErrorsAlarm", "errors", NOW, NOW, NOW, None, None, None, service),
        **dict.fromkeys(
            (
                "target",
                "functions",
                "triage",
                "endpoints",
                "measures",
                "picture",
                "concurrency",
                "service_graph",
                "impact",
            ),
            empty,
        ),  # type: ignore[arg-type]
        cause=Diagnosis(cause, "as read"),
    )
    return replace(made, **own)  # type: ignore[arg-type]


CALM = Part((Series(Measure.THROTTLES, "cards"),), "")
THROTTLED = {"concurrency": Part(Concurrency(10, (), 1000, 500), "")}


@pytest.mark.parametrize(
    ("kind", "book"),
    [
        ("errors", "lambda-errors"),
        ("throttles", "throttles"),
        ("dlq", "dlq-backlog"),
        ("db_connections", "database-connections"),
        ("proxy_connections", "database-connections"),
        ("latency", "api-latency"),
        ("api_latency", "api-latency"),
        ("other", None),
    ],
)
def test_each_of_the_seven_kinds_of_alarms_has_its_playbook(kind: str, book: str | None) -> None:
    found = playbook_for(kind)
    assert (None if found is None else found.name) == book


def test_every_playbook_can_roll_back_and_forward_and_says_what_the_runbook_says() -> None:
    for one in PLAYBOOKS.values():
        assert set(one.mitigations) >= RELEASES and one.says and one.section
        assert all(explain_misuse(kind, one) is None for kind in one.mitigations)
    assert explain_misuse(K.PROXY, PLAYBOOKS["throttles"]) is not None


@pytest.mark.parametrize(
    ("book", "told", "known", "suggested"),
    [
        ("lambda-errors", evidence(C.DEPENDENCY), KNOWN, {K.FLAG: "on"}),
        ("lambda-errors", evidence(C.DEPENDENCY), Known(), {}),
        ("lambda-errors", evidence(C.VALIDATION), KNOWN, {K.ROLL_FORWARD: ""}),
        (
            "lambda-errors",
            evidence(C.CODE_DEFECT, promotion_id="p"),
            replace(KNOWN, rollback=("SAFE", "no change")),
            {K.ROLLBACK: ""},
        ),
        (
            "lambda-errors",
            evidence(C.CODE_DEFECT, promotion_id="p"),
            replace(KNOWN, rollback=("UNSAFE", "a drop")),
            {K.ROLL_FORWARD: ""},
        ),
        ("lambda-errors", evidence(C.UNKNOWN), KNOWN, {}),
        ("throttles", evidence(C.THROTTLING, **THROTTLED, measures=CALM), Known(), {}),
        ("throttles", evidence(C.THROTTLING, **THROTTLED), KNOWN, {K.RESERVED: "20", K.PROVISIONED: "8"}),
        (
            "throttles",
            evidence(C.THROTTLING, concurrency=Part(Concurrency(10, (), 1000, 105), "")),
            KNOWN,
            {K.RESERVED: "15", K.PROVISIONED: "8"},
        ),
        ("throttles", evidence(C.THROTTLING, concurrency=Part(Concurrency(10, (), 1000, 90), "")), Known(), {}),
        ("throttles", evidence(C.THROTTLING, concurrency=Part(Concurrency(None, (), 1000, 90), "")), Known(), {}),
        ("throttles", evidence(C.THROTTLING, concurrency=Part(Concurrency(10, (), None, None), "")), Known(), {}),
        ("throttles", evidence(C.THROTTLING, concurrency=Part(None, "no answer")), Known(), {}),
        ("database-connections", evidence(C.DATABASE_CONNECTIONS), KNOWN, {K.PROXY: "90", K.CUT: "5"}),
        (
            "database-connections",
            evidence(C.DATABASE_CONNECTIONS),
            replace(KNOWN, percent=100, cluster=SICK),
            {K.CUT: "5", K.FAILOVER: ""},
        ),
        ("database-connections", evidence(C.DATABASE_CONNECTIONS, None), replace(KNOWN, percent=95), {K.PROXY: "100"}),
        (
            "database-connections",
            evidence(C.DATABASE_CONNECTIONS),
            replace(KNOWN, reserved={"cards": 1}, percent=None),
            {},
        ),
        ("api-latency", evidence(C.SLOW, "enrichment"), KNOWN, {K.DEGRADE: "on"}),
        ("api-latency", evidence(C.SLOW), KNOWN, {K.PROVISIONED: "8"}),
        ("dlq-backlog", evidence(C.DEPENDENCY), KNOWN, {K.FLAG: "on"}),
    ],
)
def test_what_the_evidence_suggests_and_for_the_rest_why_not(
    book: str, told: IncidentEvidence, known: Known, suggested: Mapping[MitigationKind, str]
) -> None:
    advice = advise(PLAYBOOKS[book], told, known)
    assert {one.kind: one.to for one in advice.suggested} == suggested
    assert {one.kind for one in advice.suggested} | {kind for kind, _ in advice.passed_over} == set(
        PLAYBOOKS[book].mitigations
    )
    assert all(one.why for one in advice.suggested) and all(why for _, why in advice.passed_over)


@pytest.mark.parametrize("book", sorted(PLAYBOOKS))
def test_an_unknown_cause_changes_no_setting_and_what_is_unread_is_named(book: str) -> None:
    dark = evidence(C.UNKNOWN, None, triage=Part(None, "no answer"))
    known = Known(cluster_unread="RDS did not answer", percent_unread="no proxy")
    advice = advise(PLAYBOOKS[book], dark, known)
    assert advice.suggested == ()
    assert ("log triage", "no answer") in advice.unknown and ("cluster", "RDS did not answer") in advice.unknown
    assert ("proxy", "no proxy") in advice.unknown
    assert any("UNKNOWN" in why for _, why in advice.passed_over)


def test_a_flag_is_suggested_by_its_name_and_service() -> None:
    advice = advise(PLAYBOOKS["lambda-errors"], evidence(C.DEPENDENCY), KNOWN)
    assert advice.suggested[0] == Suggestion(K.FLAG, "cards", "on", advice.suggested[0].why, "fallback")


@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        (HEALTHY, "c is healthy, its writer is a"),
        (Cluster("c", "available", ()), "nothing to fail over to or from: c has no writer"),
        (Cluster("c", "available", (Member("a", True, "storage-full"),)), "nothing to fail over to or from: a is"),
        (Cluster("c", "x", (Member("a", True, "available"), Member("b", False, "lost"))), "nothing to fail over to"),
    ],
)
def test_no_failover_is_suggested_where_it_cannot_help(cluster: Cluster, told: str) -> None:
    known = replace(KNOWN, cluster=cluster)
    advice = advise(PLAYBOOKS["database-connections"], evidence(C.DATABASE_CONNECTIONS), known)
    assert told in dict(advice.passed_over)[K.FAILOVER]
