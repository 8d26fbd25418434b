"""What runs where, as told to a person. Reading the ledger does not belong here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from namecard_release.domain.promotion import IN_FLIGHT, Hold, Promotion, PromotionPhase


@dataclass(frozen=True)
class EnvironmentStatus:
    """What serves an environment, since when, by whom; `in_flight` is the promotion under way, if any.

    `waived` tells the waivers that what serves was admitted with; they stay told after they expired.
    `paused` says who keeps automation off and why, `frozen` which freeze keeps releases out and until when, `watch`
    what the watch after the bake has decided or until when it goes on.
    """

    environment: str
    release: str | None
    phase: PromotionPhase | None
    schema_version: str | None
    since: datetime | None
    actor: str | None
    reason: str | None
    in_flight: Promotion | None
    held: tuple[str, ...]
    waived: tuple[str, ...] = ()
    paused: str | None = None
    frozen: str | None = None
    watch: str | None = None


def find_serving(history: Sequence[Promotion]) -> Promotion | None:
    """Find what serves, in one environment's history: the newest whose code was deployed and not rolled back."""
    deployed = [p for p in history if p.code_changed and p.phase is not PromotionPhase.ROLLED_BACK]
    return max(deployed, key=lambda p: p.deployed_at or p.updated_at, default=None)


def describe_environment(
    environment: str,
    history: Sequence[Promotion],
    holds: Sequence[Hold],
    paused: str | None = None,
    frozen: str | None = None,
    watch: str | None = None,
) -> EnvironmentStatus:
    """Tell what serves an environment from its promotions: the newest whose code was deployed and not rolled back.

    One that failed after its deploy serves all the same, and its phase says so.
    """
    own = [promotion for promotion in history if promotion.environment == environment]
    serving = find_serving(own)
    in_flight = max((p for p in own if p.phase in IN_FLIGHT), key=lambda p: p.requested_at, default=None)
    held = tuple(sorted({h.release for h in holds if h.environment == environment and h.released_at is None}))
    return EnvironmentStatus(
        environment=environment,
        release=serving.release if serving else None,
        phase=serving.phase if serving else None,
        schema_version=serving.schema_version if serving else None,
        since=serving.deployed_at if serving else None,
        actor=serving.actor if serving else None,
        reason=serving.reason if serving else None,
        in_flight=in_flight,
        held=held,
        paused=paused,
        frozen=frozen,
        watch=watch,
        waived=serving.waived if serving else (),
    )
