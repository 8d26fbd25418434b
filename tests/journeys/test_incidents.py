"""Each of the contract's seven kinds of alarm, raised by what raises it in production, opens the one incident that
names it: the real daemon, the real alarms, the real functions and database.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from namecard_release.composition import build_pipeline
from namecard_release.domain.incident import Evidence, Incident
from namecard_release.domain.incident_case import Case
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.settings import load_settings
from tests.journeys.causes import Causes
from tests.journeys.conftest import Sandbox, wait_for

pytestmark = pytest.mark.journey
ENVIRONMENT = "dev"
API, SLOW = ("api_latency", "platform"), ("latency", "uploads")
# By kind and service: what the evidence says is the cause, whose it is, and in which words.
EXPECTED: dict[tuple[str, str], tuple[str, str | None, str]] = {
    ("errors", "ocr"): (
        "code_defect",
        "ocr",
        r'error of ocr at /v1/ocr: its message says .*"ocr.OcrJob" does not exist',
    ),
    ("throttles", "enrichment"): (
        "throttling",
        "enrichment",
        r"enrichment had 3 invocations throttled; its reserved concurrency is 0",
    ),
    ("db_connections", "platform"): (
        "database_connections",
        None,
        r"^Database connections of namecard-dev-aurora reached 72, last 72, the alarm's threshold is 60",
    ),
    ("proxy_connections", "platform"): (
        "database_connections",
        None,
        r"^Proxy connections of namecard-dev-proxy reached 55, last 55, the alarm's threshold is 48",
    ),
    ("dlq", "platform"): ("code_defect", "ocr", r'^([5-9]|\d\d) letters; .*"ocr.OcrJob" does not exist'),
    API: ("slow", "cards", r"/v1/cards\S* has p95 (2[4-9]|[3-7]\d)\d\d ms over \d+ requests; it depends on .*RDS"),
    SLOW: ("slow", "uploads", r"p95 of /v1/uploads of uploads is [89]\d\d\d ms over \d+ invocations; .*RDS"),
}


@pytest.fixture(scope="module")
def ledger(sandbox: Sandbox) -> ReleaseLedger:
    return build_pipeline(load_settings(sandbox.state.settings_file)).ledger


@pytest.fixture(scope="module")
def causes(sandbox: Sandbox) -> Iterator[Causes]:
    if sandbox.read("status")["environments"][ENVIRONMENT]["release"] is None:
        good = sandbox.state.releases["A"]
        done = sandbox.call("promote", "--env", ENVIRONMENT, "--commit", good, "--wait")
        assert done.returncode == 0, done.stderr
    # As after every deploy that changes an alarm: each alarm is pushed as well as polled.
    wired = sandbox.call("alarms", "wire", "--env", ENVIRONMENT)
    assert wired.returncode == 0, wired.stderr
    made = Causes(load_settings(sandbox.state.settings_file), ENVIRONMENT)
    yield made
    made.close()


def test_each_kind_of_alarm_opens_the_incident_that_names_its_cause(
    sandbox: Sandbox, ledger: ReleaseLedger, causes: Causes
) -> None:
    causes.push("this is no alarm")
    sent = _begin_calm(sandbox, ledger, causes)
    began, clock = datetime.now(UTC), time.monotonic()
    with ExitStack() as broken:
        broken.enter_context(causes.no_concurrency("enrichment"))
        broken.enter_context(causes.missing_table("ocr"))
        causes.publish_connections(cluster=72, proxy=55)
        assert [causes.get("enrichment").ok for _ in range(3)] == [False] * 3
        assert [causes.get("ocr").status for _ in range(3)] == [500] * 3
        causes.send_letters("ocr", 6)
        assert all(one.ok and one.seconds > 2.4 for one in causes.slow_down("cards", 2.5, sent + 20))
        _wait_for(ledger, began, set(EXPECTED) - {SLOW})
        # Only now: a slower endpoint would be the better answer to what makes the API slow.
        assert all(one.ok and one.seconds > 8.7 for one in causes.slow_down("uploads", 8.8, 0))
        told = _wait_for(ledger, began, set(EXPECTED))
    print(f"seven incidents with their evidence after {time.monotonic() - clock:.1f} s")
    for case in told:
        _check(case)
    # Every push was taken up and deleted; what is no alarm stays until its returns are spent, and stops nothing.
    wait_for(lambda: True if causes.pushed() == 1 else None, 30)


def _begin_calm(sandbox: Sandbox, ledger: ReleaseLedger, causes: Causes) -> int:
    """See that no alarm of the environment is in ALARM and none of its incidents open; gives the requests it took."""
    # On a busy machine the functions that a deploy starts cold are slow enough for an alarm of their own.
    sent = causes.calm("auth", "search")
    wait_for(lambda: True if not _loud(ledger) else None, 30)
    for incident in _open(ledger):
        done = sandbox.call("incident", "resolve", incident.id, "--reason", "the functions are warm", "--actor", "ada")
        assert done.returncode == 0, done.stderr
    return sent


def _loud(ledger: ReleaseLedger) -> list[str]:
    return [one.name for one in ledger.breaches([one.id for one in _open(ledger)]) if one.ended_at is None]


def _open(ledger: ReleaseLedger) -> list[Incident]:
    return [one for one in ledger.incidents(ENVIRONMENT, unfinished=True) if one.is_open]


def _wait_for(ledger: ReleaseLedger, began: datetime, wanted: set[tuple[str, str]]) -> list[Case]:
    """Give the cases opened since a moment once each wanted one has its evidence, and see that there is no other."""

    def read() -> list[Case] | None:
        opened = [one for one in ledger.incidents(ENVIRONMENT) if one.opened_at >= began]
        cases = [case for one in opened if (case := ledger.case(one.id)) is not None]
        names = [_name(case.incident) for case in cases if case.evidence]
        return cases if wanted <= set(names) else None

    cases = wait_for(read, 90)
    assert sorted(_name(case.incident) for case in cases) == sorted(wanted)
    return cases


def _name(incident: Incident) -> tuple[str, str]:
    return incident.fingerprint.kind, incident.fingerprint.service


def _check(case: Case) -> None:
    incident, (evidence,) = case.incident, case.evidence
    kind, service, reason = EXPECTED[_name(incident)]
    told = evidence.details["cause"]
    assert isinstance(told, dict)
    assert (told["kind"], evidence.details["service"]) == (kind, service), evidence.headline
    assert re.search(reason, told["reason"]), told["reason"]
    assert incident.promotion is None and "after the bake of promotion" in incident.cause, incident.cause
    (breach,) = case.breaches
    assert breach.ended_at is None and breach.since <= incident.opened_at
    assert evidence.details["picture"], evidence.headline
    assert set(dict(evidence.details["unread"])) <= {"service graph"}, "the emulator has no X-Ray"  # type: ignore[call-overload]
    if kind == "code_defect":
        _check_failures(evidence)


def _check_failures(evidence: Evidence) -> None:
    (group,) = evidence.details["groups"]  # type: ignore[misc]
    assert (group["service"], group["path"]) == ("ocr", "/v1/ocr")
    assert group["count"] == evidence.failed_requests and group["count"] >= 3
    assert all(sample["request_id"] and sample["correlation_ids"] for sample in group["samples"])
