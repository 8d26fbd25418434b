"""What every measurement is given: a sandbox that is up, its command line and its ledger. Measuring is elsewhere."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from namecard_release.composition import build_pipeline
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.errors import PermanentError
from namecard_release.sandbox.driving import call_program, last_line, wait_for
from namecard_release.sandbox.state import SandboxState
from namecard_release.settings import Settings, load_settings
from namecard_release.workflow.pipeline import Pipeline

ENVIRONMENT = "staging"
_END_SECONDS = 600.0
_ATTEMPTS = 3
# A first release has none to go back to: it is held instead.
_TAKEN_BACK = (PromotionPhase.ROLLED_BACK, PromotionPhase.HELD)


@dataclass(frozen=True)
class Spread:
    """Repeated measurements of one thing in seconds."""

    median: float
    min: float
    max: float
    each: tuple[float, ...]


def spread(seconds: list[float]) -> Spread:
    """Sum repeated measurements up, to the millisecond. Raises ValueError for none."""
    each = tuple(round(value, 3) for value in seconds)
    return Spread(round(median(each), 3), min(each), max(each), each)


def tell(text: str) -> None:
    """Report progress on stderr, for stdout is the result's."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Bench:
    """One sandbox under measurement."""

    state: SandboxState
    settings: Settings
    pipeline: Pipeline
    disturbed: list[str] = field(default_factory=list)
    environment: str = ENVIRONMENT

    def release(self, letter: str) -> str:
        """Give the SHA of one of the sample platform's releases."""
        return self.state.releases[letter]

    def call(self, *words: str) -> str:
        """Run the command line and give its stdout. Raises PermanentError with its last word when it fails."""
        done = call_program(self.state.settings_file, *words)
        if done.returncode != 0:
            raise PermanentError(
                f"namecard-release {' '.join(words[:5])} ended as {done.returncode}: {last_line(done.stderr)}"
            )
        return done.stdout

    def launch(self, letter: str, *options: str) -> str:
        """Promote a release through the normal job, its hold released first, and give the run's id."""
        sha = self.release(letter)
        if any(hold.release == sha for hold in self.pipeline.ledger.holds(self.environment)):
            self.call("holds", "release", "--env", self.environment, "--commit", sha)
        tell(f"promote {letter} to {self.environment}")
        words = ("promote", "--env", self.environment, "--commit", sha, "--reason", "benchmark", "--json", *options)
        told: dict[str, Any] = json.loads(self.call(*words))
        return str(told["run"])

    def promote(self, letter: str) -> Promotion:
        """Promote a release and wait until its bake has ended well.

        On a busy machine cold starts alone may sustain a latency alarm: such an end is noted and tried again.
        """
        for _ in range(_ATTEMPTS):
            promotion = self.wait_for(self.launch(letter), PromotionPhase.SUCCEEDED, *_TAKEN_BACK)
            if promotion.phase is PromotionPhase.SUCCEEDED:
                return promotion
            self.disturbed.append(f"{letter}: {promotion.reason}")
            tell(self.disturbed[-1])
        raise PermanentError(f"{letter} was taken back {_ATTEMPTS} times without a failing request: {promotion.reason}")

    def wait_for(self, run_id: str, *phases: PromotionPhase) -> Promotion:
        """Wait until a run's promotion comes to one of some phases. Raises PermanentError for another end, or none."""
        reached: list[Promotion] = []

        def look() -> bool:
            found = self.find_promotion(run_id)
            if found is not None and found.phase in phases:
                reached.append(found)
            elif found is not None and found.ended_at is not None:
                raise PermanentError(f"{found.id} was to come to {phases[0]} and is {found.phase}: {found.reason}")
            return bool(reached)

        if not wait_for(look, _END_SECONDS):
            raise PermanentError(f"run {run_id} did not come to {phases[0]} within {_END_SECONDS:.0f} s")
        return reached[-1]

    def promotion_of(self, run_id: str) -> Promotion:
        """Give the promotion that a run opened. Raises PermanentError when the ledger knows none."""
        found = self.find_promotion(run_id)
        if found is None:
            raise PermanentError(f"the ledger knows no promotion of the run {run_id}")
        return found

    def find_promotion(self, run_id: str) -> Promotion | None:
        """Find the promotion that a run opened."""
        found = (p for p in self.pipeline.ledger.history(self.environment, limit=20) if p.run_id == run_id)
        return next(found, None)

    def moment_of(self, promotion: Promotion, phase: PromotionPhase) -> float:
        """Give the epoch seconds at which a promotion came to a phase. Raises PermanentError when it never did."""
        for at, reached, _ in self.pipeline.ledger.moves(promotion.id):
            if reached is phase:
                return at.timestamp()
        raise PermanentError(f"{promotion.id} never came to {phase}")


def open_bench(state: SandboxState) -> Bench:
    """Read a sandbox's settings and build its pipeline."""
    settings = load_settings(state.settings_file)
    return Bench(state, settings, build_pipeline(settings))
