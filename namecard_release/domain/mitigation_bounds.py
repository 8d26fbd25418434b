"""Whether a setting may be changed to what is asked for: apply, refused with the reason, or nothing to do. Pure.

Limits that were not read are never guessed. Rules: AWS Lambda Developer Guide, "Configuring reserved concurrency" (100
executions stay unreserved in an account) and "Configuring provisioned concurrency" (no more than is reserved);
RDS API, ConnectionPoolConfiguration (1 to 100 %, idle at most that); FailoverDBCluster (an available cluster).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from namecard_release.domain.mitigations import NONE, Lever, Mitigation, MitigationKind, Request, tell_value

# The settings load this module, and need not wait for the evidence.
if TYPE_CHECKING:
    from namecard_release.domain.incident_evidence import Concurrency

# What an account keeps for functions without a reservation; AWS itself refuses less.
LEAST_UNRESERVED = 100


class Why(StrEnum):
    """What kind of no a refusal is: the request's own fault, not known, or the state of things."""

    OUT_OF_BOUNDS = "out of bounds"
    UNREAD = "unread"
    STATE = "state"


@dataclass(frozen=True)
class Apply:
    """Change the setting from `before` to `after`."""

    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class Refused:
    """Leave it: why, and what to do next."""

    why: Why
    reason: str


@dataclass(frozen=True)
class NothingToDo:
    """The setting has the value already."""

    value: str
    reason: str


Decision = Apply | Refused | NothingToDo


@dataclass(frozen=True)
class Bounds:
    """The settings' bounds: reservations between `least_concurrency` and `most_factor` times the present one, so many
    executions left unreserved, and the proxy's share in percent.
    """

    least_concurrency: int = 1
    most_factor: float = 4.0
    least_unreserved: int = LEAST_UNRESERVED
    least_percent: int = 10
    most_percent: int = 100


@dataclass(frozen=True)
class Flag:
    """A feature flag as the settings declare it: an environment variable of a service's function and its two values.

    `degrades` says what optional thing it switches off, empty for a fallback.
    """

    name: str
    service: str
    variable: str
    on: str = "on"
    off: str = "off"
    degrades: str = ""


@dataclass(frozen=True)
class Member:
    """An instance of a cluster; `tier` orders failover targets, the lowest first."""

    name: str
    is_writer: bool
    status: str
    tier: int = 1


@dataclass(frozen=True)
class Cluster:
    """A database cluster as RDS tells it."""

    name: str
    status: str
    members: tuple[Member, ...]

    @property
    def writer(self) -> str:
        """The name of its writer, empty where RDS names none."""
        return next((one.name for one in self.members if one.is_writer), "")

    @property
    def trouble(self) -> str:
        """Say what is wrong with it, empty for a healthy one."""
        ill = [f"{one.name} is {one.status}" for one in self.members if one.status != "available"]
        own = [] if self.status == "available" else [f"{self.name} is {self.status}"]
        lost = [] if self.writer else [f"{self.name} has no writer"]
        return "; ".join([*own, *lost, *ill])


@dataclass(frozen=True)
class Reading:
    """A setting's value, with what bounds it; `blocked` says why it must not be changed whatever is asked for, `moving`
    that it is being changed right now, `half` that a part of it, which does not serve, has another value.
    """

    value: str
    concurrency: Concurrency | None = None
    cluster: Cluster | None = None
    blocked: str = ""
    moving: str = ""
    half: bool = False


def decide(request: Request, lever: Lever, reading: Reading, bounds: Bounds, flag: Flag | None = None) -> Decision:
    """Decide whether a setting is changed to what is asked for."""
    if reading.blocked or reading.moving:
        return Refused(Why.STATE, reading.blocked or reading.moving)
    if lever is Lever.FLAG:
        return _decide_flag(request, reading, flag)
    return _LEVERS[lever](request, reading, bounds)


def decide_undo(
    one: Mitigation, reading: Reading, bounds: Bounds, *, forced: bool = False, confirm: str = ""
) -> Decision:
    """Decide whether the value from before is restored; `forced` restores it whatever the setting is now.

    The account's limits hold for a restoration, too, and going back to a writer is a failover that is confirmed.
    """
    if reading.value == one.before and not reading.half:
        return NothingToDo(one.before, "it is as it was before")
    if reading.value != one.after and not forced:
        now, meant = (tell_value(one.target.lever, value) for value in (reading.value, one.after))
        return Refused(
            Why.STATE,
            f"{one.target} is {now} now, and this mitigation made it {meant}: somebody changed it since\n"
            "undo the later change first, or restore the value from before with --force and the reason",
        )
    if reading.blocked or reading.moving:
        return Refused(Why.STATE, reading.blocked or reading.moving)
    if one.target.lever is Lever.WRITER and confirm != reading.value:
        return _unconfirmed(confirm, reading.value)
    return _bound_undo(one, reading, bounds) or Apply(reading.value, one.before, "the value from before")


