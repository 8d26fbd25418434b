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
    batch = Batch(Run(limit, most), NOW)
    assert [batch.reserve() for _ in granted] == granted


def test_what_was_not_received_can_be_asked_for_again() -> None:
    run = Run(12, 12)
    batch = Batch(run, NOW)
    assert batch.reserve() == 10
    batch.add([letter("a"), letter("b")], 10)
    assert (batch.asked, run.taken) == (2, 2)
    assert [batch.reserve(), batch.reserve()] == [10, 0]


def test_a_letter_that_is_delivered_twice_is_one_with_the_newer_receipt() -> None:
    run = Run(100, 100)
    batch = Batch(run, NOW)
    for receipt in ("older", "newer"):
        batch.add([letter("a", receipt)], batch.reserve())
    assert [one.receipt for one in batch.letters.values()] == ["newer"]
    assert (batch.asked, run.taken) == (1, 1)


@pytest.mark.parametrize("end", ["batch", "run", "full"])
def test_nothing_more_is_asked_for_after_the_end(end: str) -> None:
    run = Run(100, 100)
    batch = Batch(run, NOW)
    if end == "batch":
        batch.note(received=0, fresh=0)
    elif end == "full":
        run.fill("a reason")
        run.fill("another")
        assert (run.full, run.stopped) == ("a reason", None)
    else:
        run.stop("a reason")
        run.stop("another")
        assert run.stopped == "a reason"
    assert batch.reserve() == 0 and run.taken == 0


def test_what_is_left_or_hidden_is_known_again() -> None:
    run = Run(100, 100)
    run.leave([letter("a")], "no rule knows it")
    assert run.hide([letter(f"h-{n}") for n in range(29)]) == 30
    assert run.has_hidden("a") and run.has_hidden("h-3") and not run.has_hidden("b")
    assert (run.left, run.reasons, run.most_stale()) == (1, {"no rule knows it": 1}, 160)


@pytest.mark.parametrize(
    ("answers", "dry", "full"),
    [
        pytest.param([(10, 10), (3, 3)], False, False, id="few is not nothing"),
        pytest.param([(10, 10), (0, 0)], True, False, id="an empty answer"),
        pytest.param([(10, 0)] * 10, False, False, id="nothing new, as often as it may be"),
        pytest.param([(10, 0)] * 11, False, True, id="nothing new, once too often: not the end of the queue"),
        pytest.param([(1, 0)] * 100, False, False, id="letters are counted, not answers"),
        pytest.param([(10, 0)] * 10 + [(10, 1)] + [(10, 0)] * 10, False, False, id="something new in between"),
        pytest.param([(0, 0), (10, 10)], True, False, id="dry stays dry"),
    ],
)
def test_what_answers_without_news_come_to(answers: list[tuple[int, int]], dry: bool, full: bool) -> None:
    batch = Batch(Run(1000, 500), NOW)
    for received, fresh in answers:
        batch.note(received, fresh)
    assert (batch.dry, batch.run.full is not None) == (dry, full)
    batch.ask_again()
    assert batch.reserve() == (0 if full else 10)


def test_a_letter_is_in_one_batch_until_it_is_put_down() -> None:
    run = Run(100, 100)
    first, other = Batch(run, NOW), Batch(run, NOW)
    assert first.add([letter("a"), letter("b")], first.reserve()) == 2
    assert other.add([letter("a", "newer"), letter("c")], other.reserve()) == 1
    assert (list(first.letters), list(other.letters), run.taken) == (["a", "b"], ["c"], 3)
    run.put_down(["a"])
    assert other.add([letter("a")], other.reserve()) == 1


def test_a_key_is_claimed_once_until_it_is_released() -> None:
    run = Run(100, 100)
    assert run.claim(["k-1", "k-2", "k-1"]) == [True, True, False]
    assert run.claim(["k-2", "k-3"]) == [False, True]
    run.release(["k-2"])
    assert run.claim(["k-2", "k-1"]) == [True, False]


@pytest.mark.parametrize(
    ("size", "of", "then"), [(500, 500, 250), (500, 30, 15), (15, 15, 10), (20, 500, 20), (7, 7, 7)]
)
def test_batches_shrink_by_half_of_one_that_was_late_to_ten_at_least(size: int, of: int, then: int) -> None:
    run = Run(1000, size)
    run.shrink(of)
    assert run.size == then


def test_a_batch_keeps_the_size_that_it_had_at_its_beginning() -> None:
    run = Run(1000, 45)
    batch = Batch(run, NOW)
    run.shrink(45)
    assert (batch.most, batch.answers, Batch(run, NOW).most) == (45, 5, 22)
    batch.add([letter(f"m-{n}") for n in range(10)], batch.reserve())
    assert batch.answers == 4
