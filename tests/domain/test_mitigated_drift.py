"""Which drift a mitigation explains: its own property of its own resource, and nothing beside it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from namecard_release.domain.mitigated_drift import explain_drift
from namecard_release.domain.mitigations import Lever, Mitigation, MitigationKind, MitigationState, Target

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
CARDS = "CardsServiceFunction1"


def made(number: int, lever: Lever, qualifier: str = "", service: str = "cards", logical_id: str = CARDS) -> Mitigation:
    target = Target("prod", lever, service, "fn", qualifier, logical_id)
    kept = (MitigationState.APPLIED, "ada", "why", "INC-7", "r", NOW)
    return Mitigation(number, target, MitigationKind.RESERVED, "throttles", "25", "50", *kept)


ALL = (
    made(1, Lever.RESERVED),
    made(2, Lever.FLAG, "FALLBACK"),
    made(3, Lever.PROVISIONED, "prod-live"),
    made(4, Lever.PROXY, service="", logical_id=""),
    made(5, Lever.WRITER, service="", logical_id=""),
)


@pytest.mark.parametrize(
    ("entry", "numbers"),
    [
        (f"{CARDS} modified at /ReservedConcurrentExecutions", [1]),
        (f"{CARDS} modified at /Environment/Variables/FALLBACK", [2]),
        (f"{CARDS} modified at /Environment/Variables/FALLBACK, /ReservedConcurrentExecutions", [1, 2]),
        ("CardsLive modified at /ProvisionedConcurrencyConfig/ProvisionedConcurrentExecutions", [3]),
        ("CardsLive modified at /FunctionVersion", [2]),
        ("ProxyTargets modified at /ConnectionPoolConfigurationInfo/MaxConnectionsPercent", [4]),
        (f"{CARDS} modified at /MemorySize", None),
        (f"{CARDS} modified at /MemorySize, /ReservedConcurrentExecutions", None),
        (f"{CARDS} modified at /Environment/Variables/OTHER", None),
        (f"{CARDS} modified", None),
        (f"{CARDS} deleted", None),
        ("AuthServiceFunction1 modified at /ReservedConcurrentExecutions", None),
        ("AuthServiceFunction1 modified at /Environment/Variables/FALLBACK", None),
        ("AuthLive modified at /ProvisionedConcurrencyConfig/ProvisionedConcurrentExecutions", None),
        ("ProxyTargets modified at /ConnectionPoolConfigurationInfo/InitQuery", None),
    ],
)
def test_a_mitigation_explains_its_own_property_alone(entry: str, numbers: list[int] | None) -> None:
    told = explain_drift(entry, ALL)
    if numbers is None:
        assert told is None
    else:
        assert told is not None and [int(part.split()[1]) for part in told.split("; ")] == numbers
        assert "of INC-7" in told


def test_without_mitigations_nothing_is_explained() -> None:
    assert explain_drift(f"{CARDS} modified at /ReservedConcurrentExecutions", ()) is None
