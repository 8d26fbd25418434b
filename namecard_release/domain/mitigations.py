"""A mitigation: one setting of a running environment changed from a value to another, within bounds, and undone.

Which mitigation belongs to which alarm is `playbooks`'; reading and writing the settings are adapters'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# What a reservation or a provision is where there is none.
NONE = "none"
# What a flag is that has no value.
UNSET = "unset"


class Lever(StrEnum):
    """The setting that a mitigation changes."""

    RESERVED = "reserved concurrency"
    PROVISIONED = "provisioned concurrency"
    PROXY = "proxy connections"
    WRITER = "writer"
    FLAG = "flag"


class MitigationKind(StrEnum):
    """What the runbook names, as a person asks for it (sections 4 and 5)."""

    RESERVED = "reserved-concurrency"
    PROVISIONED = "provisioned-concurrency"
    CUT = "cut-concurrency"
    PROXY = "proxy-connections"
    FAILOVER = "cluster-failover"
    FLAG = "flag-fallback"
    DEGRADE = "degrade-optional"
    ROLLBACK = "rollback"
    ROLL_FORWARD = "roll-forward"


LEVERS = {
    MitigationKind.RESERVED: Lever.RESERVED,
    MitigationKind.CUT: Lever.RESERVED,
    MitigationKind.PROVISIONED: Lever.PROVISIONED,
    MitigationKind.PROXY: Lever.PROXY,
    MitigationKind.FAILOVER: Lever.WRITER,
    MitigationKind.FLAG: Lever.FLAG,
    MitigationKind.DEGRADE: Lever.FLAG,
}
# Those that go through a promotion or a rollback, which have a ledger and rules of their own.
RELEASES = frozenset({MitigationKind.ROLLBACK, MitigationKind.ROLL_FORWARD})
OF_A_SERVICE = frozenset({Lever.RESERVED, Lever.PROVISIONED, Lever.FLAG})


class MitigationState(StrEnum):
    """How far a mitigation came: written down, in force, not in force, being undone, undone."""

    INTENDED = "INTENDED"
    APPLIED = "APPLIED"
    FAILED = "FAILED"
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"


# The end of these is not known until the setting is read again.
UNSETTLED = frozenset({MitigationState.INTENDED, MitigationState.UNDOING})
# These make an environment differ from its release.
IN_FORCE = frozenset({MitigationState.INTENDED, MitigationState.APPLIED, MitigationState.UNDOING})


@dataclass(frozen=True)
class Target:
    """One setting of one thing: a function's (`qualifier` is an alias, or a flag's variable), a proxy's, a cluster's.

    `logical_id` is the resource's in its stack, empty where no stack of ours holds it.
    """

    environment: str
    lever: Lever
    service: str
    resource: str
    qualifier: str = ""
    logical_id: str = ""

    @property
    def key(self) -> str:
        """Name the setting: two mitigations with one key change the same thing."""
        return f"{self.environment}/{self.lever}/{self.resource}/{self.qualifier}"

    def __str__(self) -> str:
        part = f" {self.qualifier}" if self.qualifier else ""
        return f"{self.lever}{part} of {self.service or self.resource}"


@dataclass(frozen=True)
class Mitigation:
    """One mitigation as the ledger keeps it; values are in the lever's own form, moments UTC.

    `incident` is what it was for, None for none. `told` is the last state that was noted in that incident.
    """

    number: int
    target: Target
    kind: MitigationKind
    playbook: str
    before: str
    after: str
    state: MitigationState
    actor: str
    reason: str
    incident: str | None
    run_id: str
    intended_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    undo_actor: str = ""
    undo_reason: str = ""
    undo_at: datetime | None = None
    undone_at: datetime | None = None
    told: str = ""

    @property
    def is_unsettled(self) -> bool:
        """Whether nobody knows yet what became of it, or of its undoing."""
        return self.state in UNSETTLED


@dataclass(frozen=True)
class Request:
    """What a person asks for; `to` is the value wanted, in words.

    `confirm` is the writer's name, for a failover; `flag` the name of a declared flag.
    """

    environment: str
    kind: MitigationKind
    playbook: str
    actor: str
    reason: str
    service: str = ""
    to: str = ""
    alias: str = ""
    flag: str = ""
    confirm: str = ""
    incident: str | None = None
    run_id: str = ""
    despite_hold: bool = False


def describe_change(target: Target, before: str, after: str) -> str:
    """Tell a change in one line."""
    return f"{target}: {tell_values(target.lever, before, after)}"


def tell_values(lever: Lever, before: str, after: str) -> str:
    """Tell both values of a change."""
    return f"{tell_value(lever, before)} -> {tell_value(lever, after)}"


def tell_value(lever: Lever, value: str) -> str:
    """Tell a value to a person."""
    if lever is Lever.PROXY and "/" in value:
        most, _, idle = value.partition("/")
        return f"{most} % of the database's connections, {idle} % idle"
    return value


def describe_mitigation(one: Mitigation) -> str:
    """Tell where a mitigation stands, for the incident and the drift check."""
    of = f" of {one.incident}" if one.incident else ""
    return f"mitigation {one.number}{of} ({describe_change(one.target, one.before, one.after)})"


@dataclass(frozen=True)
class Settled:
    """What became of an unsettled mitigation, by what its setting was found to be."""

    state: MitigationState
    outcome: str


def judge_unsettled(one: Mitigation, value: str) -> Settled | None:
    """Judge a mitigation, or an undoing, whose end was not recorded by its setting's value of now.

    None means that it is not in force: it may be made again, and is lost if it is not.
    """
    found = tell_value(one.target.lever, value)
    if one.state is MitigationState.UNDOING:
        if value == one.before:
            return Settled(MitigationState.UNDONE, f"{tell_values(one.target.lever, one.after, value)}, found so")
        if value != one.after:
            return Settled(MitigationState.APPLIED, f"not undone: somebody else made it {found}")
        return None
    if value == one.after:
        return Settled(MitigationState.APPLIED, f"{tell_values(one.target.lever, one.before, value)}, found so")
    if value != one.before:
        return Settled(MitigationState.FAILED, f"not in force: it was found at {found}")
    return None


def give_up(one: Mitigation) -> Settled:
    """Settle one that is not in force and is not made again."""
    found = tell_value(one.target.lever, one.after if one.state is MitigationState.UNDOING else one.before)
    if one.state is MitigationState.UNDOING:
        return Settled(MitigationState.APPLIED, f"not undone: it was still at {found}")
    return Settled(MitigationState.FAILED, f"not in force: it was still at {found}")
