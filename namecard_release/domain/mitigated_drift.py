"""Drift that a mitigation made, told apart from drift that nobody explains. What drifted is `drift`'s to find."""

from __future__ import annotations

from collections.abc import Sequence

from namecard_release.domain.mitigations import Lever, Mitigation, describe_mitigation

_AT = " modified at "
# Where CloudFormation says that a setting differs (AWS CloudFormation User Guide, "Resource type support").
_PATHS = {
    Lever.RESERVED: ("/ReservedConcurrentExecutions",),
    Lever.PROVISIONED: ("/ProvisionedConcurrencyConfig",),
    Lever.PROXY: ("/ConnectionPoolConfigurationInfo/MaxConnectionsPercent", "/ConnectionPoolConfigurationInfo/MaxIdle"),
    Lever.FLAG: ("/Environment/Variables/", "/FunctionVersion"),
    Lever.WRITER: (),
}


def explain_drift(entry: str, mitigations: Sequence[Mitigation]) -> str | None:
    """Name the mitigations in force that explain all of a drifted resource; None where any of it stays unexplained.

    `entry` is `<logical id> modified at <property path>, ...` as the drift's reader tells it.
    """
    logical_id, found, paths = entry.partition(_AT)
    if not found:
        return None
    told: dict[int, str] = {}
    for path in paths.split(", "):
        mine = [one for one in mitigations if _explains(one, logical_id, path)]
        if not mine:
            return None
        told |= {one.number: describe_mitigation(one) for one in mine}
    return "; ".join(told[number] for number in sorted(told))


def _explains(one: Mitigation, logical_id: str, path: str) -> bool:
    if not any(path.startswith(known) for known in _PATHS[one.target.lever]):
        return False
    if path.startswith("/Environment/Variables/"):
        return logical_id == one.target.logical_id and path == f"/Environment/Variables/{one.target.qualifier}"
    if one.target.lever is Lever.RESERVED:
        return logical_id == one.target.logical_id
    # An alias is a resource of its own beside the function, named after the service; a proxy is the only one.
    return one.target.lever is Lever.PROXY or logical_id.startswith(one.target.service.capitalize())
