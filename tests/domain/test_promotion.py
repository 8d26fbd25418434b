"""Which phase may follow which, who may enter an environment, and when a bake ends."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from namecard_release.domain.promotion import (
    IN_FLIGHT,
    Entry,
    Hold,
    PromotionPhase,
    bake_end,
    explain_closed_entry,
    may_follow,
)
from tests.domain.cases import T0, A, B, at

# Row: where a promotion stands; column: where it wants to go, in the same order.
MATRIX = """
             REQUESTED GATED DEPLOYING VERIFYING BAKING SUCCEEDED FAILED HELD ROLLED_BACK SUPERSEDED ABORTED
REQUESTED    yes       yes   -         -         -      -         yes    yes  -           yes        yes
GATED        -         yes   yes       -         -      -         yes    yes  -           yes        yes
DEPLOYING    -         -     yes       yes       -      -         yes    yes  -           yes        yes
VERIFYING    -         -     yes       yes       yes    yes       yes    yes  yes         yes        yes
BAKING       -         -     -         -         yes    yes       yes    yes  yes         yes        yes
SUCCEEDED    -         -     -         -         -      yes       -      -    yes         -          -
FAILED       yes       -     -         -         -      -         yes    yes  yes         yes        -
HELD         yes       -     -         -         -      -         -      yes  yes         yes        -
ROLLED_BACK  -         -     -         -         -      -         -      -    yes         -          -
SUPERSEDED   -         -     -         -         -      -         -      -    -           yes        -
ABORTED      yes       -     -         -         -      -         -      -    yes         yes        yes
"""


def read_matrix() -> dict[tuple[str, str], bool]:
    """Read the table above as pairs of phases."""
    heading, *rows = (line.split() for line in MATRIX.strip().splitlines())
    return {(name, wanted): cell == "yes" for name, *cells in rows for wanted, cell in zip(heading, cells, strict=True)}


def test_the_matrix_names_every_pair_of_phases() -> None:
    assert set(read_matrix()) == set(product(PromotionPhase, PromotionPhase))


@pytest.mark.parametrize(("pair", "allowed"), read_matrix().items(), ids=str)
def test_phases_follow_each_other_as_the_matrix_says(pair: tuple[str, str], allowed: bool) -> None:
    assert may_follow(PromotionPhase(pair[0]), PromotionPhase(pair[1])) is allowed


def test_a_promotion_in_flight_can_be_stopped_and_no_other_is_in_flight() -> None:
    ends = {PromotionPhase.FAILED, PromotionPhase.HELD, PromotionPhase.ABORTED, PromotionPhase.SUPERSEDED}
    assert all(may_follow(phase, end) for phase in IN_FLIGHT for end in ends)
    assert {str(phase) for phase in IN_FLIGHT} == {"REQUESTED", "GATED", "DEPLOYING", "VERIFYING", "BAKING"}


OPEN = Hold("staging", A, "errors went up", "ada", T0)
CALM = Entry("staging", A, (), frozenset())
RELEASED = Hold("staging", A, "errors went up", "ada", T0, at(60), "bob")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        pytest.param(Entry("staging", A, (), frozenset()), None, id="nothing asked"),
        pytest.param(Entry("staging", A, (), frozenset({"dev"})), None, id="healthy elsewhere, nothing asked"),
        pytest.param(Entry("prod", A, ("staging",), frozenset({"staging"})), None, id="healthy where asked"),
        pytest.param(
            Entry("prod", A, ("staging",), frozenset()),
            "prod takes only releases that are healthy in staging",
            id="not",
        ),
        pytest.param(
            Entry("prod", A, ("dev", "staging"), frozenset({"dev"})), "healthy in staging; this", id="one of two"
        ),
        pytest.param(Entry("prod", A, ("dev", "staging"), frozenset()), "healthy in dev, staging", id="none of two"),
        pytest.param(
            Entry("staging", A, (), frozenset(), (OPEN,)),
            "held in staging since 2026-03-02 09:00 UTC: errors went up",
            id="held",
        ),
        pytest.param(Entry("staging", A, (), frozenset(), (RELEASED,)), None, id="hold released"),
        pytest.param(Entry("staging", A, (), frozenset(), (RELEASED, OPEN)), "held in staging", id="held again"),
        pytest.param(Entry("staging", B, (), frozenset(), (OPEN,)), None, id="another release is held"),
        pytest.param(Entry("staging", A, ("dev",), frozenset(), (OPEN,)), "held in staging", id="a hold comes first"),
        pytest.param(Entry("dev", A, (), frozenset(), (OPEN,)), None, id="held in another environment"),
        pytest.param(replace(CALM, frozen="frozen: weekend"), "staging is frozen: weekend; an emergency", id="frozen"),
        pytest.param(replace(CALM, frozen="frozen", override=" "), "staging is frozen", id="overridden without a word"),
        pytest.param(replace(CALM, frozen="frozen", override="outage"), None, id="overridden"),
    ],
)
def test_an_entry_is_open_or_explained(entry: Entry, words: str | None) -> None:
    told = explain_closed_entry(entry)
    assert told is None if words is None else words in (told or ""), told


@pytest.mark.parametrize(("seconds", "end"), [(0, T0), (900, at(900)), (0.5, at(0.5))])
def test_a_bake_ends_after_its_seconds(seconds: float, end: object) -> None:
    assert bake_end(T0, seconds) == end
