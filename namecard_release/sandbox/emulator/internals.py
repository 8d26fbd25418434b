"""The emulator's internals that are wrapped, and the check that they are still the ones we know."""

from __future__ import annotations

import importlib
import inspect
from importlib.metadata import PackageNotFoundError, version

from namecard_release.errors import PermanentError

PINNED_VERSION = "1.5.33"

# Module -> symbol -> names of its parameters, as of the pinned version.
EXPECTED: dict[str, dict[str, str]] = {
    "ministack.app": {
        "app": "scope receive send",
        "_build_persistence_save_dict": "",
    },
    "ministack.core.persistence": {"save_all": "services"},
    "ministack.core.lambda_runtime": {"_collect": "proc deadline", "_signal": "proc", "reset": ""},
    "ministack.services.apigateway": {
        "_handle_execute_in_scope": "api_id stage path method headers body query_params "
        "owner_account_id owner_region raw_query_string",
    },
    "ministack.services.cloudwatch": {
        "_calc_stats": "points",
        "_dims_key": "dims",
        "_dispatch_alarm_actions": "alarm old_state new_state reason",
        "_evaluate_alarm": "alarm",
        "_evaluate_all_alarms": "",
        "_evaluate_parent_alarms": "child seen",
        "_history_entries": "",
        "_record_history": "alarm_name old_state new_state reason alarm_type reason_data",
        "_set_alarm_state": "params cbor_data is_cbor is_json",
        "_stat_value": "stats stat_name points",
        "record_metric": "namespace metric_name value unit dimensions",
    },
    "ministack.services.cloudformation.provisioners": {
        "_lambda_create": "logical_id props stack_name",
        "_lambda_update": "physical_id old_props new_props stack_name logical_id",
    },
    "ministack.services.eventbridge": {"_dispatch_event": "event view"},
    "ministack.services.lambda_svc": {
        "_emit_lambda_metrics": "function_name duration_ms error throttle",
        "_execute_function_dispatch": "func config event request_id started",
        "_get_func_record_for_ref": "function_ref",
        "_invoke": "name event headers path_qualifier query_params",
        "_qp_first": "query_params key default",
        "_reserved_concurrency": "func config",
        "_resolve_name_and_qualifier": "name_or_arn",
        "_route_async_failure": "target_arn func_name event result",
        "lambda_execute_result_to_api_proxy_response": "exec_result",
    },
    "ministack.services.sqs": {
        "_act_send_message": "data qurl",
        "_queue_by_arn": "arn",
    },
}

# Module -> stores that are read or changed directly.
STORES: dict[str, tuple[str, ...]] = {
    "ministack.core.lambda_runtime": ("Worker", "_REAP_GRACE"),
    "ministack.services.cloudformation": ("_stacks",),
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS",),
    "ministack.services.cloudwatch": ("_alarms", "_composite_alarms", "_metrics"),
    "ministack.services.lambda_svc": ("_functions",),
    "ministack.services.sqs": ("_queues",),
}


def check() -> None:
    """Verify the emulator's version and the shape of every wrapped symbol.

    Raises PermanentError with one line that names the first difference.
    """
    try:
        found = version("ministack")
    except PackageNotFoundError:
        raise PermanentError("The emulator is not installed: install this project's 'sandbox' extra") from None
    if found != PINNED_VERSION:
        raise PermanentError(
            f"The emulator launcher is made for ministack {PINNED_VERSION}, found {found}: install the pinned one"
        )
    for module_name, symbols in EXPECTED.items():
        for symbol, parameters in symbols.items():
            _check_symbol(module_name, symbol, parameters)
    for module_name, stores in STORES.items():
        for store in stores:
            if not hasattr(importlib.import_module(module_name), store):
                raise PermanentError(f"ministack {PINNED_VERSION} is not as expected: {module_name} has no {store}")


def _check_symbol(module_name: str, symbol: str, parameters: str) -> None:
    target = getattr(importlib.import_module(module_name), symbol, None)
    found = " ".join(inspect.signature(target).parameters) if callable(target) else "nothing"
    if found != parameters:
        raise PermanentError(
            f"ministack {PINNED_VERSION} is not as expected: {module_name}.{symbol} takes ({found}), "
            f"not ({parameters}); adapt namecard_release/sandbox/emulator"
        )
