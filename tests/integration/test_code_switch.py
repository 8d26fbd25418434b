"""AwsCodeSwitch against the emulator: both templates read, aliases and code switched and guarded against others."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from namecard_release.adapters.assembly_reading import read_assembly
from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.cloud import AwsCloud
from namecard_release.adapters.code_switch import AwsCodeSwitch
from namecard_release.adapters.drift import AwsDriftReader
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.compatibility import Safety
from namecard_release.domain.drift import StackDriftStatus
from namecard_release.domain.fast_path import Ground, StepAction, is_done, plan_fast_path, plan_mending
from namecard_release.errors import PermanentError
from tests.integration.conftest import Emulator
from tests.integration.test_cloud import ASSEMBLY, archive, digest, key_of

STACK, BUCKET = "NameCardApi-prod", "switch-assets"
GOOD, BAD = "a" * 40, "b" * 40
CODE = {GOOD: archive("good"), BAD: archive("bad")}


def template(release: str) -> dict[str, Any]:
    """Make two functions of a release, one behind an alias whose versions are kept."""

    def function() -> dict[str, Any]:
        properties = {
            "Runtime": "python3.11",
            "Handler": "index.handler",
            "Role": "arn:aws:iam::000000000000:role/test",
            "Code": {"S3Bucket": BUCKET, "S3Key": key_of(CODE[release])},
            "Environment": {"Variables": {"RELEASE_VERSION": release}},
        }
        return {"Type": "AWS::Lambda::Function", "Properties": properties}

    named = {"FunctionName": {"Ref": "AuthServiceFunction"}}
    version, keep = f"AuthVersion{release[:4]}", {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    at = {"FunctionVersion": {"Fn::GetAtt": [version, "Version"]}, "Name": "prod-live"}
    return {
        "Resources": {
            "AuthServiceFunction": function(),
            "OcrServiceFunction": function(),
            version: {"Type": "AWS::Lambda::Version", "Properties": named, **keep},
            "AuthLive": {"Type": "AWS::Lambda::Alias", "Properties": {**named, **at}},
        }
    }


def assembly_of(folder: Path, release: str) -> Assembly:
    """Write an assembly of one stack and read it as the store does."""
    folder.mkdir()
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json", "stackName": STACK}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {STACK: stack}}))
    (folder / "t.json").write_text(json.dumps(template(release)))
    functions = read_assembly(folder).functions
    return replace(ASSEMBLY, release=release, path=str(folder), functions=functions)


@dataclass(frozen=True)
class Deployed:
    """A stack that was brought from the good release to the bad one."""

    emulator: Emulator
    good: Assembly
    bad: Assembly

    def switch(self) -> AwsCodeSwitch:
        """Make the adapter."""
        return AwsCodeSwitch(AwsClients(self.emulator.region, self.emulator.endpoint, self.emulator.env))

    def update(self, release: str, kind: str = "update") -> None:
        """Do what cdk does."""
        stacks = self.emulator.client("cloudformation")
        getattr(stacks, f"{kind}_stack")(StackName=STACK, TemplateBody=json.dumps(template(release)))
        waiter = stacks.get_waiter(f"stack_{kind}_complete")
        waiter.wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


@pytest.fixture(scope="module")
def deployed(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    bucket, folder = emulator.client("s3"), tmp_path_factory.mktemp("assemblies")
    bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": emulator.region})
    for code in CODE.values():
        bucket.put_object(Bucket=BUCKET, Key=key_of(code), Body=code)
    made = Deployed(emulator, assembly_of(folder / "good", GOOD), assembly_of(folder / "bad", BAD))
    made.update(GOOD, "create")
    made.update(BAD)
    return made


def test_traffic_goes_back_then_the_stack_and_nothing_differs(deployed: Deployed) -> None:
    switch = deployed.switch()
    serving = switch.read(deployed.good, [STACK])
    ground = Ground(True, Safety.SAFE, BAD, GOOD, (), serving)
    plan = plan_fast_path(ground)
    assert plan.applies and plan.left == (), plan.reason
    shift, code = sorted(plan.steps, key=lambda step: step.logical_id)
    assert (shift.action, shift.was, shift.to) == (StepAction.SHIFT_ALIAS, "2", "1")
    assert (code.action, code.was_key, code.expected) == (
        StepAction.RESTORE_CODE,
        key_of(CODE[BAD]),
        digest(CODE[GOOD]),
    )
    for step in plan.steps:
        switch.take(step)
    healed = switch.read(deployed.good, [STACK])
    assert all(is_done(step, healed.functions) for step in plan.steps)
    # CloudFormation still believes in the bad release; then it converges, with a version of its own.
    assert switch.holds_code(deployed.bad) and not switch.holds_code(deployed.good)
    deployed.update(GOOD)
    assert switch.holds_code(deployed.good)
    after = switch.read(deployed.good, [STACK])
    assert plan_mending(after).steps == ()
    (live,) = next(f for f in after.functions if f.aliases).aliases
    assert (live.version, live.digest, live.weighs) == ("3", digest(CODE[GOOD]), ())


def test_a_function_changed_by_hand_is_mended_although_its_template_did_not_change(deployed: Deployed) -> None:
    switch, functions = deployed.switch(), deployed.emulator.client("lambda")
    name = next(f.name for f in switch.read(deployed.good, [STACK]).functions if f.logical_id.startswith("Ocr"))
    functions.update_function_code(FunctionName=name, S3Bucket=BUCKET, S3Key=key_of(CODE[BAD]))
    (step,) = plan_mending(switch.read(deployed.good, [STACK])).steps
    assert (step.name, step.was) == (name, digest(CODE[BAD]))
    # Somebody was faster: the step that was planned before is refused.
    functions.update_function_code(FunctionName=name, S3Bucket=BUCKET, S3Key=key_of(CODE[BAD]))
    with pytest.raises(PermanentError, match="PreconditionFailed"):
        switch.take(step)
    (step,) = plan_mending(switch.read(deployed.good, [STACK])).steps
    with pytest.raises(PermanentError, match="absent"):
        switch.take(replace(step, to="absent.zip"))
    switch.take(step)
    assert plan_mending(switch.read(deployed.good, [STACK])).steps == ()


def test_weights_of_an_alias_end_and_what_is_not_there_is_told(deployed: Deployed) -> None:
    switch, functions = deployed.switch(), deployed.emulator.client("lambda")
    name = next(f.name for f in switch.read(deployed.good, [STACK]).functions if f.aliases)
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    functions.update_alias(FunctionName=name, Name="prod-live", FunctionVersion="3", RoutingConfig=weights)
    (step,) = plan_mending(switch.read(deployed.good, [STACK])).steps
    assert step.unweighs and step.to == "3"
    switch.take(step)
    assert plan_mending(switch.read(deployed.good, [STACK])).steps == ()
    with pytest.raises(PermanentError, match="NameCardDb-none"):
        switch.read(deployed.good, [STACK, "NameCardDb-none"])


def test_the_cloud_reads_the_code_of_the_version_that_an_alias_points_to(deployed: Deployed) -> None:
    cloud = AwsCloud(deployed.emulator.region, deployed.emulator.endpoint, deployed.emulator.env)
    auth, ocr = sorted(cloud.functions(deployed.good), key=lambda function: function.logical_id)
    assert (auth.is_expected, len(auth.aliases), ocr.is_expected, ocr.aliases) == (True, 1, True, ())
    functions = deployed.emulator.client("lambda")
    name = next(f.name for f in deployed.switch().read(deployed.good, [STACK]).functions if f.aliases)
    functions.update_alias(FunctionName=name, Name="prod-live", FunctionVersion="2")
    auth = next(f for f in cloud.functions(deployed.good) if f.aliases)
    # $LATEST is the release's code; what serves is not.
    assert (auth.running, auth.aliases[0].digest) == (auth.expected, digest(CODE[BAD])) and not auth.is_expected
    functions.delete_alias(FunctionName=name, Name="prod-live")
    (gone,) = next(f for f in cloud.functions(deployed.good) if f.logical_id == auth.logical_id).aliases
    assert gone.digest is None and "prod-live" in gone.unread


def test_cloudformations_own_comparison_and_what_lies_beside_the_functions(deployed: Deployed) -> None:
    emulator = deployed.emulator
    reader = AwsDriftReader(AwsClients(emulator.region, emulator.endpoint, emulator.env))
    functions = emulator.client("lambda")
    read = deployed.switch().read(deployed.good, [STACK]).functions
    auth, ocr = sorted(read, key=lambda function: function.logical_id)
    # The alias is gone since the test before.
    assert "prod-live" in auth.unread and auth.aliases[0].digest is None
    name = ocr.name
    functions.update_function_configuration(FunctionName=name, Handler="other.handler")
    told = reader.detect(STACK)
    assert told.status is StackDriftStatus.DRIFTED
    assert any("OcrServiceFunction modified" in one and "/Handler" in one for one in told.resources), told
    functions.update_function_configuration(FunctionName=name, Handler="index.handler")
    assert not any("Ocr" in one for one in reader.detect(STACK).resources)
    nobody = reader.detect("NameCardDb-none")
    assert nobody.status is StackDriftStatus.UNKNOWN and "NameCardDb-none" in nobody.reason
    assert not reader.queue_exists("namecard-x-lambda-dlq") and not reader.dashboard_exists("namecard-x-observability")
    emulator.client("sqs").create_queue(QueueName="namecard-x-lambda-dlq")
    emulator.client("cloudwatch").put_dashboard(
        DashboardName="namecard-x-observability", DashboardBody='{"widgets":[]}'
    )
    assert reader.queue_exists("namecard-x-lambda-dlq") and reader.dashboard_exists("namecard-x-observability")
