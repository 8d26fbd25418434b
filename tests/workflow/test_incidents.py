"""Alarms become incidents over the fakes and the real ledger: opened, joined, worsened, resolved; polled and pushed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.incident import Incident, Item, Severity
from namecard_release.domain.incident_case import Step
from namecard_release.domain.incident_steps import Word
from namecard_release.domain.incident_summary import render_summary
from namecard_release.domain.messages import Channel, Message
from namecard_release.errors import MisuseError, PermanentError, RefusedError, TransientError
from namecard_release.settings import Settings
from namecard_release.workflow import responding
from namecard_release.workflow.incident_clock import tick_clock
from namecard_release.workflow.incidents import Look, look_for_incidents
from namecard_release.workflow.pipeline import Pipeline, Site
from tests.fakes.pushes import FakePushes
from tests.fakes.world import B, World
from tests.workflow.test_promotion import Stage

ALARM, OK = AlarmState.ALARM, AlarmState.OK
CARDS = "CardsServiceErrorsAlarm"
PLACE = "arn:aws:cloudwatch:ap-southeast-1:000000000000:alarm:"
PUSHED = f"{PLACE}NameCardApi-prod-CardsServiceErrorsAlarm"
QUEUED = {"incidents": {"queues": {"prod": "alarms"}}}


@dataclass
class Desk:
    """A world watched for incidents, and what its pipeline made of it."""

    world: World
    pipeline: Pipeline
    pushes: FakePushes = field(default_factory=FakePushes)

    def look(self, environment: str = "prod") -> Look:
        return look_for_incidents(self.pipeline, environment)

    def alarm(self, name: str, state: AlarmState = ALARM) -> AlarmReading:
        return self.world.set_alarm(name, state)

    def flap(self, name: str) -> None:
        """Let an alarm be OK for a second that nobody looks at."""
        self.alarm(name, OK)
        self.world.pass_time(1)
        self.alarm(name)

    def open(self) -> list[Incident]:
        return [one for one in self.pipeline.ledger.incidents(unfinished=True) if one.is_open]

    def later(self, minutes: float) -> tuple[str, ...]:
        self.world.pass_time(minutes * 60)
        return tick_clock(self.pipeline)

    def ack(self, incident: str = "INC-1", actor: str = "ada") -> Incident:
        ledger, now = self.pipeline.ledger, self.pipeline.clock.now()
        return responding.acknowledge(self.pipeline.settings, ledger, incident, actor, now, "cli")

    def resolve(self, incident: str = "INC-1", reason: str = "fixed") -> Incident:
        ledger, now = self.pipeline.ledger, self.pipeline.clock.now()
        return responding.resolve(self.pipeline.settings, ledger, incident, "ada", reason, now)

    def note(self, **word: object) -> Incident:
        ledger, now = self.pipeline.ledger, self.pipeline.clock.now()
        told = Word("ada", **word)  # type: ignore[arg-type]
        return responding.note(self.pipeline.settings, ledger, "INC-1", told, now)

    def told(self, channel: Channel | None = None) -> list[Message]:
        return [one.message for one in reversed(self.pipeline.outbox.messages(500, channel=channel))]

    def queued(self) -> list[str]:
        return [message.key.partition("/")[2] for message in self.told()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    world = World(tmp_path)
    pipeline = world.pipeline()
    pushes = FakePushes()
    settings = Settings.model_validate({**pipeline.settings.model_dump(), **QUEUED})

    def site(name: str) -> Site:
        return replace(pipeline.site(name), pushes=pushes)

    yield Desk(world, replace(pipeline, site=site, settings=settings), pushes)


def test_an_alarm_opens_one_incident_and_pages_once_however_often_it_is_looked_at(desk: Desk) -> None:
    desk.alarm(CARDS)
    assert desk.look().done[0].startswith(f"INC-1 opened: {CARDS} in ALARM; SEV2; no deploy of this environment")
    assert desk.look() == Look("prod")
    (incident,) = desk.open()
    assert (incident.fingerprint.kind, incident.fingerprint.service, incident.promotion) == ("errors", "cards", None)
    assert desk.queued() == ["opened/slack/note", "page/0/pagerduty/page"]
    (page,) = desk.told(Channel.PAGERDUTY)
    assert page.subject == "INC-1" and "incident ack INC-1" in page.text
    assert ("Owner", "backend-lambdas@namecard.app") in page.fields
    assert ("PagerDuty schedule", "namecard-backend") in page.fields


def test_other_services_kinds_and_environments_are_other_incidents(desk: Desk) -> None:
    for name in (CARDS, "CardsServiceLatencyAlarm", "LambdaDeadLetterQueueAlarm"):
        desk.alarm(name)
    desk.look()
    desk.look("dev")
    found = [(one.fingerprint.environment, one.fingerprint.kind, one.severity) for one in desk.open()]
    # One ARN is one alarm: the fakes' environments share theirs, so that dev opens nothing of its own.
    assert sorted(found) == [("prod", "dlq", "SEV3"), ("prod", "errors", "SEV2"), ("prod", "latency", "SEV3")]


def test_an_alarm_that_comes_again_joins_and_a_flap_nobody_saw_does_too(desk: Desk) -> None:
    desk.alarm(CARDS)
    desk.look()
    desk.world.pass_time(60)
    desk.alarm(CARDS, OK)
    assert desk.look().done[0].startswith("INC-1 alarm ok")
    desk.world.pass_time(60)
    desk.alarm(CARDS)
    assert desk.look().done == (f"INC-1 joined: {CARDS} in ALARM again",)
    desk.world.pass_time(60)
    desk.flap(CARDS)
    assert desk.look().done == (f"INC-1 joined: {CARDS} in ALARM again",)
    ends = [one.ended_at is None for one in desk.pipeline.ledger.breaches(["INC-1"])]
    assert ends == [False, False, True] and len(desk.open()) == 1
    assert [key for key in desk.queued() if "page" in key] == ["page/0/pagerduty/page"]


def test_what_cannot_be_read_opens_nothing_and_resolves_nothing(desk: Desk) -> None:
    desk.alarm("CardsServiceLatencyAlarm")
    desk.look()
    desk.alarm("CardsServiceLatencyAlarm", AlarmState.INSUFFICIENT_DATA)
    desk.alarm(CARDS, AlarmState.UNREAD)
    desk.world.pass_time(9999)
    assert desk.look().done == ()
    desk.alarm("CardsServiceLatencyAlarm", OK)
    desk.look()
    desk.world.unreachable.add("alarms")
    desk.world.pass_time(9999)
    assert desk.look().unread == "CloudWatch did not answer"
    assert len(desk.open()) == 1
    desk.world.unreachable.clear()
    assert desk.look().done == ("INC-1 resolved: every alarm of it has been OK for 15 min",)


def test_it_is_linked_to_the_promotion_whose_bake_it_broke(desk: Desk) -> None:
    stage = Stage(desk.world, desk.pipeline)
    promotion = stage.promote(B, "run-b")
    desk.world.pass_time(5)
    desk.alarm(CARDS)
    desk.look("staging")
    (incident,) = desk.open()
    assert incident.promotion == promotion.id and "after the deploy of promotion" in incident.cause


def test_many_services_at_once_make_it_worse_and_only_while_it_is_loud(desk: Desk) -> None:
    desk.alarm(CARDS)
    desk.look()
    for service in ("Ocr", "Auth"):
        desk.alarm(f"{service}ServiceErrorsAlarm")
    told = desk.look().done
    assert "INC-1 severity raised: SEV2 -> SEV1: 3 services in ALARM" in told
    assert {one.severity for one in desk.open()} == {Severity.SEV1}
    assert desk.look().done == ()


def test_a_push_opens_it_too_and_is_deleted_only_then(desk: Desk) -> None:
    reading = replace(desk.alarm(CARDS), arn=PUSHED)
    desk.alarm(CARDS, OK)
    desk.pushes.push(reading)
    # Delivered twice, and later a third time.
    desk.pushes.push(reading)
    desk.look()
    assert len(desk.open()) == 1 and desk.pushes.waiting == {}
    desk.pushes.push(reading)
    assert desk.look().done == () and len(desk.pushes.deleted) == 3


def test_a_push_that_the_ledger_did_not_take_stays_in_its_queue(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.pushes.push(replace(desk.alarm(CARDS), arn=PUSHED))
    desk.alarm(CARDS, OK)
    with monkeypatch.context() as patch:
        patch.setattr(type(desk.pipeline.ledger), "take_step", lambda *_: False)
        assert "too busy" in str(desk.look().unread)
    assert desk.pushes.deleted == [] and len(desk.pushes.waiting) == 1
    desk.look()
    assert len(desk.open()) == 1 and desk.pushes.waiting == {}


def test_a_burst_is_taken_up_at_one_look(desk: Desk) -> None:
    for number in range(35):
        name = f"Extra{number}Alarm"
        desk.pushes.push(AlarmReading(name, f"{PLACE}{name}", ALARM, desk.pipeline.clock.now()))
    assert len(desk.look().done) == 35
    assert desk.pushes.waiting == {} and len(desk.open()) == 35


def test_an_alarm_of_another_environment_is_left_in_the_queue_and_the_rest_taken_up(desk: Desk) -> None:
    reading = replace(desk.alarm(CARDS), arn=PUSHED)
    desk.alarm(CARDS, OK)
    desk.pushes.push(replace(reading, arn=PUSHED.replace("-prod-", "-staging-")))
    desk.pushes.push(reading)
    look = desk.look()
    assert look.unread == f"left in the queue alarms: {CARDS} is of the stack NameCardApi-staging"
    assert len(look.done) == 1 and [one.fingerprint.environment for one in desk.open()] == ["prod"]
    assert [one.arn for one in desk.pushes.waiting.values()] == [PUSHED.replace("-prod-", "-staging-")]


def test_a_queue_that_does_not_answer_does_not_blind_the_polling(desk: Desk) -> None:
    desk.pushes.broken = True
    desk.alarm(CARDS)
    look = desk.look()
    assert "alarms from the queue alarms" in str(look.unread) and len(desk.open()) == 1


def test_an_incident_that_a_person_resolved_is_not_opened_again_by_the_same_breach(desk: Desk) -> None:
    desk.alarm(CARDS)
    desk.look()
    assert desk.resolve().resolution == "fixed (1 of its alarms still in ALARM)"
    assert desk.look().done == ()
    desk.world.pass_time(60)
    desk.flap(CARDS)
    desk.look()
    assert [one.id for one in desk.open()] == ["INC-2"]
    assert [one.incident for one in desk.pipeline.ledger.breaches(["INC-1", "INC-2"])] == ["INC-1", "INC-2"]


def test_the_clock_pages_escalates_reports_and_falls_silent_once_it_is_taken(desk: Desk) -> None:
    desk.alarm(CARDS)
    desk.look()
    assert desk.later(4) == ()
    assert desk.later(1) == ("INC-1/acknowledge/0",)
    assert desk.later(10) == ("INC-1/escalation/0", "INC-1/status/1")
    escalation = next(m for m in desk.told() if "escalation" in m.key)
    assert (escalation.channel, escalation.kind) == (Channel.SLACK, "escalate")
    assert escalation.text.startswith("engineering management: nobody acknowledged it in 15 min")
    desk.ack()
    assert desk.later(15) == ("INC-1/status/2",)
    assert (
        "acknowledged by ada" in desk.told()[-1].text
        and f"In ALARM since 09:00:00 UTC: {CARDS}" in desk.told()[-1].text
    )
    assert desk.ack(actor="bob").acknowledged_by == "ada"
    desk.resolve()
    assert desk.later(60) == ()
    assert [m.kind for m in desk.told(Channel.NOTION)] == ["summary", "checklist"]
    assert any("retrospective, to be held by 2026-03-05 09:00 UTC" in m.text for m in desk.told())


def test_a_kill_between_deciding_and_writing_loses_and_repeats_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.alarm(CARDS)
    desk.look()

    def die(*_: object) -> bool:
        raise PermanentError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(type(desk.pipeline.ledger), "take_step", die)
        with pytest.raises(PermanentError):
            desk.later(15)
    before = desk.queued()
    assert tick_clock(desk.pipeline) == ("INC-1/acknowledge/0", "INC-1/escalation/0", "INC-1/status/1")
    assert tick_clock(desk.pipeline) == ()
    assert len(desk.queued()) == len(set(desk.queued())) == len(before) + 4


def test_a_race_with_an_acknowledgement_is_decided_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.alarm(CARDS)
    desk.look()
    ledger = desk.pipeline.ledger
    take, raced = ledger.take_step, []

    def race(step: Step) -> bool:
        if not raced:
            raced.append(step)
            desk.ack()
        return take(step)

    monkeypatch.setattr(ledger, "take_step", race)
    assert desk.later(6) == ()
    assert not [key for key in desk.queued() if key.startswith("acknowledge/")]


def test_the_summary_tells_the_whole_story_and_finishing_it_ends_the_reminders(desk: Desk) -> None:
    desk.alarm(CARDS)
    desk.world.pass_time(30)
    desk.look()
    desk.later(5)
    desk.ack()
    desk.resolve(reason="rolled back")
    assert desk.later(20 * 60) == ("INC-1/summary_reminder/0",)
    assert "Still open: Root cause documented" in desk.told()[-1].text
    desk.note(root_cause="a null", data_at_risk="none")
    desk.note(text="added a check", done=(Item.RUNBOOK,))
    assert desk.later(24 * 60) == ()
    assert desk.later(40 * 60) == ("INC-1/retrospective_reminder/0",)
    assert desk.note(text="Friday", done=(Item.RETROSPECTIVE,)).closed_at is not None
    assert desk.later(99 * 60) == ()
    now = desk.pipeline.clock.now()
    text = render_summary(responding.tell_incident(desk.pipeline.settings, desk.pipeline.ledger, "INC-1", now))
    for words in (
        "# INC-1: errors of cards in prod",
        "Detected after 30 s, acknowledged after 5 min by ada through cli",
        "No promotion: no deploy of this environment is known before it",
        "Root cause: a null",
        "Failed requests: unknown",
        "Data at risk: none",
        "resolved (ada): rolled back (1 of its alarms still in ALARM)",
        "- [x] Retrospective scheduled (ada, ",
    ):
        assert words in text, text


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda d: d.ack("INC-9"), RefusedError, "no incident INC-9"),
        (lambda d: d.ack(actor="dagster-ui"), MisuseError, "nobody is named"),
        (lambda d: d.resolve(reason=" "), MisuseError, "a reason is needed"),
        (lambda d: (d.resolve(), d.resolve()), RefusedError, "resolved already, by ada"),
        (lambda d: d.note(), MisuseError, "says something"),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Desk, call, error: type[Exception], words: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    desk.alarm(CARDS)
    desk.look()
    with pytest.raises(error, match=words):
        call(desk)


def test_a_ledger_that_is_always_ahead_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.alarm(CARDS)
    desk.look()
    monkeypatch.setattr(desk.pipeline.ledger, "take_step", lambda _: False)
    with pytest.raises(TransientError, match="too busy to change INC-1"):
        desk.ack()