def _bound_undo(one: Mitigation, reading: Reading, bounds: Bounds) -> Refused | None:
    limits = reading.concurrency
    if one.target.lever is Lever.RESERVED:
        return _bound_reserved(_number(one.before), limits, bounds)
    if one.target.lever is Lever.PROVISIONED:
        return _bound_provisioned(_number(one.before), one.target.qualifier, limits, bounds)
    if one.target.lever is Lever.WRITER:
        return _bound_failover(one.before, reading.cluster)
    return None


def _number(text: str) -> int | None:
    return None if text == NONE else int(text)


def _read_number(text: str, what: str) -> int | Refused | None:
    """Read a count or `none`."""
    if text.strip().lower() == NONE:
        return None
    if text.strip().isascii() and text.strip().isdigit() and len(text.strip()) < 8:
        return int(text)
    return Refused(Why.OUT_OF_BOUNDS, f"give {what} as a whole number or '{NONE}' with --to, not {text!r}")


def _text(number: int | None) -> str:
    return NONE if number is None else str(number)


def _decide_reserved(request: Request, reading: Reading, bounds: Bounds) -> Decision:
    wanted = _read_number(request.to, "the reserved concurrency")
    if isinstance(wanted, Refused):
        return wanted
    limits = reading.concurrency
    now = None if limits is None else limits.reserved
    if limits is not None and wanted == now:
        return NothingToDo(reading.value, f"the reserved concurrency is {_text(now)} already")
    if request.kind is MitigationKind.CUT and (wanted is None or (now is not None and wanted >= now)):
        return Refused(Why.OUT_OF_BOUNDS, f"a cut lowers the reserved concurrency, which is {_text(now)} now")
    if now is not None and wanted is not None and wanted > bounds.most_factor * now:
        most = int(bounds.most_factor * now)
        return Refused(
            Why.OUT_OF_BOUNDS,
            f"{wanted} is more than {bounds.most_factor:g} times the {now} of now: at most {most} in one step",
        )
    refused = _bound_reserved(wanted, limits, bounds)
    return refused or Apply(reading.value, _text(wanted), "within the account's limits")


def _bound_reserved(wanted: int | None, limits: Concurrency | None, bounds: Bounds) -> Refused | None:
    if limits is None or limits.account_unreserved is None or limits.account_limit is None:
        return _unread("the account's concurrency")
    if wanted is None:
        return None
    if wanted < bounds.least_concurrency:
        return Refused(Why.OUT_OF_BOUNDS, f"the reserved concurrency is at least {bounds.least_concurrency}")
    provisioned = sum(number for _, number in limits.provisioned)
    if wanted < provisioned:
        return Refused(
            Why.OUT_OF_BOUNDS,
            f"{provisioned} executions are provisioned, which is more than {wanted}: lower those first",
        )
    now = limits.reserved or 0
    most = limits.account_unreserved + now - max(bounds.least_unreserved, LEAST_UNRESERVED)
    if wanted > now and wanted > most:
        return Refused(
            Why.OUT_OF_BOUNDS,
            f"{wanted} would leave {limits.account_unreserved + now - wanted} of the account's {limits.account_limit} "
            f"unreserved, and {max(bounds.least_unreserved, LEAST_UNRESERVED)} must stay: at most {max(most, 0)}",
        )
    return None


def _decide_provisioned(request: Request, reading: Reading, bounds: Bounds) -> Decision:
    wanted = _read_number(request.to, "the provisioned concurrency")
    if isinstance(wanted, Refused):
        return wanted
    if _text(wanted) == reading.value:
        return NothingToDo(reading.value, f"the provisioned concurrency is {reading.value} already")
    now = _number(reading.value)
    if now and wanted is not None and wanted > bounds.most_factor * now:
        most = int(bounds.most_factor * now)
        return Refused(
            Why.OUT_OF_BOUNDS,
            f"{wanted} is more than {bounds.most_factor:g} times the {now} of now: at most {most} in one step",
        )
    refused = _bound_provisioned(wanted, request.alias, reading.concurrency, bounds)
    return refused or Apply(reading.value, _text(wanted), "within what is reserved")


