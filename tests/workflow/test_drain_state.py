"""What threads of a drain share: the limit, the batch that they gather together, letters that come twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from namecard_release.dlq_port import Received
from namecard_release.domain.dead_letters import BodyFormat, DeadLetter
from namecard_release.workflow.drain_state import Batch, Run

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def letter(id_: str, receipt: str = "receipt") -> Received:
    return Received(DeadLetter(id_, "{}", BodyFormat.RAW, "{}", "digest", NOW), receipt)


@pytest.mark.parametrize(
    ("limit", "most", "granted"),
    [
        pytest.param(100, 25, [10, 10, 5, 0], id="a batch is filled"),
        pytest.param(13, 25, [10, 3, 0], id="no more than the run may take"),
        pytest.param(0, 25, [0], id="nothing is wanted"),
    ],
)
def test_no_more_is_asked_for_than_fits(limit: int, most: int, granted: list[int]) -> None:
    batch = Batch(Run(limit), most)
    assert [batch.reserve() for _ in granted] == granted


def test_what_was_not_received_can_be_asked_for_again() -> None:
    run = Run(12)
    batch = Batch(run, 12)
    assert batch.reserve() == 10
    batch.add([letter("a"), letter("b")], 10)
    assert (batch.asked, run.taken) == (2, 2)
    assert [batch.reserve(), batch.reserve()] == [10, 0]


def test_a_letter_that_is_delivered_twice_is_one_with_the_newer_receipt() -> None:
    run = Run(100)
    batch = Batch(run, 100)
    for receipt in ("older", "newer"):
        batch.add([letter("a", receipt)], batch.reserve())
    assert [one.receipt for one in batch.letters.values()] == ["newer"]
    assert (batch.asked, run.taken) == (1, 1)


@pytest.mark.parametrize("end", ["batch", "run"])
def test_nothing_more_is_asked_for_after_the_end(end: str) -> None:
    run = Run(100)
    batch = Batch(run, 100)
    if end == "batch":
        batch.end()
    else:
        run.stop("a reason")
        run.stop("another")
        assert run.stopped == "a reason"
    assert batch.reserve() == 0 and run.taken == 0


def test_what_is_left_or_hidden_is_known_again() -> None:
    run = Run(100)
    run.leave([letter("a")], "no rule knows it")
    assert run.hide([letter(f"h-{n}") for n in range(29)]) == 30
    assert run.has_hidden("a") and run.has_hidden("h-3") and not run.has_hidden("b")
    assert (run.left, run.reasons, run.most_stale()) == (1, {"no rule knows it": 1}, 13)
