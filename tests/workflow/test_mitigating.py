"""Mitigations over fakes: made once, undone exactly, told in their incident; killed ones are beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmState
from namecard_release.domain.gates import Verdict
from namecard_release.domain.mitigation_bounds import Apply, NothingToDo, Reading, Refused
from namecard_release.domain.mitigations import Lever, MitigationKind, MitigationState, Request, Target
from namecard_release.errors import MisuseError, PermanentError, RefusedError, ReleaseError, TransientError
from namecard_release.workflow import mitigating
from namecard_release.workflow.incidents import look_for_incidents
from namecard_release.workflow.mitigating import Undo, plan_mitigation, plan_undo, run_mitigation, settle_all
from namecard_release.workflow.people import Word, pause_automation, place_hold
from tests.fakes.levers import FakeLevers, KilledError, with_levers
from tests.fakes.mitigation_stage import Stage, ask, kill, live
from tests.fakes.signals import FakeSignals, with_signals
from tests.fakes.world import World

K, S = MitigationKind, MitigationState


def test_a_reservation_is_raised_and_restored_with_both_values_kept(stage: Stage) -> None:
    one = stage.run()
    assert (one.number, one.state, one.before, one.after) == (1, S.APPLIED, "25", "50")
    assert stage.levers.reserved == 50 and one.ended_at == stage.world.time
    assert one == stage.pipeline.ledger.mitigation(1)
    undone = stage.undo()
    assert undone == stage.pipeline.ledger.mitigation(1)
    assert undone is not None and (undone.state, undone.undo_actor) == (S.UNDONE, "bob")
    assert stage.levers.written == [(Lever.RESERVED, "25", "50"), (Lever.RESERVED, "50", "25")]
    actions = [(e.actor, e.action, e.subject) for e in reversed(stage.pipeline.ledger.audit_entries("prod"))]
    assert actions == [
        ("ada", "mitigation intended", "mitigation 1"),
        ("ada", "mitigation ended APPLIED", "mitigation 1"),
        ("bob", "undo intended", "mitigation 1"),
        ("bob", "undo ended UNDONE", "mitigation 1"),
    ]
    assert stage.pipeline.ledger.verify_audit().verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("request_", "written"),
    [
        (ask(K.CUT, "5"), (Lever.RESERVED, "25", "5")),
        (ask(K.PROVISIONED, "8"), (Lever.PROVISIONED, "4", "8")),
        (ask(K.PROVISIONED, "none", alias="prod-live"), (Lever.PROVISIONED, "4", "none")),
        (ask(K.PROXY, "90", service="", playbook="database-connections"), (Lever.PROXY, "80/40", "90/40")),
        (
            ask(K.FAILOVER, "", service="", playbook="database-connections", confirm="db-1"),
            (Lever.WRITER, "db-1", "db-2"),
        ),
        (ask(K.FLAG, "on", flag="fallback", service="", playbook="lambda-errors"), (Lever.FLAG, "unset", '"on"')),
        (ask(K.DEGRADE, "on", flag="lookups", service="", playbook="api-latency"), (Lever.FLAG, "unset", '"on"')),
    ],
)
def test_every_mitigation_of_the_runbook_is_made_and_undone(
    stage: Stage, request_: Request, written: tuple[Lever, str, str]
) -> None:
    plan = plan_mitigation(stage.pipeline, request_)
    assert isinstance(plan.decision, Apply) and stage.levers.written == [] and stage.kept() == []
    done = run_mitigation(stage.pipeline, request_).mitigation
    assert done is not None and done.state is S.APPLIED and stage.levers.written == [written]
    assert (
        run_mitigation(stage.pipeline, replace(request_, confirm="db-2", to=request_.to or "db-2")).mitigation is None
    )
    undone = stage.undo(confirm="db-2")
    assert undone is not None and undone.state is S.UNDONE
    assert stage.levers.written[1:] == [(written[0], written[2], written[1])]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"playbook": "unheard-of"}, "unknown playbook 'unheard-of'"),
        ({"environment": "moon"}, "moon"),
        ({"service": "nobody"}, "unknown service 'nobody'"),
        ({"service": ""}, "name it with --service"),
        ({"kind": K.PROXY}, "no mitigation of throttles"),
        ({"kind": K.PROXY, "playbook": "database-connections"}, "leave --service out"),
        ({"kind": K.ROLLBACK}, "the command or the job of its name"),
        ({"kind": K.FLAG, "playbook": "lambda-errors", "flag": "lookups"}, "there are fallback"),
        ({"kind": K.FLAG, "playbook": "lambda-errors", "flag": "fallback", "service": "auth"}, "is one of cards"),
        ({"reason": " "}, "a name and a reason"),
        ({"actor": ""}, "a name and a reason"),
        ({"incident": "INC-9"}, "no incident INC-9"),
        ({"to": "1000"}, "at most 100"),
        ({"kind": K.PROVISIONED, "alias": "", "to": "0"}, "at least 1"),
    ],
)
def test_what_is_malformed_or_out_of_bounds_is_misuse_and_touches_nothing(
    stage: Stage, change: dict[str, object], told: str
) -> None:
    with pytest.raises(MisuseError, match=told) as caught:
        run_mitigation(stage.pipeline, replace(ask(), **change))  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) == 1
    assert stage.levers.written == [] and stage.kept() == [] and stage.pipeline.ledger.audit_entries() == ()


def test_a_wrong_writers_name_is_misuse_and_the_name_is_read_again_right_before(stage: Stage) -> None:
    request = ask(K.FAILOVER, "", service="", playbook="database-connections", confirm="db-9")
    with pytest.raises(MisuseError, match="'db-9' is not the writer"):
        run_mitigation(stage.pipeline, request)
    # Between the first look and the lease somebody fails over: the name is no longer the writer's.
    inner, reads = stage.levers.read, []

    def read(target: Target) -> Reading:
        reads.append(target)
        if len(reads) == 2:
            stage.levers.writer = "db-2"
        return inner(target)

    stage.levers.read = read  # type: ignore[method-assign]
    with pytest.raises(MisuseError, match="'db-1' is not the writer"):
        run_mitigation(stage.pipeline, replace(request, confirm="db-1"))
    assert stage.levers.written == [] and stage.kept() == []


def test_limits_that_are_not_read_refuse_and_are_not_guessed(stage: Stage) -> None:
    stage.levers.limit = None
    with pytest.raises(TransientError, match="limits are not guessed"):
        stage.run()
    stage.levers.unreachable = True
    with pytest.raises(TransientError, match="could not read"):
        stage.run()
    assert stage.levers.written == [] and stage.kept() == []


def test_an_alias_is_found_where_there_is_one_and_asked_for_else(stage: Stage) -> None:
    stage.levers.provisioned = {"a": 1, "b": 2}
    with pytest.raises(MisuseError, match="provisioned at cards are: a, b"):
        stage.run(K.PROVISIONED, "4")
    assert stage.run(K.PROVISIONED, "4", alias="b").target.qualifier == "b"


def fail(error: ReleaseError) -> Callable[[], None]:
    def raised() -> None:
        raise error

    return raised


def test_a_refusal_of_aws_is_kept_as_failed(stage: Stage) -> None:
    stage.levers.before_write = fail(PermanentError("AWS could not reserve: AccessDenied"))
    with pytest.raises(PermanentError, match="AccessDenied"):
        stage.run()
    (one,) = stage.pipeline.ledger.mitigations()
    assert (one.state, one.outcome) == (S.FAILED, "refused: AWS could not reserve: AccessDenied")


def test_an_answer_that_is_lost_is_read_back(stage: Stage) -> None:
    stage.levers.after_write = fail(TransientError("no answer"))
    assert stage.run().state is S.APPLIED
    stage.levers.after_write, stage.levers.before_write = lambda: None, fail(TransientError("no answer"))
    with pytest.raises(TransientError, match="mitigation 2 is INTENDED: run the same again"):
        stage.run(to="60")
    live(stage)
    assert stage.run(to="60").number == 2 and stage.levers.reserved == 60


def test_a_value_that_does_not_stay_is_told(stage: Stage) -> None:
    stage.levers.after_write = lambda: setattr(stage.levers, "reserved", 33)
    with pytest.raises(PermanentError, match="reads as 33 after it was changed to 50"):
        stage.run()
    assert stage.kept() == [(1, S.FAILED)]


def test_an_undo_is_refused_after_somebody_elses_change_and_forced_with_a_reason(stage: Stage) -> None:
    stage.run()
    stage.levers.reserved = 44
    wanted = Undo(1, "bob", "over")
    assert isinstance(plan_undo(stage.pipeline, wanted).decision, Refused)
    with pytest.raises(RefusedError, match="44 now, and this mitigation made it 50: somebody changed it since"):
        mitigating.undo_mitigation(stage.pipeline, wanted)
    assert stage.kept() == [(1, S.APPLIED)] and stage.levers.reserved == 44
    with pytest.raises(MisuseError, match="a name and a reason"):
        mitigating.undo_mitigation(stage.pipeline, Undo(1, "bob", "", forced=True))
    forced = stage.undo(forced=True)
    assert forced is not None and forced.state is S.UNDONE and stage.levers.reserved == 25


def test_what_is_as_before_already_is_called_undone(stage: Stage) -> None:
    stage.run()
    stage.levers.reserved = 25
    assert isinstance(plan_undo(stage.pipeline, Undo(1, "bob", "over")).decision, NothingToDo)
    undone = stage.undo()
    assert undone is not None and undone.state is S.UNDONE and len(stage.levers.written) == 1
    again = stage.undo()
    assert again is not None and again.state is S.UNDONE and len(stage.levers.written) == 1
    with pytest.raises(MisuseError, match="no mitigation 7"):
        stage.undo(7)


def test_two_on_one_setting_are_undone_last_first(stage: Stage) -> None:
    stage.run(to="30")
    stage.run(to="40")
    with pytest.raises(RefusedError, match="40 now, and this mitigation made it 30"):
        stage.undo(1)
    stage.undo(2)
    stage.undo(1)
    assert stage.levers.reserved == 25


def test_the_lease_of_another_refuses_and_is_given_back_after(stage: Stage) -> None:
    lease = stage.pipeline.ledger.take_lease("prod", "promotion-1", 60)
    with pytest.raises(RefusedError, match="being changed by promotion-1"):
        stage.run()
    lease.release()
    stage.run()
    lease = stage.pipeline.ledger.take_lease("prod", "promotion-1", 60)
    with pytest.raises(RefusedError, match="being changed by promotion-1"):
        stage.undo()
    lease.release()
    assert stage.undo() is not None


def test_a_run_that_is_begun_again_takes_its_own_lease_back_and_nobody_else_does(stage: Stage) -> None:
    # Killed while it held the lease, which lasts on.
    stage.pipeline.ledger.take_lease("prod", "mitigation-run-1", 30)
    with pytest.raises(RefusedError, match="being changed by mitigation-run-1"):
        stage.run(run_id="run-2")
    with pytest.raises(RefusedError, match="being changed by mitigation-run-1"):
        stage.run(run_id="")
    assert stage.run(run_id="run-1").state is S.APPLIED


def test_a_hold_of_the_environment_asks_for_a_word_and_a_pause_does_not(stage: Stage) -> None:
    now = stage.world.time
    pause_automation(stage.pipeline.settings, stage.pipeline.ledger, Word("prod", "eve", "load test", now), "")
    stage.run()
    place_hold(stage.pipeline.settings, stage.pipeline.ledger, Word("prod", "eve", "audit", now), None)
    with pytest.raises(RefusedError, match=r"held by eve: audit[\s\S]*--despite-hold"):
        stage.run(to="60")
    with pytest.raises(RefusedError, match="held by eve"):
        stage.undo()
    assert stage.run(to="60", despite_hold=True).state is S.APPLIED


def test_a_freeze_never_stops_a_mitigation(tmp_path: Path) -> None:
    freeze = {"name": "always", "start": "2020-01-01T00:00:00", "end": "2030-01-01T00:00:00", "timezone": "UTC"}
    world, levers = World(tmp_path, own={"prod": {"freezes": [freeze]}}), FakeLevers()
    pipeline = with_levers(with_signals(world.pipeline(), FakeSignals()), levers)
    assert Stage(world, levers, pipeline).run().state is S.APPLIED


def open_one(stage: Stage) -> str:
    stage.world.set_alarm("CardsServiceThrottlesAlarm", AlarmState.ALARM)
    look_for_incidents(stage.pipeline, "prod")
    return stage.pipeline.ledger.incidents()[0].id


def lines(stage: Stage, incident: str) -> list[tuple[str, str]]:
    case = stage.pipeline.ledger.case(incident)
    assert case is not None
    return [(e.actor, e.text) for e in case.timeline if e.text.startswith("mitigation")]


def test_each_end_is_told_once_in_the_incident_also_after_a_kill_before_it_was(stage: Stage) -> None:
    incident = open_one(stage)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mitigating, "tell_untold", lambda *_: kill())
        with pytest.raises(KilledError):
            stage.run(incident=incident)
    assert lines(stage, incident) == []
    stage.undo()
    assert lines(stage, incident) == [
        ("bob", "mitigation 1 UNDONE: reserved concurrency of cards: 50 -> 25; over"),
    ]
    stage.run(to="40", incident=incident)
    settle_all(stage.pipeline, "prod")
    told = [text for _, text in lines(stage, incident)]
    assert told[1:] == ["mitigation 2 APPLIED: reserved concurrency of cards: 25 -> 40; throttled"]


def test_a_kill_between_the_note_and_its_mark_tells_nothing_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = open_one(stage)
    with monkeypatch.context() as patch:
        patch.setattr(type(stage.pipeline.ledger), "mark_told", lambda *_: kill())
        with pytest.raises(KilledError):
            stage.run(incident=incident)
    settle_all(stage.pipeline, "prod")
    assert len(lines(stage, incident)) == 1
    one = stage.pipeline.ledger.mitigation(1)
    assert one is not None and one.told == S.APPLIED


def test_an_incident_of_another_environment_is_misuse(stage: Stage) -> None:
    incident = open_one(stage)
    with pytest.raises(MisuseError, match=f"{incident} is one of prod, not of staging"):
        run_mitigation(stage.pipeline, replace(ask(), environment="staging", incident=incident))
