"""When a deploy that is under way has done its work."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from namecard_release.domain.deploys import Ending, describe_stacks, is_deployed, judge_ending, may_go_on
from namecard_release.domain.readiness import StackStatus

OLD, NEW = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


def db(status: str | None = "UPDATE_COMPLETE", at: datetime | None = OLD) -> StackStatus:
    return StackStatus("Db", status, at)


def api(status: str | None = "UPDATE_COMPLETE", at: datetime | None = OLD) -> StackStatus:
    return StackStatus("Api", status, at)


BEFORE = (db(), api())


@pytest.mark.parametrize(
    ("before", "now", "told", "done"),
    [
        pytest.param(BEFORE, (db(at=NEW), api(at=NEW)), (), True, id="both changed and complete"),
        pytest.param(BEFORE, (db(), api(at=NEW)), ("Db",), True, id="one needs no change, as told"),
        pytest.param(BEFORE, (db(), api(at=NEW)), (), False, id="one not begun, for all that is known"),
        pytest.param(BEFORE, (db(), api()), ("Db", "Api"), True, id="neither needs a change"),
        pytest.param(BEFORE, BEFORE, (), False, id="nothing has happened yet"),
        pytest.param(BEFORE, (db(), api("UPDATE_IN_PROGRESS", NEW)), ("Db",), False, id="under way"),
        pytest.param(BEFORE, (db(), api("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", NEW)), ("Db",), False, id="cleaning up"),
        pytest.param(BEFORE, (db(), api("UPDATE_ROLLBACK_COMPLETE", NEW)), ("Db",), False, id="undone"),
        pytest.param(BEFORE, (db(), api("UPDATE_FAILED", NEW)), ("Db", "Api"), False, id="failed, whatever is told"),
        pytest.param(BEFORE, (db(), api(None, None)), ("Db", "Api"), False, id="gone"),
        pytest.param(BEFORE, (db(), api(at=None)), ("Db",), False, id="the moment is unread"),
        pytest.param((db(), api(None, None)), (db(), api("CREATE_COMPLETE", NEW)), ("Db",), True, id="created"),
        pytest.param((db(),), (db(), api("CREATE_COMPLETE", NEW)), ("Db",), False, id="not looked at before"),
        pytest.param((), (), (), False, id="no stack"),
    ],
)
def test_a_deploy_is_done_when_every_stack_is(
    before: tuple[StackStatus, ...], now: tuple[StackStatus, ...], told: tuple[str, ...], done: bool
) -> None:
    assert is_deployed(before, now, told) is done


D, U, R = "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    ("before", "after", "ending"),
    [
        ([(U, 1), (U, 1)], [(U, 2), (U, 2)], Ending.DEPLOYED),
        ([(U, 1), (U, 1)], [(U, 1), (U, 2)], Ending.DEPLOYED),
        ([(None, None), (None, None)], [(D, 1), (D, 1)], Ending.DEPLOYED),
        ([(U, 1), (U, 1)], [(U, 2), (U, 1)], Ending.PARTIAL),
        ([(U, 1), (U, 1)], [(U, 1), (U, 1)], Ending.OLD),
        ([(U, 1), (U, 1)], [(U, 2), (R, 2)], Ending.PARTIAL),
        ([(U, 1), (U, 1)], [(U, 1), (R, 2)], Ending.OLD),
        ([(U, 1), (R, 1)], [(U, 2), (R, 2)], Ending.PARTIAL),
        ([(U, 1), (U, 1)], [(R, 2), (U, 2)], Ending.PARTIAL),
        ([(U, 1), (None, None)], [(U, 2), ("ROLLBACK_COMPLETE", 2)], Ending.PARTIAL),
        ([(U, 1), (U, 1)], [(R, 2), (U, 1)], Ending.OLD),
        ([(None, None), (None, None)], [(D, 1), ("ROLLBACK_COMPLETE", 1)], Ending.OLD),
        ([(None, None), (None, None)], [(D, 1), (None, None)], Ending.OLD),
        ([(U, 1), (U, 1)], [(U, 2), ("UPDATE_ROLLBACK_FAILED", 2)], Ending.UNKNOWN),
        ([(U, 1), (U, 1)], [("UPDATE_FAILED", 2), (U, 2)], Ending.UNKNOWN),
        ([(U, 1), (U, 1)], [(U, 2), ("UPDATE_IN_PROGRESS", 2)], Ending.UNKNOWN),
        ([], [], Ending.UNKNOWN),
    ],
)
def test_what_a_deploy_without_a_good_result_left(
    before: list[tuple[str | None, int | None]], after: list[tuple[str | None, int | None]], ending: Ending
) -> None:
    assert judge_ending(_stacks(before), _stacks(after)) is ending


def _stacks(told: list[tuple[str | None, int | None]]) -> list[StackStatus]:
    return [
        StackStatus(name, status, None if day is None else datetime(2026, 3, day, tzinfo=UTC))
        for name, (status, day) in zip(("Db", "Api"), told, strict=False)
    ]


@pytest.mark.parametrize(
    ("before", "after", "may"),
    [
        pytest.param([(U, 1), (U, 1)], [(U, 1), (U, 1)], True, id="killed before anything"),
        pytest.param([(U, 1), (U, 1)], [(U, 2), (U, 1)], True, id="killed between two stacks"),
        pytest.param([(None, None), (None, None)], [(D, 1), (None, None)], True, id="the second is not there yet"),
        pytest.param([(R, 1), (U, 1)], [(R, 1), (U, 1)], True, id="undone by an earlier deploy"),
        pytest.param([(U, 1), (U, 1)], [(U, 2), (R, 2)], False, id="undone by this one"),
        pytest.param([(U, 1), (U, 1)], [(U, 2), ("UPDATE_FAILED", 2)], False, id="failed"),
        pytest.param([(U, 1), (U, 1)], [("UPDATE_ROLLBACK_FAILED", 2), (U, 1)], False, id="could not be undone"),
        pytest.param([(U, 1), (U, 1)], [(U, 2), ("UPDATE_IN_PROGRESS", 2)], False, id="hangs"),
        pytest.param([(U, 1), (U, 1)], [(U, 2), ("REVIEW_IN_PROGRESS", 2)], False, id="a change set waits"),
        pytest.param([], [], False, id="no stack"),
    ],
)
def test_a_deploy_whose_tool_was_killed_goes_on_where_nothing_went_wrong(
    before: list[tuple[str | None, int | None]], after: list[tuple[str | None, int | None]], may: bool
) -> None:
    assert may_go_on(*(_stacks(side) for side in (before, after))) is may


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([(U, 1), (U, 1)], [(U, 2), (R, 2)], f"Db is new ({U}), Api was put back ({R})"),
        ([(U, 1), (U, 1)], [(U, 2), (U, 1)], f"Db is new ({U}), Api is untouched ({U})"),
        (
            [(U, 1), (U, 1)],
            [(U, 1), ("UPDATE_ROLLBACK_FAILED", 2)],
            f"Db is untouched ({U}), Api is neither new nor old (UPDATE_ROLLBACK_FAILED)",
        ),
        ([(None, None), (None, None)], [(D, 1), (None, None)], f"Db is new ({D}), Api is not there (absent)"),
    ],
)
def test_what_stands_where_is_told_stack_by_stack(
    before: list[tuple[str | None, int | None]], after: list[tuple[str | None, int | None]], told: str
) -> None:
    assert describe_stacks(_stacks(before), _stacks(after)) == told
