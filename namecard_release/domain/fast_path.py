"""The fast path of a rollback: when traffic may be healed before CloudFormation is asked, and by which steps.

Code alone goes back: aliases to the version that an earlier release published, functions without an alias to its code
object. Whatever else differs is for the full rollback, which always follows. Doing the steps is elsewhere.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from namecard_release.domain.compatibility import Safety
from namecard_release.domain.gates import Phase, Verdict
from namecard_release.domain.serving import PublishedVersion, ServedAlias, ServedFunction, Serving, TemplateResource

FAST_PATH_GATE = "fast_path"
FUNCTION, ALIAS, VERSION = "AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::Lambda::Version"
# They watch and keep what served requests leave behind; no request's answer comes from them.
_WATCHING = frozenset({"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Logs::LogGroup"})
_OF_NO_MATTER = _WATCHING | {VERSION, "AWS::CDK::Metadata"}
# What a release publishes anew each time: the code, and the version that an alias points to.
_MOVING = {FUNCTION: frozenset({"Code"}), ALIAS: frozenset({"FunctionVersion", "ProvisionedConcurrencyConfig"})}
# A published version keeps these as they were, so an alias that goes back takes them with it.
_VERSIONED = frozenset({"Environment", "Handler", "Runtime", "MemorySize", "Timeout", "Layers", "Description"})
_MIGRATOR = "SchemaMigrator"
_COMMIT = re.compile(r"\b[0-9a-f]{40}\b")
_SHOWN = 3


class StepAction(StrEnum):
    """What is done to a function."""

    SHIFT_ALIAS = "SHIFT_ALIAS"
    RESTORE_CODE = "RESTORE_CODE"


class StepState(StrEnum):
    """How far a step came; INTENDED is written before AWS is asked, so that a killed run leaves it behind."""

    INTENDED = "INTENDED"
    DONE = "DONE"
    FAILED = "FAILED"


class Purpose(StrEnum):
    """Why steps are taken: to heal traffic before the full rollback, or to remove what differs after it."""

    HEAL = "HEAL"
    MEND = "MEND"


@dataclass(frozen=True)
class Step:
    """One change of one function. Of an alias `was` and `to` are versions; of code the digest that ran, and the key.

    `revision` is what AWS called the state that was read: a change by somebody else in between refuses the step.
    `was_key` is the archive that CloudFormation gave the function before, empty where that is not what ran; `unweighs`
    tells that the alias sends a part of its requests to another version, which ends.
    """

    action: StepAction
    stack: str
    logical_id: str
    name: str
    was: str
    to: str
    alias: str = ""
    bucket: str = ""
    expected: str = ""
    revision: str = ""
    was_key: str = ""
    unweighs: bool = False

    @property
    def told(self) -> str:
        """The step in words for a person."""
        if self.action is StepAction.SHIFT_ALIAS:
            return f"{self.logical_id}: alias {self.alias} from version {self.was} to {self.to}"
        return f"{self.logical_id}: code {self.to}"


@dataclass(frozen=True)
class StepRecord:
    """A step as the ledger keeps it, with its number there; times are UTC."""

    number: int
    promotion_id: str
    purpose: Purpose
    step: Step
    state: StepState
    reason: str
    intended_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class FastPathPlan:
    """Whether the fast path applies, why or why not, its steps, and what it leaves to the full rollback and why."""

    applies: bool
    reason: str
    steps: tuple[Step, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ground:
    """What the decision looks at: the policy, the rollback's verdict, the two commits, and stacks that still move."""

    allowed: bool
    safety: Safety
    source: str | None
    target: str
    moving: tuple[str, ...]
    serving: Serving


def plan_fast_path(ground: Ground) -> FastPathPlan:
    """Decide whether traffic is healed before the full rollback, and how. Never under a verdict that is not SAFE.

    CloudFormation must be at rest (a function that changes under its hands fails its update), and only code may differ
    between what it believes is there and the assembly to go back to; a commit that each side calls its own is a label.
    """
    no = _explain_no(ground)
    if no is not None:
        return FastPathPlan(False, no)
    served = _served_by_alias(ground.serving.after)
    differing = _find_differences(ground, served)
    if differing:
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        return FastPathPlan(False, f"more than code differs: {', '.join(differing[:_SHOWN])}{more}")
    return _plan_steps(ground.serving, served)


