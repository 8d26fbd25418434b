"""Threads shared by several: order of results, failures, and no more calls at once than there are threads."""

from __future__ import annotations

from threading import Barrier, Lock, Thread

import pytest

from namecard_release.workflow.hands import Hands


def test_results_come_in_the_order_of_the_parts() -> None:
    both = Barrier(2, timeout=10)

    def work(part: int) -> int:
        # Neither goes on without the other: they are side by side.
        both.wait()
        return part * part

    with Hands(2, "test") as hands:
        assert hands.each(work, [3, 4]) == [9, 16]
        assert hands.each(work, []) == []


def test_a_failure_is_told_once_all_have_ended() -> None:
    done: list[int] = []

    def work(part: int) -> None:
        if part < 2:
            raise ValueError(f"part {part}")
        done.append(part)

    with Hands(1, "test") as hands, pytest.raises(ValueError, match="part 0"):
        hands.each(work, range(4))
    assert done == [2, 3]


def test_all_who_ask_share_the_same_threads() -> None:
    lock, together, running, most = Lock(), Barrier(3, timeout=10), 0, 0

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # Three at a time: the number of parts is a multiple of that, so that nobody waits in vain.
        together.wait()
        with lock:
            running -= 1
        together.wait()

    with Hands(3, "test") as hands:
        askers = [Thread(target=hands.each, args=(work, range(6))) for _ in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
    assert most == 3
