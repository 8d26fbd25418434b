"""Who is told that a rollback began and ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from namecard_release.domain.messages import Channel, MessageKind
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.workflow.paging import ALARM_SENSOR_ACTOR, tell_rollback_begun, tell_rollback_ended
from namecard_release.workflow.pipeline import Pipeline
from sensors.alarms import SENSOR_NAME
from tests.fakes.world import START, A, B, World

LEFT = Promotion("left", "prod", B, PromotionKind.PROMOTION, PromotionPhase.BAKING, "ada", "a reason", START, START)
ROLLBACK = replace(LEFT, id="back", release=A, kind=PromotionKind.ROLLBACK, actor=SENSOR_NAME, reason="errors breach")
PAGER, SLACK = Channel.PAGERDUTY, Channel.SLACK


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return World(tmp_path).pipeline()


def told(pipeline: Pipeline) -> list[tuple[Channel, str, MessageKind]]:
    kept = reversed(pipeline.outbox.messages(100))
    return [(one.message.channel, one.message.subject, one.message.kind) for one in kept]


def test_the_sensors_name_is_the_one_that_pages() -> None:
    assert ALARM_SENSOR_ACTOR == SENSOR_NAME


def test_an_automatic_rollback_pages_and_its_end_resolves_the_page(pipeline: Pipeline) -> None:
    for _ in range(2):
        # A run that is killed and resumed tells nothing twice.
        tell_rollback_begun(pipeline, ROLLBACK, LEFT)
    for _ in range(2):
        tell_rollback_ended(pipeline, ROLLBACK, LEFT)
    begun = [(PAGER, "left", MessageKind.PAGE), (SLACK, "left", MessageKind.PAGE)]
    assert told(pipeline) == [*begun, (PAGER, "left", MessageKind.RESOLVE), (SLACK, "left", MessageKind.RESOLVE)]
    [last, *_, first] = pipeline.outbox.messages(10)
    assert first.message.title == "rollback of prod to aaaaaaaa began"
    assert first.message.text == "Because: errors breach\nbbbbbbbb is held until a person releases it."
    assert last.message.title == "prod is back on aaaaaaaa, verified and healthy"


def test_a_persons_rollback_calls_nobody(pipeline: Pipeline) -> None:
    tell_rollback_begun(pipeline, replace(ROLLBACK, actor="ada"), None)
    assert told(pipeline) == [(SLACK, "back", MessageKind.PAGE)]
