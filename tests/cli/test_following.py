"""`promote --wait` on a promotion whose run is over: one that waits for people is followed, another is told as lost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

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

    def history(self, environment: str, limit: int) -> tuple[Promotion, ...]:
        """Give the next look; the last one stays."""
        return (self.looks.pop(0) if len(self.looks) > 1 else self.looks[0],)

    def moves(self, promotion_id: str) -> tuple[tuple[datetime, PromotionPhase, str], ...]:
        """Tell nothing."""
        return ()

    def run_status(self, run_id: str) -> str:
        """Say that the run is over."""
        return "SUCCESS"


def follow(monkeypatch: pytest.MonkeyPatch, settings: Settings, looks: list[Promotion]) -> Promotion:
    told = Told(looks)
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
