"""What runs compared with what the ledger says: code, aliases, templates, alarms, queue, dashboard.

Who changed something is not known here: AWS's own trail (CloudTrail) is where that is kept. Reading is elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from namecard_release.domain.alarms import AlarmReading, AlarmState, missing_alarms
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.mitigated_drift import explain_drift
from namecard_release.domain.mitigations import Mitigation
from namecard_release.domain.serving import ServedFunction, Serving, TemplateResource

_SHOWN = 5
NOT_KNOWN = "who changed it is not known here: ask CloudTrail for the resource"


class StackDriftStatus(StrEnum):
    """What CloudFormation's own drift detection says; UNKNOWN where it is not there or did not end."""

    IN_SYNC = "IN_SYNC"
    DRIFTED = "DRIFTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class StackDrift:
    """CloudFormation's word about one stack; `resources` are the logical ids that drifted, each with what differs."""

    stack: str
    status: StackDriftStatus
    resources: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class DriftItem:
    """One thing that is not as the ledger's release has it; `explained` names the mitigations that made it so."""

    section: str
    name: str
    expected: str
    found: str
    explained: str = ""


@dataclass(frozen=True)
class Observed:
    """What was read of an environment; a part that was not read is None, with its reason in `unread` by section.

    `stacks` is None where CloudFormation was not asked to compare: then nothing is said about it.
    """

    serving: Serving | None
    alarms: tuple[AlarmReading, ...] | None
    queue: bool | None
    dashboard: bool | None
    stacks: tuple[StackDrift, ...] | None
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DriftReport:
    """The comparison: one phase a section (FAILED is drift, UNKNOWN unread), and each thing that differs."""

    environment: str
    release: str | None
    promotion: str | None
    phases: tuple[Phase, ...]
    items: tuple[DriftItem, ...] = ()


def names_of(key: str) -> tuple[str, str]:
    """Give the names of dead-letter queue and dashboard by an environment's physical key (platform contract)."""
    return f"namecard-{key}-lambda-dlq", f"namecard-{key}-observability"


def judge_drift(
    environment: str,
    release: str,
    promotion: str,
    services: Sequence[str],
    observed: Observed,
    mitigations: Sequence[Mitigation] = (),
) -> DriftReport:
    """Compare what was read with the release that the ledger says runs there.

    What differs only by a mitigation in force is told as that, and does not fail its section.
    """
    sections: dict[str, _Found | None] = {
        "code": _of_serving(observed, _compare_code, _unread_code),
        "aliases": _of_serving(observed, _compare_aliases, _unread_aliases),
        "templates": _of_serving(observed, _compare_templates, lambda _: []),
        "alarms": None if observed.alarms is None else (_compare_alarms(services, observed.alarms), []),
        "dead-letter queue": _existence("dead-letter queue", observed.queue),
        "dashboard": _existence("dashboard", observed.dashboard),
    }
    if observed.stacks is not None:
        sections["CloudFormation"] = _compare_stacks(observed.stacks, mitigations)
    phases = tuple(_phase(name, found, _why_unread(name, observed)) for name, found in sections.items())
    items = tuple(item for found in sections.values() if found is not None for item in found[0])
    return DriftReport(environment, release, promotion, phases, items)


def _why_unread(section: str, observed: Observed) -> str | None:
    of_serving = section in ("code", "aliases", "templates")
    return observed.unread.get("serving" if of_serving else section)


_Found = tuple[list[DriftItem], list[str]]


def _phase(name: str, found: _Found | None, unread: str | None) -> Phase:
    if found is None:
        return Phase(name, Verdict.UNKNOWN, f"unread: {unread or 'no reason was given'}")
    items, dark = found
    explained = "; ".join(dict.fromkeys(one.explained for one in items if one.explained))
    items = [one for one in items if not one.explained]
    if items:
        more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
        told = "; ".join(f"{one.name}: {one.found} instead of {one.expected}" for one in items[:_SHOWN])
        return Phase(name, Verdict.FAILED, f"{told}{more}; {NOT_KNOWN}")
    if dark:
        return Phase(name, Verdict.UNKNOWN, f"unread: {'; '.join(dark[:_SHOWN])}")
    but = f" but for {explained}" if explained else ""
    return Phase(name, Verdict.PASSED, f"as the ledger's release has it{but}")