def plan_mending(serving: Serving) -> FastPathPlan:
    """Plan what brings functions to an assembly's code that CloudFormation believes has it: it does not touch those.

    Steps are for functions whose code was read and is another; the rest is left with its reason.
    """
    return _plan_steps(serving, _served_by_alias(serving.after))


def _explain_no(ground: Ground) -> str | None:
    if not ground.allowed:
        return "the environment's settings say fast_path = false"
    if ground.safety is not Safety.SAFE:
        return f"the rollback is {ground.safety}"
    if ground.moving:
        return f"CloudFormation still works on {', '.join(ground.moving)}"
    if not ground.serving.functions:
        return "the assembly names no function with published code"
    absent = [f.logical_id for f in ground.serving.functions if not f.name]
    return f"the stack has no function {', '.join(absent)}" if absent else None


def _served_by_alias(resources: Sequence[TemplateResource]) -> frozenset[tuple[str, str]]:
    # An alias names its function as {"Ref": "<logical id>"}.
    refs = {(r.stack, r.properties.get("FunctionName", "")) for r in resources if r.kind == ALIAS}
    functions = [r for r in resources if r.kind == FUNCTION]
    return frozenset((f.stack, f.logical_id) for f in functions if (f.stack, f'{{"Ref":"{f.logical_id}"}}') in refs)


def _find_differences(ground: Ground, served: frozenset[tuple[str, str]]) -> list[str]:
    before, after = (
        {(r.stack, r.logical_id): r for r in side if r.kind not in _OF_NO_MATTER}
        for side in (ground.serving.before, ground.serving.after)
    )
    told = [f"{key[1]} is new" for key in sorted(before.keys() - after.keys())]
    told += [f"{key[1]} is gone" for key in sorted(after.keys() - before.keys())]
    labels = (ground.target, *(() if ground.source is None else (ground.source,)))
    for key in sorted(before.keys() & after.keys()):
        names = _differing(before[key], after[key], labels) - (_VERSIONED if key in served else frozenset())
        told += [f"{key[1]}.{name}" for name in sorted(names)]
    return told


def _differing(one: TemplateResource, other: TemplateResource, labels: tuple[str, ...]) -> frozenset[str]:
    if one.kind != other.kind:
        return frozenset({"Type"})
    moving = _MOVING.get(one.kind, frozenset())
    names = (one.properties.keys() | other.properties.keys()) - moving
    return frozenset(
        name
        for name in names
        if _without_labels(one.properties.get(name), labels) != _without_labels(other.properties.get(name), labels)
    )


def _without_labels(text: str | None, labels: tuple[str, ...]) -> str | None:
    return None if text is None else _COMMIT.sub(lambda found: "<release>" if found[0] in labels else found[0], text)


def _plan_steps(serving: Serving, served: frozenset[tuple[str, str]]) -> FastPathPlan:
    wanted = {(r.stack, r.logical_id): r for r in serving.after if r.kind == FUNCTION}
    keys = {(r.stack, r.logical_id): _key_of(r) for r in serving.before if r.kind == FUNCTION}
    steps: list[Step] = []
    left: list[str] = []
    for function in serving.functions:
        # The migrator serves no request, and its bundle is the full rollback's.
        if function.logical_id.startswith(_MIGRATOR):
            continue
        key = (function.stack, function.logical_id)
        if key in served:
            made, untouched = _shift(function, wanted.get(key))
        else:
            made, untouched = _restore(function, keys.get(key, ""))
        steps += made
        left += untouched
    told = f"{len(steps)} to change, {len(left)} left to the full rollback"
    return FastPathPlan(True, told, tuple(steps), tuple(left))


def _key_of(function: TemplateResource) -> str:
    code = json.loads(function.properties.get("Code", "{}"))
    key = code.get("S3Key") if isinstance(code, dict) else None
    return key if isinstance(key, str) else ""


