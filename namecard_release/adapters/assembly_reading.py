"""Cloud assemblies as CDK writes them, read into facts: stacks, functions, the migrator's bundle."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from namecard_release.adapters.bundles import list_migrations
from namecard_release.domain.assembly import FunctionCode
from namecard_release.errors import PermanentError

_MIGRATOR = "SchemaMigrator"


@dataclass(frozen=True)
class AssemblyFacts:
    """Stack names in the manifest's order, every function with published code, the migrator's files.

    `migrations` is None where no function is a migrator; it is empty where its bundle has no migrations.
    """

    stacks: tuple[str, ...]
    functions: tuple[FunctionCode, ...]
    migrations: tuple[str, ...] | None


@dataclass(frozen=True)
class _Stack:
    name: str
    template: Path
    place: Mapping[str, str]


def read_assembly(folder: Path) -> AssemblyFacts:
    """Read an assembly's folder, nested assemblies (stages) too.

    Raises PermanentError when it is no cloud assembly.
    """
    stacks = tuple(_stacks(folder))
    functions = tuple(function for stack in stacks for function in _functions(stack))
    return AssemblyFacts(tuple(stack.name for stack in stacks), functions, _migrations(folder, functions))


def read_templates(folder: Path, stacks: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Read the templates of some stacks of an assembly, by stack. Raises PermanentError when it is no assembly."""
    return {stack.name: _load(stack.template) for stack in _stacks(folder) if stack.name in stacks}


def _stacks(folder: Path) -> Iterator[_Stack]:
    for name, artifact in _artifacts(folder):
        properties = artifact.get("properties", {})
        if artifact.get("type") == "cdk:cloud-assembly":
            yield from _stacks(folder / properties["directoryName"])
        if artifact.get("type") == "aws:cloudformation:stack":
            place = _place(artifact.get("environment", ""))
            yield _Stack(properties.get("stackName", name), folder / properties["templateFile"], place)


def _artifacts(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    manifest = _load(folder / "manifest.json")
    if "artifacts" not in manifest:
        raise PermanentError(f"{folder / 'manifest.json'} lists no artifacts: this is no cloud assembly")
    yield from manifest["artifacts"].items()


def _load(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise PermanentError(f"{path} cannot be read: {error.strerror}; was the app synthesised?") from error
    except ValueError as error:
        raise PermanentError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise PermanentError(f"{path} is not a JSON object: this is no cloud assembly")
    return value


def _place(environment: str) -> dict[str, str]:
    account, _, region = environment.removeprefix("aws://").partition("/")
    place = {"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": "aws"}
    # An app that is not bound to an account says unknown-account: then the text stays as the template has it.
    return {name: value for name, value in place.items() if value and not value.startswith("unknown-")}


def _functions(stack: _Stack) -> Iterator[FunctionCode]:
    for logical_id, resource in _load(stack.template).get("Resources", {}).items():
        if resource.get("Type") != "AWS::Lambda::Function":
            continue
        code = resource.get("Properties", {}).get("Code", {})
        # Code written into the template, and images, have no published archive to compare with.
        if "S3Bucket" in code and "S3Key" in code:
            bucket, key = (_text(code[name], stack.place) for name in ("S3Bucket", "S3Key"))
            yield FunctionCode(stack.name, logical_id, bucket, key)


def _text(value: Any, place: Mapping[str, str]) -> str:
    if isinstance(value, dict) and set(value) == {"Ref"}:
        return place.get(value["Ref"], f"${{{value['Ref']}}}")
    if isinstance(value, dict):
        value = value.get("Fn::Sub", json.dumps(value, sort_keys=True))
    text = str(value)
    for name, known in place.items():
        text = text.replace(f"${{{name}}}", known)
    return text


def _migrations(folder: Path, functions: tuple[FunctionCode, ...]) -> tuple[str, ...] | None:
    keys = {function.key for function in functions if function.logical_id.startswith(_MIGRATOR)}
    if not keys:
        return None
    # The custom-resource framework's function may carry the same prefix: its bundle just has no migrations.
    bundles = [path for key, path in _assets(folder) if key in keys]
    return tuple(sorted({name for bundle in bundles for name in list_migrations(bundle)}))


def _assets(folder: Path) -> Iterator[tuple[str, Path]]:
    for _, artifact in _artifacts(folder):
        properties = artifact.get("properties", {})
        if artifact.get("type") == "cdk:cloud-assembly":
            yield from _assets(folder / properties["directoryName"])
        if artifact.get("type") == "cdk:asset-manifest":
            for asset in _load(folder / properties["file"]).get("files", {}).values():
                source = folder / asset.get("source", {}).get("path", "")
                yield from ((target["objectKey"], source) for target in asset.get("destinations", {}).values())
