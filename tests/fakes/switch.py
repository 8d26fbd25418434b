"""A fake of the port `CodeSwitch` over a world: what CloudFormation believes is the world's `deployed` release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from namecard_release.domain.assembly import Assembly
from namecard_release.domain.drift import StackDrift, StackDriftStatus
from namecard_release.domain.fast_path import ALIAS, FUNCTION, Step, StepAction
from namecard_release.domain.serving import (
    PublishedVersion,
    ServedAlias,
    ServedFunction,
    Serving,
    TemplateResource,
)
from namecard_release.errors import PermanentError, TransientError
from namecard_release.settings import SERVICES

if TYPE_CHECKING:
    from tests.fakes.world import World

STACK = "NameCardApi-staging"
NAMES = tuple(f"{service.capitalize()}ServiceFunction1" for service in SERVICES)


def function(name: str, release: str, **properties: str) -> TemplateResource:
    """Make a function of a release, which tells its commit as the platform's functions do."""
    variables = f'{{"Variables":{{"RELEASE_VERSION":"{release}"}}}}'
    made = {"Code": f'{{"S3Key":"{release}.zip"}}', "Handler": '"index.handler"', "Environment": variables}
    settings = {"Handler": "index.handler", "Environment.RELEASE_VERSION": release}
    return TemplateResource(STACK, name, FUNCTION, {**made, **properties}, settings)


def alias(name: str, release: str) -> TemplateResource:
    """Make the alias of a function."""
    version = f'{{"Fn::GetAtt":["{name}Version{release[:4]}","Version"]}}'
    properties = {"FunctionName": f'{{"Ref":"{name}"}}', "FunctionVersion": version, "Name": '"prod-live"'}
    return TemplateResource(STACK, f"{name}Live", ALIAS, properties)


@dataclass
class FakeSwitch:
    """Functions whose digest is the release that they run; `running` are those that were switched by hand or by us.

    `aliased` functions serve through an alias, whose version is in `shifted` once it is another than the deployed one;
    version n is the nth release of `published`.
    """

    world: World | None = None
    running: dict[str, str] = field(default_factory=dict)
    aliased: tuple[str, ...] = ()
    published: list[str] = field(default_factory=list)
    shifted: dict[str, int] = field(default_factory=dict)
    before: tuple[TemplateResource, ...] = ()
    after: tuple[TemplateResource, ...] = ()
    changed: Mapping[str, str] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    drifts: dict[str, StackDrift] = field(default_factory=dict)
    during: Callable[[Step], object] = lambda _: None

    def over(self, world: World) -> FakeSwitch:
        """Give this fake its world."""
        self.world = world
        return self

    @property
    def _deployed(self) -> str:
        return (self.world and self.world.deployed) or "0" * 40

    def settle(self, release: str) -> None:
        """Do what CloudFormation does in a deploy: it touches nothing when its template does not change."""
        if self.world is None or release == self.world.deployed:
            return
        self.running.clear()
        self.shifted.clear()
        if self.aliased:
            self.published.append(release)

    def read(self, assembly: Assembly, stacks: Sequence[str]) -> Serving:
        """Read both sides, or fail to."""
        if self.world is not None and "switch" in self.world.unreachable:
            raise TransientError("Lambda did not answer")
        before = tuple(function(name, self._deployed, **self.changed) for name in NAMES)
        after = tuple(function(name, assembly.release) for name in NAMES)
        before += tuple(alias(name, self._deployed) for name in self.aliased)
        after += tuple(alias(name, assembly.release) for name in self.aliased)
        return Serving(
            before + self.before, after + self.after, tuple(self._served(name, assembly.release) for name in NAMES)
        )

    def _served(self, name: str, release: str) -> ServedFunction:
        running = self.running.get(name, self._deployed)
        served = ServedFunction(STACK, name, f"{name}-ABC", "bucket", f"{release}.zip", release, running, "r1")
        if name not in self.aliased:
            return served
        versions = tuple(
            PublishedVersion(n, one, {"Handler": "index.handler", "Environment.RELEASE_VERSION": one})
            for n, one in enumerate(self.published, 1)
        )
        number = self.shifted.get(name, len(versions))
        live = ServedAlias("prod-live", str(number), self.published[number - 1] if versions else None, "a1")
        return replace(served, aliases=(live,), versions=versions)

    def take(self, step: Step) -> None:
        """Switch, or fail to."""
        self.during(step)
        if step.logical_id in self.failing:
            raise PermanentError(f"AWS could not change {step.logical_id}: PreconditionFailedException")
        self.taken.append(step.told)
        if step.action is StepAction.SHIFT_ALIAS:
            self.shifted[step.logical_id] = int(step.to)
        else:
            self.running[step.logical_id] = step.to.removesuffix(".zip")

    def holds_code(self, assembly: Assembly) -> bool:
        """Tell what CloudFormation believes."""
        return self._deployed == assembly.release

    def queue_exists(self, name: str) -> bool:
        """Tell whether a test left the queue there, or fail to."""
        return self._exists("queue")

    def dashboard_exists(self, name: str) -> bool:
        """Tell whether a test left the dashboard there, or fail to."""
        return self._exists("dashboard")

    def _exists(self, name: str) -> bool:
        if self.world is not None and name in self.world.unreachable:
            raise TransientError(f"the {name} was not found out")
        return name not in self.gone

    def detect(self, stack: str) -> StackDrift:
        """Tell what a test said of the stack."""
        return self.drifts.get(stack, StackDrift(stack, StackDriftStatus.IN_SYNC))
