"""A gate's inputs gathered, and its earlier results looked up. Whether one stands is the domain's rule."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from namecard_release.domain.evidence import (
    CHECKED_ANEW,
    INPUTS,
    Inputs,
    Reuse,
    RunAgain,
    decide_reuse,
    digest_parts,
    digest_text,
    stand_for,
)
from namecard_release.domain.gates import GateResult
from namecard_release.domain.migrations import MigrationFile, TargetReading
from namecard_release.gate_settings import Command
from namecard_release.workflow.pipeline import Pipeline
from namecard_release.workflow.sources import Source

_NODE_TOOLS = ("node", "pnpm")


@dataclass(frozen=True)
class Memory:
    """What is remembered of a gate: the recorded result that stands for it, or None and evidence for a new one."""

    result: GateResult | None
    evidence: Mapping[str, str] = field(default_factory=dict)


def recall(
    pipeline: Pipeline, gate: str, release: str, inputs: Inputs, run_id: str, environment: str | None = None
) -> Memory:
    """Look for a check that stands for a gate, and if there is one record it anew for this release and run."""
    now = pipeline.clock.now()
    decision = look_back(pipeline, gate, inputs, now)
    if not isinstance(decision, Reuse):
        return Memory(None, {INPUTS: inputs.digest, "tools": inputs.tools, CHECKED_ANEW: decision.why})
    result = stand_for(decision, release, environment, run_id, now)
    pipeline.ledger.record_gate(result)
    return Memory(result)


def look_back(pipeline: Pipeline, gate: str, inputs: Inputs, now: datetime) -> Reuse | RunAgain:
    """Decide whether an earlier check stands for a gate, and record nothing."""
    candidates = pipeline.ledger.checks(gate, inputs.digest)
    return decide_reuse(candidates, inputs, pipeline.settings.gates.policy_of(gate), now)


def command_inputs(
    pipeline: Pipeline, gate: str, source: Source, commands: Sequence[Command], **more: object
) -> Inputs:
    """Gather the inputs of a gate that runs commands: the tree, how it was installed, the commands, the tools, the
    policy, and what else.
    """
    platform = pipeline.settings.platform
    installed = (platform.install, *platform.prepare)
    programs = (*_NODE_TOOLS, *(command.argv[0] for command in (*installed, *commands)))
    tools = pipeline.tools.identify(tuple(dict.fromkeys(programs)))
    parts = {
        "tree": source.release.tree,
        "installed": [describe_command(command) for command in installed],
        "commands": [describe_command(command) for command in commands],
        "tools": dict(tools),
        "machine": os.uname().machine,
        "policy": asdict(pipeline.settings.gates.policy_of(gate)),
        **more,
    }
    if gate == "launch_readiness":
        # What our own reading of the launch documents holds them against.
        parts |= {"services": list(platform.services), "environments": pipeline.settings.environment_names()}
    told = ", ".join(f"{name} {tools[name] or 'not read'}" for name in _NODE_TOOLS)
    return Inputs(digest_parts(parts), tell_unread(tools), told)


def plan_inputs(
    pipeline: Pipeline,
    environment: str,
    source: Source,
    files: Sequence[MigrationFile],
    target: TargetReading | None,
    bundle: Sequence[str] | None = None,
) -> Inputs:
    """Gather the inputs of a migration plan: files, bundle, the target as read, the trial's server, the lint's."""
    trial = pipeline.settings.trial.database_url
    inputs = command_inputs(
        pipeline,
        "migration_plan",
        source,
        pipeline.settings.gates.migration_lint,
        environment=environment,
        files=[[file.path, file.checksum] for file in files],
        # One that was not looked at and one that is whole say the same.
        missing_from_bundle=[] if bundle is None else sorted({file.name for file in files} - set(bundle)),
        known_escapes=sorted(pipeline.settings.platform.known_escapes),
        ledger=None if target is None else [[row.name, row.checksum] for row in target.rows],
        catalogue=None if target is None else target.catalogue_digest,
        trial=None if trial is None else describe_server(trial),
    )
    if target is None:
        return replace(inputs, unread="the target's ledger was not read")
    return replace(inputs, unread="a migrator runs on the target") if target.migrator_running else inputs


def describe_command(command: Command) -> Mapping[str, object]:
    """Describe a command for a digest; the values of its environment may be secrets and go in as digests."""
    env = {name: digest_text(value) for name, value in command.env.items()}
    return {"argv": list(command.argv), "env": env, "timeout": command.timeout_seconds}


def describe_server(url: str) -> str:
    """Name a database and its server, without the login: a new password makes no other server."""
    return url.partition("?")[0].rpartition("@")[2]


def tell_unread(tools: Mapping[str, str | None]) -> str:
    """Say which tools were not read, empty for none."""
    unread = [name for name, version in tools.items() if version is None]
    return f"the version of {', '.join(unread)} was not read" if unread else ""
