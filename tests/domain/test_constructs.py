"""Logical ids of constructs whose names share a prefix."""

from __future__ import annotations

import pytest

from namecard_release.domain.constructs import is_construct, is_service_function


@pytest.mark.parametrize(
    ("logical_id", "construct", "own"),
    [
        ("AuthServiceErrorsAlarm", "AuthServiceErrorsAlarm", True),
        ("AuthServiceErrorsAlarm1A2B3C4D", "AuthServiceErrorsAlarm", True),
        ("AuthServiceErrorsAlarmX1A2B3C4D", "AuthServiceErrorsAlarm", False),
        ("AuthServiceErrorsAlarm1A2B3C4D5", "AuthServiceErrorsAlarm", False),
        ("XAuthServiceErrorsAlarm1A2B3C4D", "AuthServiceErrorsAlarm", False),
        ("AuthServiceErrorsAlar", "AuthServiceErrorsAlarm", False),
    ],
)
def test_a_logical_id_is_exactly_a_constructs(logical_id: str, construct: str, own: bool) -> None:
    assert is_construct(logical_id, construct) is own


@pytest.mark.parametrize(
    ("logical_id", "own"),
    [
        ("AuthServiceFunction1A2B3C4D", True),
        ("AuthService1A2B3C4D", True),
        ("AuthServiceXFunction1A2B3C4D", False),
        ("AuthServiceFunctionServiceRole1A2B3C4D", False),
        ("AuthxServiceFunction1A2B3C4D", False),
    ],
)
def test_a_services_function_is_no_other_ones(logical_id: str, own: bool) -> None:
    assert is_service_function(logical_id, "auth") is own
