"""Which pushed alarms are an environment's own. Receiving them, and what an alarm means, do not belong here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from namecard_release.domain.alarms import AlarmReading

# CloudWatch's clock and ours may differ by this much; a later moment would outdate every reading until it has come.
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True)
class Ground:
    """Where an environment's alarms are: its account and region, its stacks, and the stacks of the other ones."""

    account: str
    region: str
    stacks: tuple[str, ...]
    others: tuple[str, ...] = ()


def explain_foreign(reading: AlarmReading, ground: Ground, now: datetime) -> str | None:
    """Say why a pushed alarm is not one to take up for an environment, None when it is.

    An alarm whose name no stack gave counts: somebody wired it to the environment's topic.
    """
    parts = reading.arn.split(":", 6)
    if len(parts) < 7:
        return f"{reading.name} has no ARN of CloudWatch's"
    region, account, name = parts[3], parts[4], parts[6]
    if (account, region) != (ground.account, ground.region):
        return f"{reading.name} is of {region} in the account {account}"
    other = _longest_stack(name, ground.others)
    if other is not None and len(other) > len(_longest_stack(name, ground.stacks) or ""):
        return f"{reading.name} is of the stack {other}"
    if reading.since > now + _AHEAD:
        return f"{reading.name} changed at {reading.since:%Y-%m-%d %H:%M} UTC, which is yet to come"
    return None


def _longest_stack(name: str, stacks: Sequence[str]) -> str | None:
    return max((one for one in stacks if name.startswith(f"{one}-")), key=len, default=None)
