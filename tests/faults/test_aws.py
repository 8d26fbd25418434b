"""Each AWS operation under each fault: tried again with success, or told in one line; never an answer from nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import pytest

from namecard_release.errors import PermanentError, ReleaseError, TransientError
from namecard_release.sandbox import processes
from tests.faults.conftest import Aws
from tests.faults.http_proxy import PERMANENT, Fault
from tests.faults.operations import CALLS, HASTY, MORE, PATIENT, SLOW_ANYWAY, TOLD_AS_UNREAD, Asked

# Three attempts of 0.3 s each for a connection and an answer, for two operations, and a slow machine.
_LONGEST = 8.0
_HARMLESS = frozenset({Fault.SLOW})
_ONCE = sorted(set(Fault) - PERMANENT - {Fault.GARBLED})


Choose = Callable[[str, Fault | None], Asked]


@pytest.fixture(scope="module")
def choose(aws: Aws, credentials: dict[str, str]) -> Choose:
    """Give one set of clients an operation: botocore stops trying again when too much failed."""

    @cache
    def make(operation: str, hasty: bool) -> Asked:
        quick = SLOW_ANYWAY if operation == "lambda.Invoke" else HASTY
        return Asked(aws.proxy.url, credentials, quick if hasty else PATIENT)

    return lambda operation, fault: make(operation, fault is Fault.SILENT)


def _ask(operation: str, asked: Asked) -> object:
    asked.forget()
    return CALLS[operation](asked)


@pytest.mark.parametrize("fault", _ONCE)
@pytest.mark.parametrize("operation", CALLS)
def test_a_fault_that_passes_is_tried_again_unseen(
    aws: Aws, choose: Choose, unhurried: list[float], operation: str, fault: Fault
) -> None:
    aws.proxy.heal()
    asked = choose(operation, fault)
    healthy = _ask(operation, asked)
    assert operation in aws.proxy.calls
    aws.proxy.harm(operation, fault, times=1)
    assert _ask(operation, asked) == healthy
    # A slow machine may take an attempt for a silent one.
    counts = (2, 3) if fault is Fault.SILENT else (1,) if fault in _HARMLESS else (2,)
    assert aws.proxy.calls.count(operation) in counts
    assert sum(unhurried) <= 3.0


@pytest.mark.parametrize("fault", sorted(set(Fault) - _HARMLESS))
@pytest.mark.parametrize("operation", CALLS)
def test_a_fault_that_stays_is_told_and_never_taken_for_an_answer(
    aws: Aws, choose: Choose, unhurried: list[float], operation: str, fault: Fault
) -> None:
    aws.proxy.harm(operation, fault)
    started = time.monotonic()
    with pytest.raises(ReleaseError) as caught:
        _ask(operation, choose(operation, fault))
    assert time.monotonic() - started < _LONGEST
    told = str(caught.value)
    assert told.startswith("AWS could not ") and len(told.splitlines()) == 1 and len(told) < 500
    assert "hunter2" not in told
    if operation not in TOLD_AS_UNREAD:
        assert isinstance(caught.value, PermanentError if fault in PERMANENT else TransientError), told


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.RESET, Fault.DENIED])
@pytest.mark.parametrize("operation", MORE)
def test_another_way_to_ask_for_an_operation_is_no_worse(
    aws: Aws, choose: Choose, unhurried: list[float], operation: str, fault: Fault
) -> None:
    aws.proxy.heal()
    asked = choose(operation, fault)
    healthy = MORE[operation](asked)
    assert operation in aws.proxy.calls
    if fault not in PERMANENT:
        aws.proxy.harm(operation, fault, times=1)
        assert MORE[operation](asked) == healthy and aws.proxy.calls.count(operation) == 2
    aws.proxy.harm(operation, fault)
    with pytest.raises(PermanentError if fault in PERMANENT else TransientError, match="AWS could not "):
        MORE[operation](asked)


@pytest.mark.parametrize("operation", CALLS)
def test_an_address_that_refuses_is_told(credentials: dict[str, str], unhurried: list[float], operation: str) -> None:
    nobody = Asked(f"http://127.0.0.1:{processes.free_port()}", credentials, PATIENT)
    nobody._name = "function"
    with pytest.raises(TransientError, match="check the endpoint and the network"):
        _ask(operation, nobody)
