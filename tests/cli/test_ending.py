"""How commands end by signals: once, by an exception, and as before afterwards."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from namecard_release.cli.ending import ended_cleanly

_ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Let all of them be heeded, whatever whoever started the tests thinks of SIGHUP; and as before afterwards."""
    before = {one: signal.getsignal(one) for one in _ALL}
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.parametrize("ending", _ALL)
def test_the_first_signal_ends_the_block_and_no_other_breaks_the_end(ending: signal.Signals) -> None:
    put_in_order = False
    with pytest.raises((SystemExit, KeyboardInterrupt)) as ended, ended_cleanly():
        try:
            signal.raise_signal(ending)
        finally:
            for one in _ALL:
                signal.raise_signal(one)
            put_in_order = True
    assert put_in_order
    if isinstance(ended.value, SystemExit):
        assert ended.value.code == 128 + ending
    else:
        assert ending is signal.SIGINT


def test_signals_mean_what_they_meant_before() -> None:
    with ended_cleanly():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_is_not_heeded_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ended_cleanly():
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