def _restore(function: ServedFunction, was_key: str) -> tuple[list[Step], list[str]]:
    if function.running is None or function.expected is None:
        return [], [f"{function.logical_id}: {function.unread or 'its code was not read'}"]
    if function.running == function.expected:
        return [], []
    step = Step(
        StepAction.RESTORE_CODE,
        function.stack,
        function.logical_id,
        function.name,
        was=function.running,
        to=function.key,
        bucket=function.bucket,
        expected=function.expected,
        revision=function.revision,
        was_key="" if was_key == function.key else was_key,
    )
    return [step], []


def _shift(function: ServedFunction, wanted: TemplateResource | None) -> tuple[list[Step], list[str]]:
    steps: list[Step] = []
    if not function.aliases or any(alias.digest is None for alias in function.aliases):
        return [], [f"{function.logical_id}: {function.unread or 'its alias was not read'}"]
    version = None if function.expected is None or wanted is None else _find_version(function, wanted)
    for alias in function.aliases:
        if alias.serves(function.expected):
            continue
        if version is None or function.expected is None:
            why = function.unread or "no published version holds that release's code and settings"
            return steps, [f"{function.logical_id}: {why}"]
        steps.append(_shift_step(function, alias, version, function.expected))
    return steps, []


def _find_version(function: ServedFunction, wanted: TemplateResource) -> PublishedVersion | None:
    """Find the newest version with the assembly's code that was published with its settings."""
    fitting = [
        version
        for version in function.versions
        if version.digest == function.expected
        and all(version.settings.get(name) == value for name, value in wanted.settings.items())
    ]
    return max(fitting, key=lambda version: version.number, default=None)


def _shift_step(function: ServedFunction, alias: ServedAlias, version: PublishedVersion, expected: str) -> Step:
    return Step(
        StepAction.SHIFT_ALIAS,
        function.stack,
        function.logical_id,
        function.name,
        was=alias.version,
        to=str(version.number),
        alias=alias.name,
        expected=expected,
        revision=alias.revision,
        unweighs=bool(alias.weighs),
    )


def is_done(step: Step, functions: Sequence[ServedFunction]) -> bool:
    """Tell whether what is there is what a step wanted: a run that was killed may have done it without saying so."""
    for function in functions:
        if (function.stack, function.logical_id) != (step.stack, step.logical_id):
            continue
        if step.action is StepAction.RESTORE_CODE:
            return function.running == step.expected
        return any(a.name == step.alias and a.version == step.to and not a.weighs for a in function.aliases)
    return False


def judge_steps(plan: FastPathPlan, records: Sequence[StepRecord]) -> tuple[Phase, ...]:
    """Judge what was done: one phase for whether it applied, one for each step, one for what was left and why."""
    first = Phase("fast path", Verdict.PASSED, plan.reason if plan.applies else f"does not apply: {plan.reason}")
    verdicts = {StepState.DONE: Verdict.PASSED, StepState.FAILED: Verdict.FAILED, StepState.INTENDED: Verdict.UNKNOWN}
    done = [Phase(r.step.logical_id, verdicts[r.state], r.reason or r.step.told, _seconds(r)) for r in records]
    left = [Phase("left", Verdict.UNKNOWN, f"left to the full rollback: {'; '.join(plan.left)}")] if plan.left else []
    return (first, *done, *left)


def _seconds(record: StepRecord) -> float | None:
    return None if record.ended_at is None else (record.ended_at - record.intended_at).total_seconds()


def undo_command(step: Step) -> str:
    """Give the command that puts back what a step changed."""
    name = f"--function-name {shlex.quote(step.name)}"
    if step.action is StepAction.SHIFT_ALIAS:
        alias, version = shlex.quote(step.alias), shlex.quote(step.was)
        return f"aws lambda update-alias {name} --name {alias} --function-version {version}"
    if not step.was_key:
        return f"none: nobody published the code {step.was} that {step.logical_id} ran"
    bucket, key = shlex.quote(step.bucket), shlex.quote(step.was_key)
    return f"aws lambda update-function-code {name} --s3-bucket {bucket} --s3-key {key}"
