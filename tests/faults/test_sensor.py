"""The alarm sensor over more than one environment, and over a ledger that does not answer."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from namecard_release.domain.promotion import PromotionKind, PromotionPhase
from namecard_release.errors import PermanentError, TransientError
from namecard_release.time_limits import seconds_left
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.promoting import Request, open_promotion
from sensors.alarms import alarm_rollback_sensor, watch
from tests.fakes.world import A, World


def _baking(tmp_path: Path, *environments: str) -> Pipeline:
    world = World(tmp_path)
    pipeline = world.pipeline()
    P = PromotionPhase
    for name in environments:
        made = open_promotion(
            pipeline, Request(name, A, PromotionKind.PROMOTION, "ada", "why", f"run-{name}", f"run-{name}")
        )
        for phase in (P.GATED, P.DEPLOYING, P.VERIFYING, P.BAKING):
            pipeline.ledger.move(made.id, phase, world.time, code_changed=True, bake_until=world.time)
    return pipeline


class _Cloud:
    """A cloud whose alarms are asked for in two environments at once, or not at all."""

    def __init__(self, inner: Any, together: threading.Barrier, limits: list[float]) -> None:
        self._inner, self._together, self._limits = inner, together, limits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def alarms(self, *asked: Any) -> Any:
        self._limits.append(seconds_left(1000.0))
        self._together.wait()
        return self._inner.alarms(*asked)


def test_environments_are_looked_at_side_by_side_each_within_its_time(tmp_path: Path) -> None:
    pipeline = _baking(tmp_path, "dev", "staging")
    together, limits = threading.Barrier(2, timeout=10), []

    def site(name: str) -> Site:
        own = pipeline.site(name)
        return replace(own, cloud=_Cloud(own.cloud, together, limits))

    tick = watch(replace(pipeline, site=site), 0, lambda: 0.0, lambda _: None)
    assert len(tick.lines) == 2 and not together.broken
    assert len(limits) == 2 and all(15 < limit <= 20 for limit in limits)


@pytest.mark.parametrize("kind", [TransientError, PermanentError])
def test_what_stops_one_environments_look_does_not_stop_anothers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[TransientError] | type[PermanentError]
) -> None:
    pipeline = _baking(tmp_path, "dev", "staging")
    gates = type(pipeline.ledger).gates

    def fail(ledger: Any, release: str, environment: str | None = None) -> Any:
        if environment == "dev":
            raise kind("no answer about dev")
        return gates(ledger, release, environment)

    monkeypatch.setattr(type(pipeline.ledger), "gates", fail)
    tick = watch(pipeline, 0, lambda: 0.0, lambda _: None)
    told = sorted(tick.lines.values())
    assert told[0].startswith("dev aaaaaaaa: not looked at: no answer about dev")
    assert told[1].startswith("staging aaaaaaaa: WAIT")


def test_a_ledger_that_does_not_answer_is_a_line_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = _baking(tmp_path, "dev")

    def fail(*_: object, **__: object) -> Any:
        raise TransientError("the ledger does not answer: connection refused")

    monkeypatch.setattr(type(pipeline.ledger), "beat", fail)
    told = alarm_rollback_sensor(dg.build_sensor_context(), pipeline=pipeline)
    assert isinstance(told, dg.SkipReason)
    assert told.skip_message == "nothing was looked at: the ledger does not answer: connection refused"
