"""A release's health in an environment, told by the alarm sensor when the bake ends; no run waits for it."""

from __future__ import annotations

import dagster as dg

from assets.evidence import phase_table
from assets.requests import RELEASES
from namecard_release.domain.gates import GateResult
from namecard_release.domain.promotion import Promotion


def health_key(environment: str) -> dg.AssetKey:
    """Name an environment's health asset."""
    return dg.AssetKey([environment, "health"])


def build_health(environment: str) -> dg.AssetSpec:
    """Declare an environment's health: a materialisation of it means that the bake ended without a breach."""
    return dg.AssetSpec(
        key=health_key(environment),
        deps=[dg.AssetKey([environment, "deployment"])],
        partitions_def=RELEASES,
        group_name=environment,
        kinds={"cloudwatch"},
        description="Reported by alarm_rollback_sensor when the bake of a release ends without a breach.",
    )


def health_event(promotion: Promotion, reason: str, latency: GateResult) -> dg.AssetMaterialization:
    """Report a release as healthy in its environment, with its latency beside the launch budgets."""
    return dg.AssetMaterialization(
        asset_key=health_key(promotion.environment),
        partition=promotion.release,
        description=reason,
        metadata={
            "promotion": promotion.id,
            "reason": reason,
            "actor": promotion.actor,
            "latency budget": f"{latency.verdict}: {latency.reason}",
            "latencies": phase_table(latency.phases),
        },
    )