def _bound_provisioned(wanted: int | None, alias: str, limits: Concurrency | None, bounds: Bounds) -> Refused | None:
    if limits is None or limits.account_unreserved is None:
        return _unread("the account's concurrency")
    if wanted is None:
        return None
    if wanted < 1:
        return Refused(Why.OUT_OF_BOUNDS, f"the provisioned concurrency is at least 1, or '{NONE}'")
    others = sum(number for name, number in limits.provisioned if name != alias)
    if limits.reserved is not None:
        room, told = limits.reserved - others, f"{limits.reserved} are reserved"
    else:
        now = dict(limits.provisioned).get(alias, 0)
        room = limits.account_unreserved + now - max(bounds.least_unreserved, LEAST_UNRESERVED)
        told = f"{limits.account_unreserved} are unreserved in the account"
    if wanted > room:
        also = f" and {others} provisioned elsewhere" if others else ""
        return Refused(Why.OUT_OF_BOUNDS, f"{told}{also}: at most {max(room, 0)} can be provisioned, not {wanted}")
    return None


def _decide_proxy(request: Request, reading: Reading, bounds: Bounds) -> Decision:
    wanted = _read_number(request.to, "the percentage of connections")
    least, most = max(bounds.least_percent, 1), min(bounds.most_percent, 100)
    if isinstance(wanted, Refused):
        return wanted
    if wanted is None or not least <= wanted <= most:
        return Refused(Why.OUT_OF_BOUNDS, f"the proxy takes {least} to {most} % of the connections, not {request.to}")
    now, _, idle = reading.value.partition("/")
    if str(wanted) == now:
        return NothingToDo(reading.value, f"the proxy takes {now} % already")
    return Apply(reading.value, f"{wanted}/{min(int(idle), wanted)}", f"within {least} to {most} %")


def _decide_failover(request: Request, reading: Reading, _: Bounds) -> Decision:
    cluster = reading.cluster
    if cluster is None or not cluster.writer:
        return _unread("the cluster's writer")
    if request.confirm != cluster.writer:
        return _unconfirmed(request.confirm, cluster.writer)
    readers = sorted((one for one in cluster.members if not one.is_writer), key=lambda one: (one.tier, one.name))
    fit = [one.name for one in readers if one.status == "available"]
    wanted = request.to or (fit[0] if fit else "")
    if not wanted:
        return Refused(
            Why.STATE, f"{cluster.name} has no other instance that is available: there is nothing to fail over to"
        )
    if wanted == cluster.writer:
        return NothingToDo(reading.value, f"{wanted} is the writer already")
    return _bound_failover(wanted, cluster) or Apply(reading.value, wanted, f"{wanted} is available")


def _unconfirmed(confirm: str, writer: str) -> Refused:
    said = f"{confirm!r} is not the writer" if confirm else "a failover cuts every connection"
    return Refused(Why.OUT_OF_BOUNDS, f"{said}: confirm it with --confirm-writer and the writer's name, {writer} now")


def _bound_failover(wanted: str, cluster: Cluster | None) -> Refused | None:
    if cluster is None:
        return _unread("the cluster")
    found = next((one for one in cluster.members if one.name == wanted), None)
    if found is None:
        names = ", ".join(one.name for one in cluster.members if not one.is_writer) or "none"
        return Refused(Why.OUT_OF_BOUNDS, f"{cluster.name} has no instance {wanted!r}; its readers are {names}")
    if cluster.status != "available":
        return Refused(Why.STATE, f"{cluster.name} is {cluster.status}: RDS fails over what is available; wait for it")
    if found.status != "available":
        return Refused(Why.STATE, f"{wanted} is {found.status}: a writer must be available")
    return None


def _decide_flag(request: Request, reading: Reading, flag: Flag | None) -> Decision:
    if flag is None:
        return Refused(Why.OUT_OF_BOUNDS, "no such flag is declared")
    values = {"on": json.dumps(flag.on), "off": json.dumps(flag.off)}
    if request.to not in values:
        return Refused(Why.OUT_OF_BOUNDS, f"a flag is put --to on or off, not {request.to!r}")
    if reading.value == values[request.to] and not reading.half:
        return NothingToDo(reading.value, f"{flag.name} is {request.to} already")
    return Apply(reading.value, values[request.to], f"{flag.variable} of {flag.service} as the settings declare it")


def _unread(what: str) -> Refused:
    return Refused(Why.UNREAD, f"{what} was not read, and limits are not guessed; try again in a moment")


_LEVERS: Mapping[Lever, Callable[[Request, Reading, Bounds], Decision]] = {
    Lever.RESERVED: _decide_reserved,
    Lever.PROVISIONED: _decide_provisioned,
    Lever.PROXY: _decide_proxy,
    Lever.WRITER: _decide_failover,
}
