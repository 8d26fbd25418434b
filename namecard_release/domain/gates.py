"""Gates: a check's verdict with its reason and evidence, and whether a set of them admits a release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from namecard_release.domain.failures import Failure, tell_failures


class Verdict(StrEnum):
    """What a gate says; UNKNOWN is neither good nor bad and never passes."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    WAIVED = "WAIVED"


# From the best to the worst: of two results of one moment the worse one counts.
WORSE = (Verdict.PASSED, Verdict.WAIVED, Verdict.UNKNOWN, Verdict.FAILED)


@dataclass(frozen=True)
class Phase:
    """One part of a gate with its own outcome; `seconds` is wall-clock time, None where it did not run.

    `failures` are what it named as failed, the first of them; of one that passed they are warnings.
    """

    name: str
    verdict: Verdict
    reason: str
    seconds: float | None = None
    tail: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Waived:
    """What a waiver covers: the verdict under it (`under`), who waived it, why, since when and until when (UTC)."""

    under: Verdict
    actor: str
    reason: str
    since: datetime
    expires_at: datetime


@dataclass(frozen=True)
class GateResult:
    """A gate's verdict over one release (and environment, where it is about one), with what it was read from.

    `evidence` is plain text by label (digests, counts), `started_at`/`ended_at` are UTC, `id` is its number in the
    ledger. The ledger keeps what the gate said: `waived` is there only where a result is looked at with its waiver,
    `verdict` is WAIVED then.
    """

    gate: str
    release: str
    verdict: Verdict
    reason: str
    started_at: datetime
    ended_at: datetime
    environment: str | None = None
    phases: tuple[Phase, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)
    run_id: str = ""
    waived: Waived | None = None
    id: int | None = field(default=None, compare=False)

    @property
    def seconds(self) -> float:
        """How long the gate took."""
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def told(self) -> str:
        """The verdict and its reason for a person; a waiver never hides what is under it."""
        if self.waived is None:
            return f"{self.verdict}: {self.reason}"
        return f"{self.verdict} ({self.waived.under}: {self.reason}) {describe_waiver(self.waived)}"


def describe_waiver(waived: Waived) -> str:
    """Tell a waiver: by whom, until when, why."""
    return f"by {waived.actor} until {waived.expires_at:%Y-%m-%d %H:%M} UTC: {waived.reason}"


@dataclass(frozen=True)
class CommandOutcome:
    """What running one command of the platform gave; `exit_code` is None when it never ended by itself.

    `cut_short` is True when it was ended because its work was known to be done.
    """

    argv: tuple[str, ...]
    exit_code: int | None
    seconds: float
    tail: tuple[str, ...] = ()
    timed_out: bool = False
    not_started: str | None = None
    cut_short: bool = False

    @property
    def was_killed(self) -> bool:
        """Whether somebody else ended it: neither itself, nor we."""
        return self.exit_code is None and not (self.timed_out or self.cut_short or self.not_started is not None)


class Admission(StrEnum):
    """Whether a release may go on: PROCEED, HOLD (something unread) or REFUSE (something failed)."""

    PROCEED = "PROCEED"
    HOLD = "HOLD"
    REFUSE = "REFUSE"


@dataclass(frozen=True)
class AdmissionDecision:
    """The admission with its reason and the gates that decided it; `waived` tells each waiver it rests on."""

    admission: Admission
    reason: str
    gates: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()


def judge_command(name: str, outcome: CommandOutcome) -> Phase:
    """Turn a command's outcome into a phase: exit 0 passes, as does work known to be done; no exit is unknown."""
    if outcome.not_started is not None:
        return Phase(name, Verdict.UNKNOWN, f"did not start: {outcome.not_started}", None, outcome.tail)
    if outcome.cut_short:
        return Phase(name, Verdict.PASSED, "its work was done before it ended", outcome.seconds, outcome.tail)
    if outcome.timed_out or outcome.exit_code is None:
        why = f"gave no result within {outcome.seconds:.0f} s" if outcome.timed_out else "was stopped before it ended"
        return Phase(name, Verdict.UNKNOWN, why, outcome.seconds, outcome.tail)
    if outcome.exit_code == 0:
        return Phase(name, Verdict.PASSED, "exit 0", outcome.seconds, outcome.tail)
    return Phase(name, Verdict.FAILED, f"exit {outcome.exit_code}", outcome.seconds, outcome.tail)


def name_failures(phase: Phase, failures: tuple[Failure, ...]) -> Phase:
    """Give a phase what its output named as failed; a failed one says the first in its reason.

    A command that passed keeps none: what it printed did not make it fail.
    """
    if phase.verdict is Verdict.PASSED or not failures:
        return phase
    told = f": {tell_failures(phase.name, failures)}" if phase.verdict is Verdict.FAILED else ""
    return replace(phase, reason=f"{phase.reason}{told}", failures=failures)


def combine_phases(phases: Sequence[Phase]) -> tuple[Verdict, str]:
    """Give the gate's verdict over its phases: one failure fails, else one unread is unknown; none is unknown."""
    if not phases:
        return Verdict.UNKNOWN, "nothing was checked"
    for wanted in (Verdict.FAILED, Verdict.UNKNOWN):
        hit = [phase for phase in phases if phase.verdict is wanted]
        if hit:
            return wanted, "; ".join(f"{phase.name}: {phase.reason}" for phase in hit)
    return Verdict.PASSED, f"{len(phases)} of {len(phases)} phases passed"


def admit(required: Iterable[str], results: Sequence[GateResult]) -> AdmissionDecision:
    """Decide over the newest result of every required gate: a missing or unread one holds, a failed one refuses."""
    newest: dict[str, GateResult] = {}
    # Of two that ended at the same moment the worse one counts.
    for result in sorted(results, key=lambda result: (result.ended_at, WORSE.index(result.verdict))):
        newest[result.gate] = result
    wanted = tuple(required)
    failed = [gate for gate in wanted if gate in newest and newest[gate].verdict is Verdict.FAILED]
    if failed:
        why = "; ".join(f"{gate}: {newest[gate].reason}" for gate in failed)
        return AdmissionDecision(Admission.REFUSE, f"failed gates: {why}", tuple(failed))
    unread = [gate for gate in wanted if gate not in newest or newest[gate].verdict is Verdict.UNKNOWN]
    if unread:
        why = "; ".join(f"{gate}: {newest[gate].reason if gate in newest else 'never ran'}" for gate in unread)
        return AdmissionDecision(Admission.HOLD, f"gates without a result: {why}", tuple(unread))
    waived = tuple(f"{gate} {newest[gate].told}" for gate in wanted if newest[gate].verdict is Verdict.WAIVED)
    told = f", waived: {'; '.join(waived)}" if waived else ""
    passed = len(wanted) - len(waived)
    return AdmissionDecision(Admission.PROCEED, f"{passed} of {len(wanted)} gates passed{told}", wanted, waived)
