"""A release built and synthesised once for one environment, kept by content, checked before any deploy."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from namecard_release.domain.assembly import Assembly, judge_assembly
from namecard_release.domain.evidence import INPUTS, REUSED_FROM, Inputs, describe_age, describe_origin
from namecard_release.domain.gates import GateResult, Phase, Verdict, judge_command
from namecard_release.gate_settings import Command
from namecard_release.ports import LineSink
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.remembering import command_inputs
from namecard_release.workflow.sources import Source, build_once, run_command


@dataclass(frozen=True)
class BuiltAssembly:
    """The gate's result; `assembly` is None when the build or the synthesis failed, `reused` when it was kept."""

    result: GateResult
    assembly: Assembly | None
    reused: bool = False


def build_assembly(
    pipeline: Pipeline, environment: str, source: Source, run_id: str, on_line: LineSink
) -> BuiltAssembly:
    """Build and synthesise a release for an environment, unless the same inputs gave an assembly that is kept."""
    started = pipeline.clock.now()
    site = pipeline.site(environment)
    inputs = gather_inputs(pipeline, site, source)
    kept = find_kept(pipeline, environment, source, inputs)
    phases: tuple[Phase, ...] = ()
    assembly, told = kept, ""
    evidence = {"tree": source.release.tree, INPUTS: inputs.digest, "tools": inputs.tools}
    if assembly is None:
        phases, assembly = _synthesise(pipeline, site, source, inputs.digest, on_line)
    else:
        told, evidence[REUSED_FROM] = _tell_origin(pipeline, assembly, started)
    if assembly is not None:
        evidence["digest"] = assembly.digest
        files = [file.name for file in pipeline.repository.migration_files(source.release.sha)]
        phases += judge_assembly(assembly, site.settings.stack_names, files)
    sha = source.release.sha
    result = conclude(pipeline, "assembly", sha, phases, started, run_id, evidence, environment, told)
    return BuiltAssembly(result, assembly, kept is not None)


def gather_inputs(pipeline: Pipeline, site: Site, source: Source) -> Inputs:
    """Gather what an assembly is made from: the commit (its SHA is in it), the commands, the tools, the environment's
    build settings.
    """
    return command_inputs(
        pipeline,
        "assembly",
        source,
        (*pipeline.settings.platform.build, _synth_command(pipeline, site, source, Path("out"))),
        sha=source.release.sha,
        account=site.settings.account,
        region=site.settings.region,
    )


def find_kept(pipeline: Pipeline, environment: str, source: Source, inputs: Inputs) -> Assembly | None:
    """Find the assembly made from these inputs, unless the gate's policy asks for another."""
    policy = pipeline.settings.gates.policy_of("assembly")
    if inputs.unread or not policy.reuse:
        return None
    kept = pipeline.store.find(source.release.sha, environment, inputs.digest)
    if kept is None or policy.max_age_seconds is None:
        return kept
    age = (pipeline.clock.now() - kept.built_at).total_seconds()
    return kept if 0 <= age < policy.max_age_seconds else None


def _tell_origin(pipeline: Pipeline, kept: Assembly, now: datetime) -> tuple[str, str]:
    """Tell for how long an assembly has been kept, and which check built it as far as the ledger knows."""
    built = [r for r in pipeline.ledger.checks("assembly", kept.inputs) if r.evidence.get("digest") == kept.digest]
    age = describe_age(max(0.0, (now - kept.built_at).total_seconds()))
    by = f" by run {built[-1].run_id[:8]}" if built and built[-1].run_id else ""
    origin = describe_origin(built[-1]) if built else f"assembly {kept.digest}, {kept.built_at.isoformat()}"
    return f"same inputs, built {age} ago{by}", origin


def _synthesise(
    pipeline: Pipeline, site: Site, source: Source, inputs: str, on_line: LineSink
) -> tuple[tuple[Phase, ...], Assembly | None]:
    phases = build_once(pipeline, source, on_line)
    if any(phase.verdict is not Verdict.PASSED for phase in phases):
        return phases, None
    with tempfile.TemporaryDirectory(prefix="assembly-") as scratch:
        output = Path(scratch) / "cdk.out"
        command = _synth_command(pipeline, site, source, output)
        env = {**pipeline.settings.aws.env, **_account_env(site)}
        outcome = run_command(pipeline, command, source.folder, on_line, env)
        phases += (judge_command("synth", outcome),)
        if phases[-1].verdict is not Verdict.PASSED:
            return phases, None
        now = pipeline.clock.now()
        return phases, pipeline.store.put(output, source.release.sha, site.name, inputs, now)


def _synth_command(pipeline: Pipeline, site: Site, source: Source, output: Path) -> Command:
    synth = pipeline.settings.platform.synth
    values = {"{output}": str(output), "{context}": site.settings.context, "{version}": source.release.sha}
    argv = [_fill(word, values) for word in synth.argv]
    for key, value in site.settings.synth_context.items():
        argv += ["--context", f"{key}={value}"]
    return synth.model_copy(update={"argv": (*argv, *site.settings.stack_names)})


def _fill(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def _account_env(site: Site) -> dict[str, str]:
    return {"CDK_DEFAULT_ACCOUNT": site.settings.account, "CDK_DEFAULT_REGION": site.settings.region}
