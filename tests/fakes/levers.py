"""A plain fake of every lever of an environment: values that a test sets, and writes that fail or are killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from namecard_release.domain.incident_evidence import Concurrency
from namecard_release.domain.mitigation_bounds import Cluster, Member, Reading
from namecard_release.domain.mitigations import NONE, UNSET, Lever, Target
from namecard_release.errors import TransientError
from namecard_release.mitigation_port import Levers
from namecard_release.workflow.pipeline import Pipeline


class KilledError(BaseException):
    """The process was killed here; nothing of ours catches it."""


def nothing() -> None:
    """Let it happen."""


@dataclass
class FakeLevers:
    """All levers in one; `written` are the changes made, in order. `before_write` and `after_write` may raise."""

    reserved: int | None = 25
    provisioned: dict[str, int] = field(default_factory=lambda: {"prod-live": 4})
    limit: int | None = 1000
    others: int = 100
    proxy: str = "80/40"
    writer: str = "db-1"
    status: str = "available"
    members: tuple[str, ...] = ("db-1", "db-2")
    flag: str = UNSET
    half: bool = False
    blocked: str = ""
    unreachable: bool = False
    before_write: Callable[[], object] = nothing
    after_write: Callable[[], object] = nothing
    written: list[tuple[Lever, str, str]] = field(default_factory=list)

    def limits(self) -> Concurrency:
        """Tell the limits of now."""
        free = None if self.limit is None else self.limit - self.others - (self.reserved or 0)
        return Concurrency(self.reserved, tuple(self.provisioned.items()), self.limit, free)

    def read(self, target: Target) -> Reading:
        """Read a setting as it is now."""
        if self.unreachable:
            raise TransientError("AWS could not read the setting; try again in a moment")
        limits = self.limits()
        if target.lever is Lever.RESERVED:
            return Reading(NONE if self.reserved is None else str(self.reserved), limits, blocked=self.blocked)
        if target.lever is Lever.PROVISIONED:
            return Reading(str(self.provisioned.get(target.qualifier, NONE)), limits)
        if target.lever is Lever.PROXY:
            return Reading(self.proxy)
        if target.lever is Lever.FLAG:
            return Reading(self.flag, blocked=self.blocked, half=self.half)
        members = tuple(Member(name, name == self.writer, "available") for name in self.members)
        moving = "the cluster is failing over" if self.status == "failing-over" else ""
        return Reading(self.writer, cluster=Cluster(target.resource, self.status, members), moving=moving)

    def write(self, target: Target, before: str, after: str) -> None:
        """Change a setting."""
        self.before_write()
        self.written.append((target.lever, before, after))
        number = None if after == NONE else after
        if target.lever is Lever.RESERVED:
            self.reserved = None if number is None else int(number)
        elif target.lever is Lever.PROVISIONED:
            self.provisioned.pop(target.qualifier, None)
            self.provisioned |= {} if number is None else {target.qualifier: int(number)}
        elif target.lever is Lever.PROXY:
            self.proxy = after
        elif target.lever is Lever.FLAG:
            self.flag, self.half = after, False
        else:
            self.writer = after
        self.after_write()


def with_levers(pipeline: Pipeline, levers: FakeLevers) -> Pipeline:
    """Give a pipeline whose environments have these levers."""
    return replace(pipeline, levers=lambda _: Levers(levers, levers, levers, levers, levers))
