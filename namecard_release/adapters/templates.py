"""CloudFormation's templates read into the domain's resources. Comparing them does not belong here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.fast_path import ALIAS, FUNCTION
from namecard_release.domain.serving import TemplateResource
from namecard_release.errors import PermanentError

_SETTINGS = ("Handler", "Runtime", "MemorySize", "Timeout")


def believed_template(clients: AwsClients, stack: str) -> Mapping[str, Any]:
    """Read the template that CloudFormation has for a stack, as it was given.

    Raises TransientError, and PermanentError for a stack that is not there or a template that is not JSON.
    """
    with aws_errors_told(f"read the template of the stack {stack}"):
        body: Any = clients.cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    try:
        template = json.loads(body) if isinstance(body, str) else body
    except ValueError as error:
        raise PermanentError(f"the template of the stack {stack} is not JSON: cdk did not deploy it") from error
    if not isinstance(template, Mapping):
        raise PermanentError(f"the template of the stack {stack} is no object")
    return template


def template_resources(stack: str, template: Mapping[str, Any]) -> tuple[TemplateResource, ...]:
    """Give every resource of a template; its properties as canonical JSON, a function's literal settings as text."""
    return tuple(
        TemplateResource(
            stack,
            logical_id,
            str(resource.get("Type", "")),
            {name: canonical(value) for name, value in resource.get("Properties", {}).items()},
            function_settings(resource.get("Properties", {})) if resource.get("Type") == FUNCTION else {},
        )
        for logical_id, resource in template.get("Resources", {}).items()
    )


def canonical(value: object) -> str:
    """Write a value as JSON that is the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def function_settings(properties: Mapping[str, Any]) -> dict[str, str]:
    """Give the settings of a function that are literals, from a template's properties or from Lambda's answer."""
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    found = {name: properties.get(name) for name in _SETTINGS}
    found |= {f"Environment.{name}": value for name, value in variables.items()}
    return {name: str(value) for name, value in found.items() if isinstance(value, str | int)}


def alias_names(stack: str, template: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Give the names of each function's aliases, by stack and logical id of the function."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for resource in template.get("Resources", {}).values():
        properties = resource.get("Properties", {})
        function = properties.get("FunctionName")
        if (
            resource.get("Type") != ALIAS
            or not isinstance(function, Mapping)
            or not isinstance(properties["Name"], str)
        ):
            continue
        key = (stack, str(function.get("Ref", "")))
        found[key] = (*found.get(key, ()), properties["Name"])
    return found
