"""Metrics as AWS publishes them: each Lambda invocation exactly once on every path, HTTP APIs, queue depth."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway, cloudwatch, lambda_svc, sqs

from namecard_release.sandbox.emulator import scopes

# Raw points are kept for the longest window an alarm of the platform looks at, with room to spare.
RETENTION_SECONDS = 3600.0
# Unchanged queue depths are repeated this often, so that no alarm sees missing data.
DEPTH_REPEAT_SECONDS = 10.0

_last_depth: dict[tuple[str, str, str], tuple[float, int]] = {}


def install() -> None:
    """Wrap the one point every invocation passes, and the data plane of HTTP APIs."""
    _install_lambda()
    _install_http_api()


def _install_lambda() -> None:
    dispatch = lambda_svc._execute_function_dispatch

    def measured(func: Any, config: Mapping[str, Any], event: Any, request_id: str, started: float) -> Any:
        begun = time.perf_counter()
        result = dispatch(func, config, event, request_id, started)
        elapsed_ms = max((time.perf_counter() - begun) * 1000, 0.01)
        _record_invocation(config, elapsed_ms, failed=bool(result.get("error")))
        return result

    def throttles_only(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        # The emulator reports per caller, some paths twice and some never; only the refusal to run is kept.
        if throttle and duration_ms == 0.0:
            cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function_name})

    lambda_svc._execute_function_dispatch = measured
    lambda_svc._emit_lambda_metrics = throttles_only


def _record_invocation(config: Mapping[str, Any], elapsed_ms: float, *, failed: bool) -> None:
    name = str(config.get("FunctionName", "?"))
    qualified = str(config.get("FunctionArn", "")).partition(f":function:{name}:")[2]
    dimensions = [{"FunctionName": name}]
    if qualified and qualified != "$LATEST":
        dimensions.append({"FunctionName": name, "Resource": f"{name}:{qualified}"})
    for dims in dimensions:
        cloudwatch.record_metric("AWS/Lambda", "Invocations", 1, "Count", dims)
        cloudwatch.record_metric("AWS/Lambda", "Errors", int(failed), "Count", dims)
        cloudwatch.record_metric("AWS/Lambda", "Throttles", 0, "Count", dims)
        cloudwatch.record_metric("AWS/Lambda", "Duration", elapsed_ms, "Milliseconds", dims)


def _install_http_api() -> None:
    execute = apigateway._handle_execute_in_scope

    async def measured(api_id: str, stage: str, *args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        response = await execute(api_id, stage, *args, **kwargs)
        _record_request(api_id, stage, response[0], (time.perf_counter() - begun) * 1000)
        return response

    apigateway._handle_execute_in_scope = measured


def _record_request(api_id: str, stage: str, status: int, elapsed_ms: float) -> None:
    values = (
        ("Count", 1.0, "Count"),
        ("4xx", float(400 <= status < 500), "Count"),
        ("5xx", float(status >= 500), "Count"),
        ("Latency", elapsed_ms, "Milliseconds"),
        ("IntegrationLatency", elapsed_ms, "Milliseconds"),
    )
    for dims in ({"ApiId": api_id}, {"ApiId": api_id, "Stage": stage}):
        for name, value, unit in values:
            cloudwatch.record_metric("AWS/ApiGateway", name, value, unit, dims)


def sample_queues() -> None:
    """Record the depth of every queue of the current scope, when it changed or was not told for a while."""
    now = time.time()
    for queue in list(sqs._queues.values()):
        name = str(queue["name"])
        messages = list(queue["messages"])
        visible = sum(1 for message in messages if message["visible_at"] <= now)
        if _is_news((*scopes.current(), name), now, visible):
            dims = {"QueueName": name}
            cloudwatch.record_metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", visible, "Count", dims)


def _is_news(key: tuple[str, str, str], now: float, depth: int) -> bool:
    told_at, told = _last_depth.get(key, (0.0, -1))
    if told == depth and now - told_at < DEPTH_REPEAT_SECONDS:
        return False
    _last_depth[key] = (now, depth)
    return True


def forget_old_points() -> None:
    """Drop points past the retention, so that the periodic save stays small."""
    cutoff = time.time() - RETENTION_SECONDS
    for key, points in list(cloudwatch._metrics.items()):
        stale = sum(1 for point in points if point["Timestamp"] < cutoff)
        if stale:
            # In place: another thread may append to this very list.
            points[:stale] = [point for point in points[:stale] if point["Timestamp"] >= cutoff]
        if not points:
            cloudwatch._metrics.pop(key, None)
