"""Two real stacks of which the second fails: CloudFormation puts it back, and the way back brings both together."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from namecard_release.adapters.cloud import AwsCloud
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.gates import CommandOutcome
from namecard_release.domain.migrations import LedgerRow
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.domain.rollback import Action
from namecard_release.ports import LineSink
from namecard_release.workflow.pipeline import StoppedError
from tests.fakes.world import A, B, World
from tests.integration.conftest import Emulator
from tests.workflow.test_fast_path import roll_back
from tests.workflow.test_partial import watch
from tests.workflow.test_promotion import Stage

STACKS = ("NameCardDb-staging", "NameCardApi-staging")


def template(stack: str, release: str) -> str:
    """Make a queue that is named after the release; the second stack of B asks for what cannot be."""
    resources: dict[str, Any] = {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{stack}-{release[:4]}"}},
    }
    if stack == STACKS[1] and release == B:
        code = {"ZipFile": "def handler(event, context):\n    return 1\n"}
        properties = {
            "Runtime": "python3.11",
            "Handler": "index.handler",
            "Role": "arn:aws:iam::1:role/x",
            "Code": code,
        }
        resources["Code"] = {"Type": "AWS::Lambda::Function", "Properties": properties, "DependsOn": "Queue"}
        version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Code"}}}
        # Nothing changes between the two, so the second one exists already: CloudFormation refuses it.
        resources |= {"First": version, "Second": {**version, "DependsOn": "First"}}
    return json.dumps({"Resources": resources})


@dataclass
class TwoStacks:
    """Deploys as cdk does, stack after stack, and ends with the first that fails."""

    emulator: Emulator
    world: World
    cloud: AwsCloud
    inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def stack_statuses(self, stacks: Sequence[str]) -> Any:
        """Ask CloudFormation."""
        return self.cloud.stack_statuses(stacks)

    def deploy(
        self,
        assembly: Assembly,
        stacks: Sequence[str],
        on_line: LineSink | None = None,
        is_deployed: Callable[[frozenset[str]], bool] | None = None,
    ) -> CommandOutcome:
        """Create or update each stack and wait for its end."""
        client = self.emulator.client("cloudformation")
        for stack in stacks:
            there = self.cloud.stack_statuses([stack])[0].status is not None
            call = client.update_stack if there else client.create_stack
            try:
                call(StackName=stack, TemplateBody=template(stack, assembly.release))
            except client.exceptions.ClientError as error:
                # What cdk calls "(no changes)".
                assert "No updates are to be performed" in str(error)
                continue
            ended = None
            while ended is None or ended.endswith("IN_PROGRESS"):
                ended = self.cloud.stack_statuses([stack])[0].status
            if ended not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                return CommandOutcome(("cdk",), 1, 1.0, (f"{stack} failed: {ended}",))
        self.world.switch.settle(assembly.release)
        self.world.deployed = assembly.release
        files = self.world.files[assembly.release]
        self.world.applied = [LedgerRow(f.name, f.checksum, self.world.time, assembly.release) for f in files]
        return CommandOutcome(("cdk",), 0, 1.0)

    def standing(self) -> list[str]:
        """Name the queue of each stack."""
        client = self.emulator.client("cloudformation")
        listed = [client.list_stack_resources(StackName=stack)["StackResourceSummaries"] for stack in STACKS]
        return [resources[0]["PhysicalResourceId"].rsplit("-", 1)[-1] for resources in listed]


@pytest.fixture
def stage(emulator: Emulator, tmp_path: Path) -> tuple[Stage, TwoStacks]:
    world = World(tmp_path)
    stage = Stage(world, world.pipeline())
    site = stage.pipeline.site("staging")
    cloud = AwsCloud(emulator.region, emulator.endpoint, emulator.env)
    both = TwoStacks(emulator, world, cloud, site.cloud)
    # The files of both releases are applied already: this is about stacks alone.
    world.files[B] = world.files[A]
    stage.pipeline = replace(stage.pipeline, site=lambda _: replace(site, cloud=both, deployer=both))
    return stage, both


def test_both_stacks_come_back_to_one_release(stage: tuple[Stage, TwoStacks]) -> None:
    one, both = stage
    one.promote(A, "run-a")
    one.world.pass_time(61)
    assert watch(one).action is Action.PROCEED
    with pytest.raises(StoppedError, match=r"Db-staging is new \(UPDATE_COMPLETE\), NameCardApi-staging was put back"):
        one.promote(B, "run-b")
    assert both.standing() == [B[:4], A[:4]]
    decision = watch(one)
    assert (decision.action, decision.to) == (Action.ROLL_BACK, A)
    assert roll_back(one).phase is PromotionPhase.SUCCEEDED
    assert both.standing() == [A[:4], A[:4]]
