"""Services that give no answer: asked again for a while, and an answer of any kind stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.health import Probe
from namecard_release.workflow.probing import probe_services

SERVICES = ("auth", "cards")


@dataclass
class Scene:
    """A prober whose services answer from an attempt on, and a clock that moves when somebody waits or is answered."""

    answers: dict[str, list[int | None]]
    probe_seconds: float = 0.0
    time: datetime = datetime(2026, 3, 2, tzinfo=UTC)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def probe(self, base_url: str, services: Sequence[str]) -> tuple[Probe, ...]:
        """Answer as the script says; the last word stays."""
        self.asked.append(tuple(services))
        self.time += timedelta(seconds=self.probe_seconds)
        return tuple(Probe(one, f"{base_url}/{one}", self._next(one), None, 1.0) for one in services)

    def _next(self, service: str) -> int | None:
        said = self.answers[service]
        return said.pop(0) if len(said) > 1 else said[0]

    def wait(self, seconds: float) -> None:
        """Move the clock."""
        self.waited.append(seconds)
        self.time += timedelta(seconds=seconds)

    def run(self, seconds: float) -> list[int | None]:
        """Probe, and give each service's status."""
        return [p.status for p in probe_services(self, "http://api", SERVICES, seconds, lambda: self.time, self.wait)]


@pytest.mark.parametrize(
    ("answers", "seconds", "found", "asked"),
    [
        pytest.param({"auth": [200], "cards": [200]}, 60, [200, 200], [SERVICES], id="all answer"),
        pytest.param(
            {"auth": [200], "cards": [None, None, 200]},
            *(60, [200, 200], [SERVICES, ("cards",), ("cards",)]),
            id="one answers at the third time",
        ),
        pytest.param({"auth": [500, 200], "cards": [200]}, 60, [500, 200], [SERVICES], id="a failure stands"),
        pytest.param(
            {"auth": [None, 500, 200], "cards": [200]},
            *(60, [500, 200], [SERVICES, ("auth",)]),
            id="a failure after silence stands",
        ),
        pytest.param({"auth": [None, 200], "cards": [200]}, 0, [None, 200], [SERVICES], id="no time to ask again"),
    ],
)
def test_silence_is_asked_again(
    answers: dict[str, list[int | None]], seconds: float, found: list[int | None], asked: list[tuple[str, ...]]
) -> None:
    scene = Scene(answers)
    assert scene.run(seconds) == found
    assert scene.asked == asked


@pytest.mark.parametrize(("probe_seconds", "attempts"), [(0.0, 31), (10.0, 6)])
def test_it_ends_when_the_time_is_over(probe_seconds: float, attempts: int) -> None:
    scene = Scene({"auth": [None], "cards": [200]}, probe_seconds)
    assert scene.run(60) == [None, 200]
    assert len(scene.asked) == attempts


def test_no_service_is_asked_for_nothing() -> None:
    scene = Scene({})
    assert probe_services(scene, "http://api", (), 60, lambda: scene.time, scene.wait) == ()
    assert scene.waited == []
