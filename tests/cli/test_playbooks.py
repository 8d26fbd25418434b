"""`playbook ...` from the command line, with exit codes: bad input ends with 2 and one line before AWS is asked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from namecard_release import playbook_composition
from namecard_release.cli import playbooks
from namecard_release.cli.main import app
from namecard_release.composition import build_pipeline
from namecard_release.domain.audit import AuditEvent
from namecard_release.domain.measures import Measure
from namecard_release.domain.mitigations import Lever, Mitigation, MitigationKind, MitigationState, Target
from namecard_release.ledger.open import open_ledger
from namecard_release.settings import Settings
from namecard_release.workflow.pipeline import Pipeline
from tests.cli.test_waiving import SECRET, Place, place
from tests.fakes.levers import FakeLevers, with_levers
from tests.fakes.signals import FakeSignals
from tests.fakes.world import FakePorts, World

__all__ = ["place"]

RUN = ("run", "throttles", "--env", "prod", "--mitigation", "reserved-concurrency", "--service", "cards")
WHY = ("--reason", f"launch day password={SECRET}", "--actor", "ada")


class Desk:
    """The commands over a place, with levers and signals in memory."""

    def __init__(self, place: Place, levers: FakeLevers) -> None:
        self.place, self.levers = place, levers

    def call(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["playbook", *words, "--settings", str(self.place.settings)])

    def told(self, *words: str) -> Any:
        done = self.call(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture
def desk(place: Place, monkeypatch: pytest.MonkeyPatch) -> Desk:
    levers, signals = FakeLevers(), FakeSignals(values={(Measure.THROTTLES, "cards"): ((datetime.now(UTC), 48.0),)})
    cloud = FakePorts(World(place.settings.parent))

    def opened(settings: Settings) -> Pipeline:
        pipeline = build_pipeline(settings)
        sites = replace(pipeline, site=lambda name: replace(pipeline.site(name), signals=signals, cloud=cloud))
        return with_levers(sites, levers)

    monkeypatch.setattr(playbooks, "_open", opened)
    monkeypatch.setattr(playbook_composition, "build_levers", lambda *_: pytest.fail("AWS was asked"))
    return Desk(place, levers)


def test_every_playbook_is_listed() -> None:
    listed = CliRunner().invoke(app, ["playbook", "list"])
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [
        *("lambda-errors", "throttles", "dlq-backlog", "database-connections", "api-latency")
    ]
    told = json.loads(CliRunner().invoke(app, ["playbook", "list", "--json"]).stdout)
    assert {one["section"] for one in told["playbooks"]} == {"4", "5.1", "5.2", "5.3", "5.4"}


def test_it_is_planned_made_shown_and_undone_and_no_secret_is_kept(desk: Desk) -> None:
    planned = desk.call(*RUN, "--to", "50", "--plan-only")
    assert planned.exit_code == 0 and "would change reserved concurrency of cards: 25 -> 50" in planned.stdout
    assert desk.told("show")["mitigations"] == [] and desk.levers.written == []
    done = desk.call(*RUN, "--to", "50", *WHY)
    assert done.exit_code == 0, done.output
    assert "mitigation 1 APPLIED" in done.stdout and "playbook undo 1 --reason" in done.stdout
    shown = desk.call("show")
    assert shown.stdout.splitlines()[1].startswith("1       APPLIED") and SECRET not in shown.stdout
    assert SECRET not in desk.call("show", "1").stdout
    again = desk.call(*RUN, "--to", "50", *WHY)
    assert (again.exit_code, again.stdout) == (0, "nothing to do: the reserved concurrency is 50 already\n")
    undone = desk.told("undo", "1", "--reason", "over", "--actor", "bob")
    assert undone["mitigation"]["state"] == "UNDONE" and desk.levers.reserved == 25
    assert desk.call("show").stdout.count("\n") == 1 and desk.call("show", "--all").stdout.count("\n") == 2
    assert desk.told("settle", "--env", "prod") == {"settled": []}


BAD: tuple[tuple[tuple[str, ...], str], ...] = (
    (("run", "hope", *RUN[2:], "--to", "50", *WHY), "unknown playbook 'hope'"),
    ((*RUN[:3], "moon", *RUN[4:], "--to", "50", *WHY), "moon"),
    ((*RUN[:-1], "nobody", "--to", "50", *WHY), "unknown service 'nobody'"),
    ((*RUN, "--to", "500", *WHY), "at most 100 in one step"),
    ((*RUN, "--to", "0", *WHY), "at least 1"),
    ((*RUN, *WHY), "whole number"),
    ((*RUN, "--to", "50"), "a name and a reason"),
    ((*RUN, "--to", "50", "--commit", "main", *WHY), "takes no --commit"),
    ((*RUN, "--to", "50", "--incident", "9", *WHY), "no incident INC-9"),
    (("undo", "7", "--reason", "over"), "no mitigation 7"),
    (("show", "7"), "no mitigation 7"),
    (("show", "--env", "moon"), "moon"),
    (("settle", "--env", "moon"), "moon"),
    (("plan", "hope", "--env", "prod"), "unknown playbook 'hope'"),
    (("plan", "throttles", "--env", "prod", "--service", "nobody"), "unknown service"),
    (
        (
            "run",
            "database-connections",
            "--env",
            "prod",
            "--mitigation",
            "cluster-failover",
            "--confirm-writer",
            "x",
            *WHY,
        ),
        "'x' is not the writer",
    ),
    (("run", "throttles", "--env", "prod", "--mitigation", "roll-forward", *WHY), "name the release"),
    (("run", "throttles", "--env", "prod", "--mitigation", "rollback", "--to", "5", *WHY), "takes --commit alone"),
    (("run", "lambda-errors", "--env", "prod", "--mitigation", "flag-fallback", "--to", "on", *WHY), "declare one"),
)


def test_bad_input_ends_with_2_and_one_line_and_touches_nothing(desk: Desk) -> None:
    for words, told in BAD:
        done = desk.call(*words)
        assert done.exit_code == 2, done.output
        assert told in done.output and len(done.stderr.splitlines()) == 1 and SECRET not in done.output
    assert desk.levers.written == [] and open_ledger(desk.place.ledger_url).mitigations() == ()


def test_what_is_not_read_ends_with_3_and_what_a_state_forbids_with_1(desk: Desk) -> None:
    desk.call(*RUN, "--to", "50", *WHY)
    desk.levers.reserved = 44
    undone = desk.call("undo", "1", "--reason", "over")
    assert undone.exit_code == 1 and "somebody changed it since" in undone.stderr
    assert desk.call("undo", "1", "--plan-only").exit_code == 1
    desk.levers.limit = None
    assert desk.call(*RUN, "--to", "60", *WHY).exit_code == 3
    assert desk.call(*RUN, "--to", "60", "--plan-only").exit_code == 3


def test_a_plan_tells_the_cause_what_it_suggests_and_what_is_unknown(desk: Desk) -> None:
    done = desk.call("plan", "throttles", "--env", "prod", "--service", "cards")
    assert done.exit_code == 0, done.output
    assert "throttles (runbook 4) in prod" in done.stdout and "likely cause: throttling" in done.stdout
    assert "--mitigation reserved-concurrency --service cards --to 10 --reason" in done.stdout
    assert "UNKNOWN: service graph: X-Ray is not available here" in done.stdout
    told = desk.told("plan", "throttles", "--env", "prod", "--service", "cards")
    assert told["cause"]["cause"] == "throttling" and told["suggested"][0]["kind"] == "reserved-concurrency"
    assert {"part", "reason"} == set(told["unknown"][0])


def test_what_a_killed_command_began_is_settled(desk: Desk) -> None:
    ledger, now = open_ledger(desk.place.ledger_url), datetime.now(UTC)
    target = Target("prod", Lever.RESERVED, "cards", "fn-cards", "", "CardsServiceFunction1")
    kept = (MitigationState.INTENDED, "ada", "slow", None, "run-1", now)
    one = Mitigation(0, target, MitigationKind.RESERVED, "throttles", "20", "25", *kept)
    ledger.intend_mitigation(one, AuditEvent(now, "ada", "mitigation intended", "mitigation", "prod", "slow"))
    done = desk.call("settle", "--env", "prod")
    assert done.stdout == "1 settled\nmitigation 1 APPLIED: reserved concurrency of cards: 20 -> 25, found so\n"
