"""What a deploy really left behind, judged: digests, ledger, outputs, alarms, probes. Reading them is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from namecard_release.domain.alarms import missing_alarms
from namecard_release.domain.constructs import is_service_function
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.migrations import LedgerRow, MigrationFile, plan_migrations
from namecard_release.domain.serving import ServedAlias


@dataclass(frozen=True)
class RunningFunction:
    """One Lambda function: `logical_id` in its stack, digest of the code it runs and of the assembly's code.

    `running` or `expected` is None where it could not be read, with the reason in `unread`. `aliases` are those that
    its release serves it through, each with the code of the version that it points to.
    """

    logical_id: str
    expected: str | None
    running: str | None
    unread: str = ""
    aliases: tuple[ServedAlias, ...] = ()

    @property
    def is_expected(self) -> bool:
        """Whether it and every alias of it run the assembly's code."""
        same = self.expected is not None and self.expected == self.running
        return same and all(alias.serves(self.expected) for alias in self.aliases)


@dataclass(frozen=True)
class Probe:
    """One service's answer at its public health address; `status` is None when there was no answer."""

    service: str
    url: str
    status: int | None
    version: str | None
    milliseconds: float
    error: str = ""


@dataclass(frozen=True)
class Reality:
    """What was read after a deploy; `rows` is None when the target's ledger could not be read, `unread` says why.

    `not_read` says by part (code, outputs, alarms) why AWS did not tell it; what stands there then is nothing.
    """

    functions: tuple[RunningFunction, ...]
    rows: tuple[LedgerRow, ...] | None
    outputs: Mapping[str, str]
    alarm_names: tuple[str, ...]
    unread: str = ""
    not_read: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Expectation:
    """What the release asks for: its services, migration files and the stack outputs that must exist."""

    services: tuple[str, ...]
    files: tuple[MigrationFile, ...]
    outputs: tuple[str, ...]
    ledger_ahead_is_fine: bool


def judge_reality(expected: Expectation, real: Reality) -> tuple[Phase, ...]:
    """Compare a deployed environment with its release, one phase for code, schema, outputs and alarms each.

    A green deploy proves nothing (platform contract, "Migrations"), so nothing here looks at its exit code.
    """
    judged = (
        _judge_code(expected.services, real.functions),
        _judge_schema(expected, real),
        _judge_outputs(expected.outputs, real.outputs),
        _judge_alarms(expected.services, real.alarm_names),
    )
    return tuple(_unless_unread(phase, real.not_read.get(phase.name)) for phase in judged)


def _unless_unread(phase: Phase, why: str | None) -> Phase:
    return phase if why is None else Phase(phase.name, Verdict.UNKNOWN, f"was not read: {why}")


def judge_probes(services: Sequence[str], version: str | None, probes: Sequence[Probe]) -> tuple[Phase, ...]:
    """Judge one probe a service: 200 with the release's version passes; no answer or no probe is unknown."""
    by_service = {probe.service: probe for probe in probes}
    return tuple(_judge_probe(service, version, by_service.get(service)) for service in services)


def _judge_probe(service: str, version: str | None, probe: Probe | None) -> Phase:
    if probe is None:
        return Phase(service, Verdict.UNKNOWN, "was not probed")
    seconds = probe.milliseconds / 1000
    if probe.status is None:
        return Phase(service, Verdict.UNKNOWN, f"no answer from {probe.url}: {probe.error}", seconds)
    if probe.status != 200:
        return Phase(service, Verdict.FAILED, f"answered {probe.status}", seconds)
    if version is not None and probe.version is None:
        return Phase(service, Verdict.UNKNOWN, "answered 200 without saying which version it is", seconds)
    if version is not None and probe.version != version:
        return Phase(service, Verdict.FAILED, f"answers as {probe.version}, not {version}", seconds)
    return Phase(service, Verdict.PASSED, f"200 in {probe.milliseconds:.0f} ms", seconds)


def _judge_code(services: Sequence[str], functions: Sequence[RunningFunction]) -> Phase:
    lost = [s for s in services if not any(is_service_function(f.logical_id, s) for f in functions)]
    if lost:
        return Phase("code", Verdict.FAILED, f"no function found for {', '.join(lost)}")
    other = [told for f in functions for told in _tell_other(f)]
    if other:
        return Phase("code", Verdict.FAILED, ", ".join(other))
    unread = [f for f in functions if not f.expected or not f.running or any(a.digest is None for a in f.aliases)]
    if unread:
        told = ", ".join(f"{f.logical_id}: {f.unread or _unread_alias(f) or 'no digest'}" for f in unread)
        return Phase("code", Verdict.UNKNOWN, f"digest unread: {told}")
    aliases = sum(len(f.aliases) for f in functions)
    beside = f" and {aliases} aliases" if aliases else ""
    return Phase("code", Verdict.PASSED, f"{len(functions)} functions{beside} run the release's code")


def _tell_other(function: RunningFunction) -> Iterator[str]:
    expected, running = function.expected, function.running
    if expected and running and expected != running:
        yield f"{function.logical_id} runs {running} instead of {expected}"
    for alias in function.aliases:
        if expected and alias.digest and not alias.serves(expected):
            beside = f", and a part goes to version {', '.join(alias.weighs)}" if alias.weighs else ""
            where = f"{function.logical_id}:{alias.name} at version {alias.version}"
            yield f"{where} runs {alias.digest} instead of {expected}{beside}"


def _unread_alias(function: RunningFunction) -> str:
    return next((alias.unread for alias in function.aliases if alias.digest is None), "")


def _judge_schema(expected: Expectation, real: Reality) -> Phase:
    if real.rows is None:
        return Phase("schema", Verdict.UNKNOWN, f"the target's ledger was not read: {real.unread}")
    plan = plan_migrations(expected.files, real.rows, ledger_ahead_is_fine=expected.ledger_ahead_is_fine)
    if plan.verdict is not Verdict.PASSED:
        return Phase("schema", plan.verdict, plan.reason)
    if plan.pending:
        return Phase("schema", Verdict.FAILED, f"deployed, yet not applied: {', '.join(plan.pending)}")
    ahead = f", {len(plan.unexpected)} newer rows" if plan.unexpected else ""
    return Phase("schema", Verdict.PASSED, f"{len(plan.applied)} of {len(expected.files)} migrations applied{ahead}")


def _judge_outputs(wanted: Sequence[str], outputs: Mapping[str, str]) -> Phase:
    lost = [name for name in wanted if not outputs.get(name)]
    if lost:
        return Phase("outputs", Verdict.FAILED, f"the stacks give no output {', '.join(lost)}")
    return Phase("outputs", Verdict.PASSED, f"{len(wanted)} outputs there")


def _judge_alarms(services: Sequence[str], names: Sequence[str]) -> Phase:
    lost = missing_alarms(services, names)
    if lost:
        return Phase("alarms", Verdict.FAILED, f"no such alarm: {', '.join(lost)}")
    return Phase("alarms", Verdict.PASSED, f"{len(names)} alarms there")
