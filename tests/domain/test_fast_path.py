"""When traffic is healed before the full rollback and by which steps, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.domain.compatibility import Safety
from namecard_release.domain.fast_path import (
    FUNCTION,
    FastPathPlan,
    Ground,
    Purpose,
    Step,
    StepAction,
    StepRecord,
    StepState,
    is_done,
    judge_steps,
    plan_fast_path,
    plan_mending,
    undo_command,
)
from namecard_release.domain.gates import Verdict
from namecard_release.domain.serving import (
    PublishedVersion,
    ServedAlias,
    ServedFunction,
    Serving,
    TemplateResource,
)

N, M = "b" * 40, "a" * 40
STACK = "NameCardApi-prod"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def function(name: str, release: str, **properties: str) -> TemplateResource:
    made = {
        "Code": f'{{"S3Bucket":"bucket","S3Key":"{release[:4]}.zip"}}',
        "Environment": f'{{"Variables":{{"RELEASE_VERSION":"{release}","STAGE":"prod"}}}}',
        "Handler": '"index.handler"',
        "Timeout": "10",
    }
    settings = {"Environment.RELEASE_VERSION": release, "Timeout": properties.get("Timeout", "10")}
    return TemplateResource(STACK, name, FUNCTION, {**made, **properties}, settings)


def resource(name: str, kind: str, **properties: str) -> TemplateResource:
    return TemplateResource(STACK, name, kind, properties)


def alias(function_name: str, version: str, **properties: str) -> TemplateResource:
    made = {"FunctionName": f'{{"Ref":"{function_name}"}}', "FunctionVersion": f'"{version}"', "Name": '"prod-live"'}
    return resource(f"{function_name}Live", "AWS::Lambda::Alias", **{**made, **properties})


def served(logical_id: str, running: str | None = N, **others: object) -> ServedFunction:
    made = ServedFunction(STACK, logical_id, f"{logical_id}-X", "bucket", f"{M[:4]}.zip", M, running, "r1")
    return replace(made, **others)  # type: ignore[arg-type]


def version(number: int, release: str, timeout: str = "10") -> PublishedVersion:
    return PublishedVersion(number, release, {"Environment.RELEASE_VERSION": release, "Timeout": timeout})


MIGRATION = ("RunMigrations", "Custom::RunMigrations")
BEFORE = (function("Ocr", N), function("Auth", N), alias("Auth", "9"), resource(*MIGRATION, version=f'"{N}"'))
AFTER = (function("Ocr", M), function("Auth", M), alias("Auth", "7"), resource(*MIGRATION, version=f'"{M}"'))
LIVE = ServedAlias("prod-live", "9", N, "a1")
AUTH = served("Auth", aliases=(LIVE,), versions=(version(7, M), version(9, N)))
SERVING = Serving(BEFORE, AFTER, (served("Ocr"), AUTH))
GROUND = Ground(True, Safety.SAFE, N, M, (), SERVING)


def plan(before: tuple[TemplateResource, ...] = (), after: tuple[TemplateResource, ...] = ()) -> FastPathPlan:
    changed = replace(SERVING, before=BEFORE + before, after=AFTER + after)
    return plan_fast_path(replace(GROUND, serving=changed))


def test_code_alone_differs_so_code_and_alias_go_back() -> None:
    made = plan_fast_path(GROUND)
    assert made.applies and made.left == () and made.reason == "2 to change, 0 left to the full rollback"
    code, shift = made.steps
    assert (code.action, code.name, code.was, code.to, code.revision) == (
        StepAction.RESTORE_CODE,
        "Ocr-X",
        N,
        "aaaa.zip",
        "r1",
    )
    assert (shift.action, shift.alias, shift.was, shift.to, shift.revision) == (
        StepAction.SHIFT_ALIAS,
        "prod-live",
        "9",
        "7",
        "a1",
    )
    assert [step.told for step in made.steps] == ["Ocr: code aaaa.zip", "Auth: alias prod-live from version 9 to 7"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"allowed": False}, "fast_path = false"),
        ({"safety": Safety.UNSAFE}, "the rollback is UNSAFE"),
        ({"safety": Safety.UNKNOWN}, "the rollback is UNKNOWN"),
        ({"moving": (STACK,)}, f"CloudFormation still works on {STACK}"),
        ({"serving": Serving(BEFORE, AFTER, ())}, "names no function"),
        ({"serving": Serving(BEFORE, AFTER, (served("Ocr", name=""),))}, "the stack has no function Ocr"),
    ],
)
def test_it_does_not_apply(change: dict[str, object], reason: str) -> None:
    made = plan_fast_path(replace(GROUND, **change))  # type: ignore[arg-type]
    assert (made.applies, made.steps) == (False, ()) and reason in made.reason


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (function("X", N, Handler='"other.handler"'), function("X", M), "X.Handler"),
        (function("X", N, Runtime='"nodejs22.x"'), function("X", M, Runtime='"nodejs20.x"'), "X.Runtime"),
        (function("X", N, MemorySize="512"), function("X", M, MemorySize="256"), "X.MemorySize"),
        (function("X", N, Environment='{"Variables":{"FLAG":"on"}}'), function("X", M), "X.Environment"),
        (function("X", N, VpcConfig="{}"), function("X", M), "X.VpcConfig"),
        (function("X", N), function("X", M, Layers='["arn"]'), "X.Layers"),
        (function("X", N), None, "X is new"),
        (None, function("X", M), "X is gone"),
        (resource("Role", "AWS::IAM::Policy", Doc="1"), resource("Role", "AWS::IAM::Policy", Doc="2"), "Role.Doc"),
        (resource("X", "AWS::SQS::Queue"), resource("X", "AWS::SNS::Topic"), "X.Type"),
        # Another release's commit is no label of either side.
        (resource("X", "Custom::X", v=f'"{"c" * 40}"'), resource("X", "Custom::X", v=f'"{M}"'), "X.v"),
        (alias("Ocr", "1", Name='"old"'), alias("Ocr", "1", Name='"new"'), "OcrLive.Name"),
        (alias("Ocr", "1"), None, "OcrLive is new"),
    ],
)
def test_more_than_code_differs(before: TemplateResource | None, after: TemplateResource | None, told: str) -> None:
    made = plan((before,) if before else (), (after,) if after else ())
    assert not made.applies and made.reason == f"more than code differs: {told}"


def test_many_differences_are_counted() -> None:
    made = plan(tuple(resource(f"Q{n}", "AWS::SQS::Queue") for n in range(5)))
    assert made.reason == "more than code differs: Q0 is new, Q1 is new, Q2 is new and 2 more"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (resource("V1", "AWS::Lambda::Version"), resource("V2", "AWS::Lambda::Version")),
        (resource("A", "AWS::CloudWatch::Alarm", Threshold="1"), None),
        (resource("D", "AWS::CloudWatch::Dashboard", Body="1"), resource("D", "AWS::CloudWatch::Dashboard", Body="2")),
        (None, resource("L", "AWS::Logs::LogGroup")),
        (resource("M", "AWS::CDK::Metadata", Analytics="1"), resource("M", "AWS::CDK::Metadata", Analytics="2")),
        (resource("Q", "AWS::SQS::Queue", Tag=f'"{N}"'), resource("Q", "AWS::SQS::Queue", Tag=f'"{M}"')),
    ],
)
def test_what_serves_no_request_may_differ(before: TemplateResource | None, after: TemplateResource | None) -> None:
    assert plan((before,) if before else (), (after,) if after else ()).applies


def test_an_alias_takes_its_settings_back_with_it() -> None:
    before = tuple(function("Auth", N, Timeout="30") if r.logical_id == "Auth" else r for r in BEFORE)
    assert plan_fast_path(replace(GROUND, serving=replace(SERVING, before=before))).applies
    before = tuple(
        function("Auth", N, ReservedConcurrentExecutions="1") if r.logical_id == "Auth" else r for r in BEFORE
    )
    made = plan_fast_path(replace(GROUND, serving=replace(SERVING, before=before)))
    assert made.reason == "more than code differs: Auth.ReservedConcurrentExecutions"


@pytest.mark.parametrize(
    ("versions", "to"),
    [
        ((version(7, M), version(8, M), version(9, N)), "8"),
        # The same code with other settings is another version.
        ((version(7, M), version(8, M, timeout="30"), version(9, N)), "7"),
        ((version(8, M, timeout="30"), version(9, N)), None),
        ((version(9, N),), None),
        ((), None),
    ],
)
def test_the_version_is_the_newest_with_that_code_and_settings(
    versions: tuple[PublishedVersion, ...], to: str | None
) -> None:
    functions = (served("Ocr"), replace(AUTH, versions=versions))
    made = plan_fast_path(replace(GROUND, serving=replace(SERVING, functions=functions)))
    assert made.applies and [s.to for s in made.steps if s.alias] == ([] if to is None else [to])
    wanted = () if to else ("Auth: no published version holds that release's code and settings",)
    assert made.left == wanted and made.steps[0].logical_id == "Ocr"


@pytest.mark.parametrize(
    ("functions", "steps", "left"),
    [
        ((served("Ocr", M),), 0, ()),
        ((served("Ocr", None, unread="throttled"),), 0, ("Ocr: throttled",)),
        ((served("Ocr", expected=None, unread="NoSuchKey"),), 0, ("Ocr: NoSuchKey",)),
        ((served("SchemaMigrator1"),), 0, ()),
        ((replace(AUTH, aliases=()),), 0, ("Auth: its alias was not read",)),
        ((replace(AUTH, aliases=(ServedAlias("prod-live", "", None),), unread="gone"),), 0, ("Auth: gone",)),
        ((replace(AUTH, aliases=(ServedAlias("prod-live", "7", M),)),), 0, ()),
        # At the right version with a part of the requests going elsewhere.
        ((replace(AUTH, aliases=(ServedAlias("prod-live", "7", M, weighs=("9",)),)),), 1, ()),
    ],
)
def test_each_function_by_what_it_runs(
    functions: tuple[ServedFunction, ...], steps: int, left: tuple[str, ...]
) -> None:
    made = plan_fast_path(replace(GROUND, serving=replace(SERVING, functions=functions)))
    assert (made.applies, len(made.steps), made.left) == (True, steps, left)
    if steps:
        assert made.steps[0].unweighs


def test_mending_looks_at_what_runs_and_not_at_the_templates() -> None:
    made = plan_mending(Serving(AFTER, AFTER, (served("Ocr", "Z"), AUTH)))
    assert [step.logical_id for step in made.steps] == ["Ocr", "Auth"] and made.steps[0].was_key == ""


def test_a_step_is_done_when_aws_has_what_it_wanted() -> None:
    code, shift = plan_fast_path(GROUND).steps
    assert not is_done(code, SERVING.functions) and not is_done(shift, SERVING.functions)
    healed = (served("Ocr", M), replace(AUTH, aliases=(ServedAlias("prod-live", "7", M),)))
    assert is_done(code, healed) and is_done(shift, healed) and not is_done(code, ())


def test_what_was_done_is_judged_and_can_be_undone() -> None:
    made = plan_fast_path(GROUND)
    code, shift = made.steps
    records = [
        StepRecord(1, "p", Purpose.HEAL, code, StepState.DONE, "", NOW, NOW + timedelta(seconds=2)),
        StepRecord(2, "p", Purpose.HEAL, shift, StepState.FAILED, "refused", NOW, NOW),
        StepRecord(3, "p", Purpose.HEAL, shift, StepState.INTENDED, "", NOW),
    ]
    phases = judge_steps(replace(made, left=("Ocr: x",)), records)
    assert [p.verdict for p in phases] == [
        Verdict.PASSED,
        Verdict.PASSED,
        Verdict.FAILED,
        Verdict.UNKNOWN,
        Verdict.UNKNOWN,
    ]
    assert (phases[1].seconds, phases[2].reason, phases[3].seconds) == (2.0, "refused", None)
    (only,) = judge_steps(FastPathPlan(False, "UNSAFE"), [])
    assert (only.verdict, only.reason) == (Verdict.PASSED, "does not apply: UNSAFE")
    assert undo_command(code) == (
        "aws lambda update-function-code --function-name Ocr-X --s3-bucket bucket --s3-key bbbb.zip"
    )
    assert undo_command(shift) == (
        "aws lambda update-alias --function-name Auth-X --name prod-live --function-version 9"
    )
    unknown: Step = replace(code, was_key="")
    assert undo_command(unknown).startswith("none: nobody published")
