"""A release built and synthesised once for one environment, kept by content, checked before any deploy."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from namecard_release.domain.assembly import Assembly, judge_assembly
from namecard_release.domain.gates import GateResult, Phase, Verdict, judge_command
from namecard_release.ports import LineSink
from namecard_release.settings import Command
from namecard_release.workflow.gating import conclude
from namecard_release.workflow.pipeline import Pipeline, Site
from namecard_release.workflow.sources import Source, run_command, run_commands


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
    inputs = digest_inputs(pipeline, site, source)
    kept = pipeline.store.find(source.release.sha, environment, inputs)
    phases: tuple[Phase, ...] = ()
    assembly = kept
    if assembly is None:
        phases, assembly = _synthesise(pipeline, site, source, inputs, on_line)
    evidence = {"tree": source.release.tree, "inputs": inputs}
    if assembly is not None:
        evidence["digest"] = assembly.digest
        files = [file.name for file in pipeline.repository.migration_files(source.release.sha)]
        phases += judge_assembly(assembly, site.settings.stack_names, files)
    result = conclude(pipeline, "assembly", source.release.sha, phases, started, run_id, evidence, environment)
    return BuiltAssembly(result, assembly, kept is not None)


def digest_inputs(pipeline: Pipeline, site: Site, source: Source) -> str:
    """Digest what an assembly is made from: the commit, the commands, and the environment's build settings."""
    platform = pipeline.settings.platform
    made_from = {
        "sha": source.release.sha,
        "tree": source.release.tree,
        "commands": [(c.argv, dict(c.env)) for c in (platform.install, *platform.prepare, *platform.build)],
        "synth": _synth_command(pipeline, site, source, Path("out")).argv,
        "synth_env": dict(platform.synth.env),
        "account": site.settings.account,
        "region": site.settings.region,
    }
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()


def _synthesise(
    pipeline: Pipeline, site: Site, source: Source, inputs: str, on_line: LineSink
) -> tuple[tuple[Phase, ...], Assembly | None]:
    phases = run_commands(pipeline, pipeline.settings.platform.build, source.folder, on_line)
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
