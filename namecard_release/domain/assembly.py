"""A synthesised cloud assembly as a value, and whether it holds what its release asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.gates import Phase, Verdict


@dataclass(frozen=True)
class FunctionCode:
    """Where one function's code is published: its stack, logical id, and the bucket and key in the template."""

    stack: str
    logical_id: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Assembly:
    """One release synthesised for one environment; `digest` is the SHA-256 over all its files, `path` its folder.

    `migrations` are the file names in the migrator's bundle, None where no migrator was found; `inputs` is the
    digest of what it was built from (tree, environment settings, tool versions).
    """

    digest: str
    release: str
    environment: str
    inputs: str
    path: str
    stacks: tuple[str, ...]
    functions: tuple[FunctionCode, ...]
    migrations: tuple[str, ...] | None
    built_at: datetime


def judge_assembly(assembly: Assembly, wanted_stacks: Sequence[str], release_files: Sequence[str]) -> tuple[Phase, ...]:
    """Check before a deploy that the stacks asked for exist and that the migrator carries exactly the release's files.

    A real synthesis carried an empty migrations folder and its deploy was green (platform contract, "Migrations").
    """
    return (_judge_stacks(assembly.stacks, wanted_stacks), _judge_bundle(assembly.migrations, release_files))


def _judge_stacks(there: Sequence[str], wanted: Sequence[str]) -> Phase:
    lost = [name for name in wanted if name not in there]
    if lost:
        told = f"no such stack in this app: {', '.join(lost)}; it has {', '.join(there) or 'none'}"
        return Phase("stacks", Verdict.FAILED, told)
    return Phase("stacks", Verdict.PASSED, f"{len(wanted)} stacks there")


def _judge_bundle(bundle: Sequence[str] | None, files: Sequence[str]) -> Phase:
    if bundle is None:
        return Phase("bundle", Verdict.UNKNOWN, "no migrator's bundle was found in the assembly")
    lost, extra = sorted(set(files) - set(bundle)), sorted(set(bundle) - set(files))
    told = [f"missing {', '.join(lost)}"] if lost else []
    told += [f"not of this release {', '.join(extra)}"] if extra else []
    if told:
        return Phase("bundle", Verdict.FAILED, f"the migrator's bundle: {'; '.join(told)}")
    return Phase("bundle", Verdict.PASSED, f"the migrator's bundle holds the release's {len(files)} migrations")
