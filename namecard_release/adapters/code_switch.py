"""Functions and aliases read beside their templates, and switched without CloudFormation. No decision here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from namecard_release.adapters.assembly_reading import read_templates
from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.adapters.lambdas import CodeReader, read_aliases, read_versions, resolve_bucket
from namecard_release.adapters.stack_resources import list_resources, side_by_side
from namecard_release.adapters.templates import alias_names, believed_template, template_resources
from namecard_release.domain.assembly import Assembly, FunctionCode
from namecard_release.domain.fast_path import Step, StepAction
from namecard_release.domain.serving import PublishedVersion, ServedAlias, ServedFunction, Serving
from namecard_release.errors import PermanentError, ReleaseError, TransientError

_POLL_SECONDS = 0.2
# A function outside of a VPC is updated within a second or two; one that is not after this long is CloudFormation's.
_UPDATE_SECONDS = 30.0


class AwsCodeSwitch:
    """Reads and switches what serves in one account and region. Keeps the port `CodeSwitch`."""

    def __init__(self, clients: AwsClients, wait: Callable[[float], object] = time.sleep) -> None:
        self._clients = clients
        self._codes = CodeReader(clients)
        self._wait = wait

    def read(self, assembly: Assembly, stacks: Sequence[str]) -> Serving:
        """Read both templates and every function of the assembly in these stacks, all side by side."""
        after = read_templates(Path(assembly.path), stacks)
        believed = side_by_side(lambda stack: believed_template(self._clients, stack), stacks)
        names = self._physical_names(stacks)
        aliases = {key: found for stack, body in after.items() for key, found in alias_names(stack, body).items()}
        codes = [code for code in assembly.functions if code.stack in stacks]
        functions = side_by_side(
            lambda code: self._read_function(
                code,
                names.get((code.stack, code.logical_id), ""),
                aliases.get((code.stack, code.logical_id), ()),
            ),
            codes,
        )
        before = dict(zip(stacks, believed, strict=True))
        return Serving(
            before=tuple(r for stack, body in before.items() for r in template_resources(stack, body)),
            after=tuple(r for stack, body in after.items() for r in template_resources(stack, body)),
            functions=tuple(functions),
        )

    def take(self, step: Step) -> None:
        """Update a function's code or an alias's version, and wait until Lambda says that it is in force."""
        if step.action is StepAction.SHIFT_ALIAS:
            self._shift(step)
        else:
            self._restore(step)

    def holds_code(self, assembly: Assembly) -> bool:
        """Compare the archives' keys in CloudFormation's templates with the assembly's."""
        stacks = sorted({code.stack for code in assembly.functions})
        believed = dict(zip(stacks, side_by_side(lambda s: believed_template(self._clients, s), stacks), strict=True))
        return all(_key_in(believed[code.stack], code.logical_id) == code.key for code in assembly.functions)

    def _physical_names(self, stacks: Sequence[str]) -> dict[tuple[str, str], str]:
        listed = side_by_side(lambda stack: list_resources(self._clients, stack), stacks)
        return {
            (stack, resource["LogicalResourceId"]): resource.get("PhysicalResourceId", "")
            for stack, resources in zip(stacks, listed, strict=True)
            for resource in resources or ()
            if resource["ResourceType"] == "AWS::Lambda::Function"
        }

    def _read_function(self, code: FunctionCode, name: str, aliases: tuple[str, ...]) -> ServedFunction:
        compared = self._codes.compare(code, name)
        revision, unread = "", compared.unread
        served: tuple[ServedAlias, ...] = ()
        versions: tuple[PublishedVersion, ...] = ()
        try:
            if name:
                revision = self._configuration(name)["RevisionId"]
            if name and aliases:
                versions = read_versions(self._clients, name)
                served = read_aliases(self._clients, name, aliases, versions)
        except ReleaseError as error:
            unread = "; ".join(text for text in (unread, str(error)) if text)
            served = tuple(ServedAlias(alias, "", None, unread=str(error)) for alias in aliases)
        return ServedFunction(
            stack=code.stack,
            logical_id=code.logical_id,
            name=name,
            bucket=code.bucket,
            key=code.key,
            expected=compared.expected,
            running=compared.running,
            revision=revision,
            aliases=served,
            versions=versions,
            unread=unread,
        )

    def _configuration(self, name: str) -> Mapping[str, Any]:
        with aws_errors_told(f"describe the function {name}"):
            return self._clients.functions.get_function_configuration(FunctionName=name)

    def _restore(self, step: Step) -> None:
        guard = {"RevisionId": step.revision} if step.revision else {}
        bucket = resolve_bucket(step.bucket, self._clients)
        update: Any = self._clients.functions.update_function_code
        with aws_errors_told(f"give {step.name} the code {step.to}"):
            update(FunctionName=step.name, S3Bucket=bucket, S3Key=step.to, Publish=False, **guard)
        waited = 0.0
        while True:
            found = self._configuration(step.name)
            status = found.get("LastUpdateStatus", "Successful")
            if status == "Successful":
                break
            if status == "Failed":
                why = found.get("LastUpdateStatusReason", "no reason")
                raise PermanentError(f"Lambda could not give {step.name} the code {step.to}: {why}")
            if waited >= _UPDATE_SECONDS:
                raise TransientError(f"{step.name} is not updated after {_UPDATE_SECONDS:.0f} s")
            self._wait(_POLL_SECONDS)
            waited += _POLL_SECONDS
        if step.expected and found["CodeSha256"] != step.expected:
            raise PermanentError(f"{step.name} runs {found['CodeSha256']} after its update, not {step.expected}")

    def _shift(self, step: Step) -> None:
        wanted: dict[str, Any] = {"FunctionVersion": step.to}
        if step.revision:
            wanted["RevisionId"] = step.revision
        if step.unweighs:
            wanted["RoutingConfig"] = {"AdditionalVersionWeights": {}}
        update: Any = self._clients.functions.update_alias
        with aws_errors_told(f"point {step.name}:{step.alias} to version {step.to}"):
            answer = update(FunctionName=step.name, Name=step.alias, **wanted)
        if answer.get("FunctionVersion") != step.to:
            raise PermanentError(f"{step.name}:{step.alias} is at version {answer.get('FunctionVersion')}")


def _key_in(template: Mapping[str, Any], logical_id: str) -> object:
    return template.get("Resources", {}).get(logical_id, {}).get("Properties", {}).get("Code", {}).get("S3Key")
