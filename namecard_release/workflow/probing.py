"""Services asked for their health until they have answered. Judging the answers is `domain.health`'s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from namecard_release.domain.health import Probe
from namecard_release.ports import Prober

_PAUSE_SECONDS = 2.0


def probe_services(
    prober: Prober,
    base_url: str,
    services: Sequence[str],
    seconds: float,
    now: Callable[[], datetime],
    wait: Callable[[float], object],
) -> tuple[Probe, ...]:
    """Ask every service, and those that gave no answer again for up to `seconds`: silence is not yet a verdict.

    An answer stands, whatever it says. The last attempt may end later than `seconds` by one probe's own time limit.
    """
    end = now() + timedelta(seconds=seconds)
    found = {probe.service: probe for probe in prober.probe(base_url, services)}
    while silent := [name for name in services if name in found and found[name].status is None]:
        if now() + timedelta(seconds=_PAUSE_SECONDS) > end:
            break
        wait(_PAUSE_SECONDS)
        found |= {probe.service: probe for probe in prober.probe(base_url, silent)}
    return tuple(found[name] for name in services if name in found)
