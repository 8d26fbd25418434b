"""`promote --wait` on a promotion whose run is over.

One that waits for people or that Dagster runs again is followed to its end, another is told as lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from namecard_release import composition
from namecard_release.cli import changing
from namecard_release.domain.promotion import Promotion, PromotionKind, PromotionPhase
from namecard_release.errors import TransientError
from namecard_release.settings import Settings, load_settings
from tests.cli.test_waiving import Place, place

__all__ = ["place"]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
P = PromotionPhase
WAITING = Promotion(
    "prod-promotion-aaaaaaaa-12345678", "prod", "a" * 40, PromotionKind.PROMOTION, P.REQUESTED, "ada", "why", NOW, NOW
)


@dataclass
class Told:
    """A ledger and a Dagster: one look after another at the same promotion, whose run has ended."""

    looks: list[Promotion]
    going: tuple[str, ...] = ()
    retried: tuple[str, ...] = ()
    silent: bool = False

    def history(self, environment: str, limit: int) -> tuple[Promotion, ...]:
        """Give the next look; the last one stays."""
        return (self.looks.pop(0) if len(self.looks) > 1 else self.looks[0],)

    def moves(self, promotion_id: str) -> tuple[tuple[datetime, PromotionPhase, str], ...]:
        """Tell nothing."""
        return ()

    def run_status(self, run_id: str) -> str:
        """Say that the run is over, but for those that a test has going."""
        return "STARTED" if run_id in self.going else "SUCCESS"

    def will_be_retried(self, run_id: str) -> bool:
        """Say so of those that a test names, or nothing at all."""
        if self.silent:
            raise TransientError("Dagster does not answer")
        return run_id in self.retried


def follow(monkeypatch: pytest.MonkeyPatch, settings: Settings, looks: list[Promotion], **words: Any) -> Promotion:
    told = Told(looks, **words)
    monkeypatch.setattr(changing, "_LEDGER_SECONDS", 0.0)
    monkeypatch.setattr(changing, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(changing, "read_ledger", lambda settings: told)
    monkeypatch.setattr(composition, "build_control", lambda settings: told)
    return changing.wait_for_end(settings, "12345678-rest", "prod")


def test_a_promotion_that_waits_for_people_is_followed_to_its_end(
    monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    waits = replace(WAITING, waiting="waits for approval of prod: 0 of 2")
    ended = replace(WAITING, phase=P.ABORTED)
    settings = load_settings(place.settings)
    assert follow(monkeypatch, settings, [*[waits] * 30, ended]) == ended


def test_one_whose_run_is_over_and_that_waits_for_nobody_is_told_as_lost(
    monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    with pytest.raises(TransientError, match="yet the ledger says REQUESTED"):
        follow(monkeypatch, load_settings(place.settings), [WAITING] * 30)


def test_the_run_that_goes_on_with_a_promotion_is_the_one_that_is_asked_about(
    monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    deploying, ended = (replace(WAITING, phase=phase, run_id="run-2") for phase in (P.DEPLOYING, P.SUCCEEDED))
    waits = replace(WAITING, waiting="waits for approval of prod: 0 of 2")
    looks = [*[waits] * 15, *[deploying] * 30, ended]
    assert follow(monkeypatch, load_settings(place.settings), looks, going=("run-2",)) == ended


FAILED = replace(WAITING, phase=P.FAILED, run_id="run-1")


@pytest.mark.parametrize("end", [P.SUCCEEDED, P.FAILED, P.HELD])
def test_one_that_dagster_runs_again_is_followed_to_what_becomes_of_it(
    monkeypatch: pytest.MonkeyPatch, place: Place, end: PromotionPhase
) -> None:
    again, ended = (replace(WAITING, phase=phase, run_id="run-2") for phase in (P.DEPLOYING, end))
    looks = [*[FAILED] * 30, *[again] * 30, ended]
    told = follow(monkeypatch, load_settings(place.settings), looks, going=("run-2",), retried=("run-1",))
    assert told == ended


@pytest.mark.parametrize("words", [{}, {"silent": True}, {"retried": ("run-0",)}])
def test_one_that_nobody_runs_again_has_failed(
    monkeypatch: pytest.MonkeyPatch, place: Place, words: dict[str, Any]
) -> None:
    later = replace(WAITING, phase=P.SUCCEEDED, run_id="run-2")
    assert follow(monkeypatch, load_settings(place.settings), [FAILED, later], **words) == FAILED


def test_what_was_to_be_run_again_and_was_not_has_failed(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    monkeypatch.setattr(changing, "_RETRY_SECONDS", 0.0)
    assert follow(monkeypatch, load_settings(place.settings), [FAILED], retried=("run-1",)) == FAILED
