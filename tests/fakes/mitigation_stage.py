"""What a mitigation is played on: a world with levers, and how one is asked for. What is played is the tests'."""

from __future__ import annotations

from dataclasses import dataclass

from namecard_release.domain.mitigations import Mitigation, MitigationKind, MitigationState, Request
from namecard_release.workflow import mitigating
from namecard_release.workflow.mitigating import Undo, run_mitigation
from namecard_release.workflow.pipeline import Pipeline
from tests.fakes.levers import FakeLevers, KilledError
from tests.fakes.world import World


@dataclass
class Stage:
    """A world with levers."""

    world: World
    levers: FakeLevers
    pipeline: Pipeline

    def run(self, kind: MitigationKind = MitigationKind.RESERVED, to: str = "50", **own: object) -> Mitigation:
        made = run_mitigation(self.pipeline, ask(kind, to, **own)).mitigation
        assert made is not None
        return made

    def kept(self) -> list[tuple[int, MitigationState]]:
        return [(one.number, one.state) for one in reversed(self.pipeline.ledger.mitigations())]

    def undo(self, number: int = 1, **own: object) -> Mitigation | None:
        wanted = Undo(number, "bob", "over", **own)  # type: ignore[arg-type]
        return mitigating.undo_mitigation(self.pipeline, wanted).mitigation


def ask(kind: MitigationKind = MitigationKind.RESERVED, to: str = "50", **own: object) -> Request:
    values: dict[str, object] = {"service": "cards", "playbook": "throttles", "run_id": "run-1", **own}
    return Request("prod", kind, actor="ada", reason="throttled", to=to, **values)  # type: ignore[arg-type]


def kill() -> None:
    raise KilledError


def live(stage: Stage) -> None:
    stage.levers.before_write = stage.levers.after_write = lambda: None