def _of_serving(
    observed: Observed, compare: Callable[[Serving], list[DriftItem]], dark: Callable[[Serving], list[str]]
) -> _Found | None:
    return None if observed.serving is None else (compare(observed.serving), dark(observed.serving))


def _compare_code(serving: Serving) -> list[DriftItem]:
    return [
        DriftItem("code", f.logical_id, f.expected, f.running)
        for f in serving.functions
        if f.expected is not None and f.running is not None and f.expected != f.running
    ]


def _unread_code(serving: Serving) -> list[str]:
    return [_dark(f) for f in serving.functions if f.expected is None or f.running is None]


def _dark(function: ServedFunction) -> str:
    return f"{function.logical_id}: {function.unread or 'no digest'}"


def _compare_aliases(serving: Serving) -> list[DriftItem]:
    found = []
    for function in serving.functions:
        for alias in function.aliases:
            if function.expected is None or alias.digest is None or alias.serves(function.expected):
                continue
            other = f", and a part goes to version {', '.join(alias.weighs)}" if alias.weighs else ""
            told = f"version {alias.version} with {alias.digest}{other}"
            found.append(DriftItem("aliases", f"{function.logical_id}:{alias.name}", function.expected, told))
    return found


def _unread_aliases(serving: Serving) -> list[str]:
    return [
        f"{function.logical_id}:{alias.name}: {alias.unread or function.unread or 'no digest'}"
        for function in serving.functions
        for alias in function.aliases
        if alias.digest is None or function.expected is None
    ]


def _compare_templates(serving: Serving) -> list[DriftItem]:
    before, after = ({(r.stack, r.logical_id): r for r in side} for side in (serving.before, serving.after))
    found = []
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if one is None or other is None:
            there, here = _presence(one), _presence(other)
            found.append(DriftItem("templates", f"{key[0]} {key[1]}", here, there))
        elif differing := _differing(one, other):
            found.append(DriftItem("templates", f"{key[0]} {key[1]}", "the release's", f"another {differing}"))
    return found


def _presence(resource: TemplateResource | None) -> str:
    return "nothing" if resource is None else resource.kind


def _differing(one: TemplateResource, other: TemplateResource) -> str:
    names = one.properties.keys() | other.properties.keys()
    changed = sorted(name for name in names if one.properties.get(name) != other.properties.get(name))
    return ", ".join(changed) if one.kind == other.kind else f"type {one.kind}"


def _compare_alarms(services: Sequence[str], readings: Sequence[AlarmReading]) -> list[DriftItem]:
    there = [reading.name for reading in readings if reading.state is not AlarmState.UNREAD]
    gone = [reading.name for reading in readings if reading.state is AlarmState.UNREAD]
    lost = [name for name in missing_alarms(services, there) if not any(one.startswith(name) for one in gone)]
    return [DriftItem("alarms", name, "an alarm", "none") for name in (*gone, *lost)]


def _existence(name: str, there: bool | None) -> _Found | None:
    if there is None:
        return None
    return ([] if there else [DriftItem(name, name, "one", "none")]), []


def _compare_stacks(stacks: Sequence[StackDrift], mitigations: Sequence[Mitigation]) -> _Found:
    drifted = [
        DriftItem(
            "CloudFormation", f"{one.stack} {name}", "its template", "another", explain_drift(name, mitigations) or ""
        )
        for one in stacks
        if one.status is StackDriftStatus.DRIFTED
        for name in one.resources or ("its resources",)
    ]
    dark = [f"{one.stack}: {one.reason}" for one in stacks if one.status is StackDriftStatus.UNKNOWN]
    return drifted, dark
