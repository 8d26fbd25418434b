"""Function properties that the emulator's CloudFormation drops: dead-letter queue and reserved concurrency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from namecard_release.errors import PermanentError

_TYPE = "AWS::Lambda::Function"


def install() -> None:
    """Wrap the create and update handlers of functions; raises PermanentError when they are elsewhere."""
    handlers = provisioners._RESOURCE_HANDLERS.get(_TYPE, {})
    create, update = handlers.get("create"), handlers.get("update")
    if create is not provisioners._lambda_create or update is not provisioners._lambda_update:
        raise PermanentError(f"The emulator's CloudFormation no longer creates {_TYPE} the way we know")

    def created(logical_id: str, props: Mapping[str, Any], stack_name: str) -> Any:
        answer = create(logical_id, props, stack_name)
        _complete(answer[0], props)
        return answer

    def updated(
        physical_id: str,
        old_props: Mapping[str, Any],
        new_props: Mapping[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> Any:
        answer = update(physical_id, old_props, new_props, stack_name, logical_id)
        _complete(answer[0], new_props)
        return answer

    handlers["create"], handlers["update"] = created, updated


def _complete(name: str, props: Mapping[str, Any]) -> None:
    function = lambda_svc._functions.get(name)
    if function is None:
        return
    dead_letters = props.get("DeadLetterConfig")
    if dead_letters:
        function["config"]["DeadLetterConfig"] = dict(dead_letters)
    else:
        function["config"].pop("DeadLetterConfig", None)
    reserved = props.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)
