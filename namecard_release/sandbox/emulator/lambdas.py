"""Lambda as AWS wires it: alias weights, reserved concurrency for every version, dead letters, HTTP API errors."""

from __future__ import annotations

import contextvars
import json
import random
from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway, lambda_svc, sqs

_serving_http_api: contextvars.ContextVar[bool] = contextvars.ContextVar("serving_http_api", default=False)


def install() -> None:
    """Wrap alias resolution, the concurrency limit, the dead-letter route and the HTTP API's error answer."""
    _install_alias_weights()
    _install_reserved_concurrency()
    _install_dead_letters()
    _install_http_api_errors()


def pick_version(alias: Mapping[str, Any], draw: float) -> str:
    """Return the version an alias sends an invocation to, for `draw` in [0, 1)."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version, weight in weights.items():
        if draw < float(weight):
            return str(version)
        draw -= float(weight)
    return str(alias.get("FunctionVersion"))


def _weighted_version(name: str | None, qualifier: str | None) -> str | None:
    function = lambda_svc._functions.get(name) if name and qualifier else None
    alias = ((function or {}).get("aliases") or {}).get(qualifier)
    if not alias or not (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
        return None
    return pick_version(alias, random.random())


def _install_alias_weights() -> None:
    invoke, resolve = lambda_svc._invoke, lambda_svc._get_func_record_for_ref

    async def weighted_invoke(
        name: str, event: Any, headers: Any, path_qualifier: str | None = None, query_params: Any = None
    ) -> Any:
        asked = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier") or None
        version = _weighted_version(name, asked)
        return await invoke(name, event, headers, version or path_qualifier, query_params)

    def weighted_record(function_ref: str) -> Any:
        name, qualifier = lambda_svc._resolve_name_and_qualifier(function_ref)
        version = _weighted_version(name, qualifier)
        if version is not None and qualifier is not None:
            function_ref = function_ref.removesuffix(qualifier) + version
        return resolve(function_ref)

    lambda_svc._invoke = weighted_invoke
    lambda_svc._get_func_record_for_ref = weighted_record


def _install_reserved_concurrency() -> None:
    reserved = lambda_svc._reserved_concurrency

    def of_the_function(func: Any, config: Mapping[str, Any]) -> int | None:
        # The limit is the function's; a version's own record does not carry it.
        base = lambda_svc._functions.get(config.get("FunctionName"))
        limit: int | None = reserved(base or func, config)
        return limit

    lambda_svc._reserved_concurrency = of_the_function


def _install_dead_letters() -> None:
    route = lambda_svc._route_async_failure

    def raw_to_queue(target_arn: str, func_name: str, event: Any, result: Mapping[str, Any]) -> None:
        queue = sqs._queue_by_arn(target_arn)
        config = (lambda_svc._functions.get(func_name) or {}).get("config") or {}
        if queue is None or (config.get("DeadLetterConfig") or {}).get("TargetArn") != target_arn:
            route(target_arn, func_name, event, result)
            return
        sqs._act_send_message(_dead_letter(queue["url"], event, result), queue["url"])

    lambda_svc._route_async_failure = raw_to_queue


def _dead_letter(url: str, event: Any, result: Mapping[str, Any]) -> dict[str, Any]:
    """The event as it came, and the failure as attributes: what a function's dead-letter queue holds on AWS."""
    body = result.get("body")
    message = body.get("errorMessage") if isinstance(body, dict) else None
    attributes = {"ErrorCode": "200", "ErrorMessage": str(message or "Unhandled")[:1024]}
    return {
        "QueueUrl": url,
        "MessageBody": json.dumps(event),
        "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    }


def _install_http_api_errors() -> None:
    execute = apigateway._handle_execute_in_scope
    shape = lambda_svc.lambda_execute_result_to_api_proxy_response

    async def marked(*args: Any, **kwargs: Any) -> Any:
        token = _serving_http_api.set(True)
        try:
            return await execute(*args, **kwargs)
        finally:
            _serving_http_api.reset(token)

    def shaped(exec_result: Mapping[str, Any]) -> Any:
        response, error = shape(exec_result)
        unhandled = exec_result.get("error") and not exec_result.get("throttle")
        if unhandled and _serving_http_api.get() and response.get("statusCode") == 502:
            response = {"statusCode": 500, "body": '{"message":"Internal Server Error"}'}
        return response, error

    apigateway._handle_execute_in_scope = marked
    lambda_svc.lambda_execute_result_to_api_proxy_response = shaped
