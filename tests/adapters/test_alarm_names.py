"""Names of alarms remembered: for how long, since when, and what a list that cannot be had means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from namecard_release.adapters.alarm_names import AlarmNames
from namecard_release.adapters.cloudwatch import FoundAlarm
from namecard_release.errors import TransientError

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STACKS = ("NameCardApi-dev", "NameCardApi-dev2")


@dataclass
class Listing:
    """Stacks with alarms, a clock, and the stacks that were listed."""

    alarms: dict[str, tuple[FoundAlarm, ...]] = field(
        default_factory=lambda: {stack: (FoundAlarm("AuthServiceErrorsAlarm", f"{stack}-Auth"),) for stack in STACKS}
    )
    now: datetime = START
    listed: list[str] = field(default_factory=list)
    silent: bool = False

    def find(self, stacks: Sequence[str]) -> list[tuple[FoundAlarm, ...]]:
        """List stacks, or fail to."""
        if self.silent:
            raise TransientError("CloudFormation did not answer")
        self.listed += stacks
        return [self.alarms.get(stack, ()) for stack in stacks]

    def names(self) -> AlarmNames:
        """Make what is tested."""
        return AlarmNames(self.find, lambda: self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def test_each_stack_has_its_own_alarms_and_is_listed_once() -> None:
    listing = Listing()
    names = listing.names()
    for stack in (*STACKS, *STACKS):
        assert [alarm.physical_name for alarm in names.of([stack])] == [f"{stack}-Auth"]
    assert len(names.of(STACKS)) == 2 and listing.listed == list(STACKS)


def test_a_list_from_before_a_deploy_is_not_used() -> None:
    listing = Listing()
    names = listing.names()
    names.of(STACKS[:1])
    listing.wait(10)
    listing.alarms[STACKS[0]] = (FoundAlarm("New", "new"),)
    assert names.of(STACKS[:1], listing.now - timedelta(seconds=5)) == (FoundAlarm("New", "new"),)
    names.of(STACKS[:1], listing.now - timedelta(seconds=5))
    assert len(listing.listed) == 2


def test_a_stack_without_alarms_is_asked_for_again() -> None:
    listing = Listing(alarms={})
    names = listing.names()
    assert (names.of(STACKS), names.of(STACKS)) == ((), ())
    assert listing.listed == [*STACKS, *STACKS]


def test_a_list_is_renewed_after_minutes_and_kept_when_that_fails() -> None:
    listing = Listing()
    names = listing.names()
    names.of(STACKS)
    listing.wait(300)
    listing.silent = True
    assert len(names.of(STACKS)) == 2
    listing.silent = False
    listing.wait(29)
    assert (len(names.of(STACKS)), len(listing.listed)) == (2, 2)
    listing.wait(1)
    assert (len(names.of(STACKS)), len(listing.listed)) == (2, 4)


@pytest.mark.parametrize("known", [False, True])
def test_a_list_that_is_needed_and_cannot_be_had_is_an_error(known: bool) -> None:
    listing = Listing()
    names = listing.names()
    if known:
        names.of(STACKS)
    listing.wait(1)
    listing.silent = True
    with pytest.raises(TransientError):
        names.of(STACKS, listing.now)


def test_a_doubted_list_is_renewed_and_not_at_every_look() -> None:
    listing = Listing()
    names = listing.names()
    for seconds, count in ((0, 1), (29, 1), (2, 2), (10, 2), (21, 3)):
        listing.wait(seconds)
        names.doubt(STACKS)
        names.of(STACKS[:1])
        assert len(listing.listed) == count
    names.forget()
    names.of(STACKS[:1])
    assert len(listing.listed) == 4


def test_a_doubted_list_that_cannot_be_renewed_is_kept_even_after_a_deploy() -> None:
    listing = Listing()
    names = listing.names()
    names.of(STACKS)
    deployed = listing.now - timedelta(seconds=1)
    listing.wait(40)
    names.doubt(STACKS)
    listing.silent = True
    assert len(names.of(STACKS, deployed)) == 2
