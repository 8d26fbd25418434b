"""The main journey, driven as a user would: the command line and HTTP requests. Nothing is decided here.

The rollback in it is the daemon's own: this module sends requests, waits, and checks what the ledger and Dagster tell.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from namecard_release.composition import build_pipeline
from namecard_release.domain.gates import Admission, admit
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.errors import PermanentError
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.sandbox import stack
from namecard_release.sandbox.driving import call_program, find_public_url, last_line, newest_promotion, wait_for
from namecard_release.sandbox.state import Stores
from namecard_release.sandbox.timeline import Moment, collect_timeline, print_timeline
from namecard_release.sandbox.traffic import BackgroundTraffic
from namecard_release.settings import SERVICES, Settings, load_settings
from namecard_release.workflow.gating import ENVIRONMENT_GATES, RELEASE_GATES

ENVIRONMENT = "staging"
# A slow machine takes minutes for the gates while the requests go on.
_GATES_SECONDS, _ROLLBACK_SECONDS = 400.0, 150.0
_CALM_REQUESTS = 12


@dataclass
class Journey:
    """One run of the demo: where it works, what it found, and every expectation with whether it held."""

    root: Path
    settings: Settings
    releases: dict[str, str]
    ledger: ReleaseLedger
    begun: float = field(default_factory=time.time)
    checks: list[tuple[str, bool]] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """Report progress."""
        print(f"{time.time() - self.begun:6.1f} s  {text}", flush=True)

    def expect(self, what: str, held: bool) -> bool:
        """Note an expectation and whether it held."""
        self.checks.append((what, held))
        self.tell(f"{'ok  ' if held else 'FAIL'}  {what}")
        return held


def run_demo(root: Path, *, keep: bool = False, stores: Stores | None = None) -> bool:
    """Run the journey and tell whether everything in it happened; the sandbox is stopped afterwards unless kept."""
    begun = time.time()
    if _is_used(root):
        # A is behind what an earlier demo applied to the schema, and going back is what rollbacks are for.
        print("the sandbox was used before: starting from a fresh one", flush=True)
        stack.down(root, purge=True)
    state = stack.up(root, lambda line: print(line, flush=True), stores=stores)
    settings = load_settings(state.settings_file)
    ledger = build_pipeline(settings).ledger
    journey = Journey(root, settings, dict(state.releases), ledger, begun)
    try:
        _promote_good(journey)
        moments = _break_and_recover(journey)
        _try_refused(journey)
        print_timeline(moments, _calls(journey, "status").stdout)
        journey.tell(f"Dagster UI: {state.ui_url}")
    finally:
        if not keep:
            stack.down(root)
    return _conclude(journey)


def _is_used(root: Path) -> bool:
    file = root / "namecard-release.toml"
    return file.is_file() and bool(build_pipeline(load_settings(file)).ledger.history())


def _promote_good(journey: Journey) -> None:
    for letter in ("A", "B"):
        done = _promote(journey, letter, "--wait")
        journey.expect(f"{letter} is promoted to {ENVIRONMENT} and bakes without a breach", done.returncode == 0)
        if done.returncode != 0:
            raise PermanentError(f"{letter} was not promoted, so there is nothing to break: {last_line(done.stderr)}")


def _break_and_recover(journey: Journey) -> list[Moment]:
    base, stage = find_public_url(journey.settings, ENVIRONMENT)
    bad, good = journey.releases["C"], journey.releases["B"]
    with BackgroundTraffic(base, stage, SERVICES, rate_per_second=6) as traffic:
        wait_for(lambda: len(traffic.outcomes()) >= _CALM_REQUESTS, 60)
        journey.expect("requests succeed on B", all(o.ok and o.version == good for o in traffic.outcomes()))
        asked = _promote(journey, "C")
        journey.expect("C's promotion is launched", asked.returncode == 0)
        seen = wait_for(lambda: any(not o.ok for o in traffic.outcomes()), _GATES_SECONDS)
        journey.expect("C passed every gate, and requests fail on it", seen and _passed_gates(journey, bad))
        back = wait_for(lambda: _phase(journey, bad) is PromotionPhase.ROLLED_BACK, _ROLLBACK_SECONDS)
        journey.expect("the daemon's sensor rolled C back", back)
        calm = wait_for(lambda: _is_calm([o.ok and o.version == good for o in traffic.outcomes()]), 60)
        journey.expect("requests succeed on B again", calm)
    promotion = _newest(journey, bad)
    moments, tags = collect_timeline(journey.settings, ENVIRONMENT, promotion, traffic.outcomes())
    journey.expect("the rollback's run names the sensor, the alarm and the promotion", _is_sensors(tags, promotion))
    held = [hold.release for hold in journey.ledger.holds(ENVIRONMENT)]
    journey.expect("C is held", bad in held)
    journey.expect("the ledger names B as what runs", _running(journey) == good)
    return moments


def _passed_gates(journey: Journey, release: str) -> bool:
    decision = admit((*RELEASE_GATES, *ENVIRONMENT_GATES), journey.ledger.gates(release, ENVIRONMENT))
    return decision.admission is Admission.PROCEED


def _try_refused(journey: Journey) -> None:
    with ThreadPoolExecutor(2) as pool:
        tried = {letter: pool.submit(_promote, journey, letter, "--wait") for letter in ("D", "E")}
    for letter, gate in (("D", "migration_plan"), ("E", "quality")):
        refused = tried[letter].result().returncode == 1
        results = journey.ledger.gates(journey.releases[letter], ENVIRONMENT)
        failed = [r for r in results if r.gate == gate and r.verdict == "FAILED"]
        why = failed[0].reason if failed else "no such verdict"
        journey.expect(f"{letter} is refused by {gate}: {why[:90]}", refused and bool(failed))
    journey.expect("B still runs", _running(journey) == journey.releases["B"])


def _promote(journey: Journey, letter: str, *options: str) -> subprocess.CompletedProcess[str]:
    journey.tell(f"promote {letter} to {ENVIRONMENT}")
    sha = journey.releases[letter]
    return _calls(journey, "promote", "--env", ENVIRONMENT, "--commit", sha, "--reason", f"demo {letter}", *options)


def _calls(journey: Journey, *words: str) -> subprocess.CompletedProcess[str]:
    return call_program(journey.root / "namecard-release.toml", *words)


def _newest(journey: Journey, release: str) -> Promotion:
    return newest_promotion(journey.ledger, ENVIRONMENT, release)


def _phase(journey: Journey, release: str) -> PromotionPhase:
    return _newest(journey, release).phase


def _is_calm(answers: Sequence[bool]) -> bool:
    return len(answers) > _CALM_REQUESTS and all(answers[-_CALM_REQUESTS:])


def _is_sensors(tags: dict[str, str], promotion: Promotion) -> bool:
    return (
        tags.get("dagster/sensor_name") == "alarm_rollback_sensor"
        and tags.get("namecard/promotion") == promotion.id
        and tags.get("namecard/alarm", "").startswith("arn:aws:cloudwatch:")
    )


def _running(journey: Journey) -> str | None:
    told: dict[str, Any] = json.loads(_calls(journey, "status", "--json").stdout)
    release: str | None = told["environments"][ENVIRONMENT]["release"]
    return release


def _conclude(journey: Journey) -> bool:
    failed = [what for what, held in journey.checks if not held]
    journey.tell(f"{len(journey.checks) - len(failed)} of {len(journey.checks)} expectations held")
    return not failed
