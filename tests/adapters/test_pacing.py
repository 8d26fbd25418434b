"""The pacer: a rate kept by all threads together, and waits after refusals that grow and end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from namecard_release.adapters.pacing import SteadyPacer


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, [0.0]

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def make(rate: float | None, draw: float = 1.0) -> tuple[SteadyPacer, Time]:
    time = Time()
    return SteadyPacer(rate, lambda: time.now, time.sleep, lambda: draw), time


@pytest.mark.parametrize(("rate", "number", "times", "seconds"), [(10, 10, 5, 4.0), (100, 10, 11, 1.0), (1, 1, 3, 2.0)])
def test_the_rate_is_kept(rate: float, number: int, times: int, seconds: float) -> None:
    pacer, time = make(rate)
    for _ in range(times):
        pacer.take(number)
    assert time.now - 100 == pytest.approx(seconds)


def test_without_a_rate_nobody_waits() -> None:
    pacer, time = make(None)
    pacer.take(1000)
    assert time.now == 100


def test_time_that_passed_is_not_made_up_for() -> None:
    pacer, time = make(10)
    pacer.take(10)
    time.now += 60
    pacer.take(10)
    pacer.take(10)
    assert time.slept[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("attempt", "draw", "seconds"), [(0, 1.0, 0.2), (0, 0.0, 0.1), (1, 1.0, 0.4), (4, 1.0, 3.2), (30, 1.0, 20.0)]
)
def test_a_wait_doubles_and_has_its_bound(attempt: int, draw: float, seconds: float) -> None:
    pacer, time = make(10, draw)
    pacer.back_off(attempt)
    assert time.slept[-1] == pytest.approx(seconds)


def test_everybody_waits_after_a_refusal() -> None:
    time = Time()
    pacer = SteadyPacer(10, lambda: time.now, time.slept.append, lambda: 1.0)
    pacer.back_off(3)
    pacer.take(1)
    assert time.slept[-1] == pytest.approx(1.6)


def test_nobody_waits_after_the_end() -> None:
    pacer = SteadyPacer(0.001)
    pacer.take(1)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(pacer.take, 1), pool.submit(pacer.back_off, 9)]
        assert not wait(waiting, 0.05).done
        pacer.end()
        assert not wait(waiting, 10).not_done
    pacer.take(1)
