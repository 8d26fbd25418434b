"""Each lever's decision: apply, refused with its reason, or nothing to do; unread limits are not guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from namecard_release.domain.incident_evidence import Concurrency
from namecard_release.domain.mitigation_bounds import (
    Apply,
    Bounds,
    Cluster,
    Decision,
    Flag,
    Member,
    NothingToDo,
    Reading,
    Refused,
    Why,
    decide,
    decide_undo,
)
from namecard_release.domain.mitigations import (
    LEVERS,
    NONE,
    UNSET,
    Lever,
    Mitigation,
    MitigationKind,
    MitigationState,
    Request,
    Target,
    describe_change,
    describe_mitigation,
    give_up,
    judge_unsettled,
)

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
K, S = MitigationKind, MitigationState
BOUNDS = Bounds()
FLAG = Flag("fallback", "cards", "FALLBACK", "on", "off")
CLUSTER = Cluster("c", "available", (Member("a", True, "available"), Member("b", False, "available", 2)))


def ask(kind: MitigationKind, to: str, reading: Reading, **own: object) -> Decision:
    request = Request("prod", kind, "book", "ada", "why", "cards", to, **own)  # type: ignore[arg-type]
    return decide(request, LEVERS[kind], reading, BOUNDS, FLAG)


def limits(
    reserved: int | None,
    free: int | None = 500,
    total: int | None = 1000,
    provisioned: tuple[tuple[str, int], ...] = (),
) -> Reading:
    value = NONE if reserved is None else str(reserved)
    return Reading(value, Concurrency(reserved, provisioned, total, free))


@pytest.mark.parametrize(
    ("kind", "to", "reading", "after"),
    [
        (K.RESERVED, "50", limits(25), "50"),
        (K.RESERVED, "100", limits(25), "100"),
        (K.RESERVED, "10", limits(25), "10"),
        (K.RESERVED, "none", limits(25), NONE),
        (K.RESERVED, "400", limits(None), "400"),
        # To the last execution that may be taken, and down while there is no room at all.
        (K.RESERVED, "30", limits(25, free=105), "30"),
        (K.RESERVED, "20", limits(25, free=0), "20"),
        (K.CUT, "5", limits(10), "5"),
        (K.CUT, "1", limits(10), "1"),
        (K.CUT, "5", limits(None), "5"),
    ],
)
def test_a_reservation_is_changed_within_its_bounds(
    kind: MitigationKind, to: str, reading: Reading, after: str
) -> None:
    decision = ask(kind, to, reading)
    assert isinstance(decision, Apply) and (decision.before, decision.after) == (reading.value, after)


@pytest.mark.parametrize(
    ("kind", "to", "reading", "why", "told"),
    [
        (K.RESERVED, "101", limits(25), Why.OUT_OF_BOUNDS, "at most 100 in one step"),
        (K.RESERVED, "31", limits(25, free=105), Why.OUT_OF_BOUNDS, "100 must stay: at most 30"),
        (K.RESERVED, "26", limits(25, free=0), Why.OUT_OF_BOUNDS, "at most 0"),
        (K.RESERVED, "401", limits(None), Why.OUT_OF_BOUNDS, "at most 400"),
        (K.RESERVED, "0", limits(25), Why.OUT_OF_BOUNDS, "at least 1"),
        (K.RESERVED, "-1", limits(25), Why.OUT_OF_BOUNDS, "whole number"),
        (K.RESERVED, "many", limits(25), Why.OUT_OF_BOUNDS, "whole number"),
        (K.RESERVED, "", limits(25), Why.OUT_OF_BOUNDS, "whole number"),
        (K.RESERVED, "9" * 20, limits(25), Why.OUT_OF_BOUNDS, "whole number"),
        (K.RESERVED, "\u0663", limits(25), Why.OUT_OF_BOUNDS, "whole number"),
        (K.RESERVED, "5", limits(25, provisioned=(("x", 4), ("y", 2))), Why.OUT_OF_BOUNDS, "6 executions are prov"),
        (K.RESERVED, "30", limits(25, free=None), Why.UNREAD, "not guessed"),
        (K.RESERVED, "30", limits(25, total=None), Why.UNREAD, "not guessed"),
        (K.RESERVED, "30", Reading("25"), Why.UNREAD, "not guessed"),
        (K.RESERVED, "30", Reading("25", blocked="split"), Why.STATE, "split"),
        (K.RESERVED, "30", Reading("25", moving="is being updated"), Why.STATE, "is being updated"),
        (K.CUT, "11", limits(10), Why.OUT_OF_BOUNDS, "a cut lowers the reserved concurrency, which is 10"),
        (K.CUT, "none", limits(10), Why.OUT_OF_BOUNDS, "a cut lowers"),
    ],
)
def test_a_reservation_out_of_bounds_or_unread_is_refused(
    kind: MitigationKind, to: str, reading: Reading, why: Why, told: str
) -> None:
    decision = ask(kind, to, reading)
    assert isinstance(decision, Refused) and decision.why is why and told in decision.reason


def provisioned(reserved: int | None, now: int | None, free: int | None = 500, others: int = 0) -> Reading:
    own = () if now is None else (("live", now),)
    also = (("old", others),) if others else ()
    return Reading(NONE if now is None else str(now), Concurrency(reserved, own + also, 1000, free))


@pytest.mark.parametrize(
    ("to", "reading", "found"),
    [
        ("8", provisioned(25, 4), "8"),
        ("16", provisioned(25, 4), "16"),
        ("17", provisioned(25, 4), "at most 16 in one step"),
        ("25", provisioned(25, 20), "25"),
        ("26", provisioned(25, 20), "25 are reserved: at most 25"),
        ("24", provisioned(25, 20, others=2), "at most 23"),
        ("none", provisioned(25, 4), NONE),
        ("3", provisioned(25, None), "3"),
        ("0", provisioned(25, 4), "at least 1"),
        ("16", provisioned(None, 4, free=112), "16"),
        ("16", provisioned(None, 4, free=111), "at most 15"),
        ("8", provisioned(None, 4, free=None), "not guessed"),
        ("8", Reading("4"), "not guessed"),
        ("4", provisioned(25, 4), "already"),
        ("none", provisioned(25, None), "already"),
        ("x", provisioned(25, 4), "whole number"),
    ],
)
def test_no_more_is_provisioned_than_reserved_or_free(to: str, reading: Reading, found: str) -> None:
    decision = ask(K.PROVISIONED, to, reading, alias="live")
    assert found == decision.after if isinstance(decision, Apply) else found in decision.reason


@pytest.mark.parametrize(
    ("to", "now", "found"),
    [
        ("90", "80/40", "90/40"),
        ("30", "80/40", "30/30"),
        ("100", "80/40", "100/40"),
        ("101", "80/40", "10 to 100 %"),
        ("9", "80/40", "10 to 100 %"),
        ("none", "80/40", "10 to 100 %"),
        ("80", "80/40", "already"),
    ],
)
def test_the_proxys_share_stays_within_its_bounds_and_idle_below_it(to: str, now: str, found: str) -> None:
    decision = ask(K.PROXY, to, Reading(now))
    assert found == decision.after if isinstance(decision, Apply) else found in decision.reason


def cluster(status: str = "available", **states: str) -> Reading:
    members = tuple(replace(one, status=states.get(one.name, one.status)) for one in CLUSTER.members)
    return Reading("a", cluster=Cluster("c", status, members))


@pytest.mark.parametrize(
    ("to", "confirm", "reading", "found"),
    [
        ("", "a", cluster(), "b"),
        ("b", "a", cluster(), "b"),
        ("", "b", cluster(), "'b' is not the writer"),
        ("", "", cluster(), "confirm it with --confirm-writer and the writer's name, a now"),
        ("a", "a", cluster(), "already"),
        ("x", "a", cluster(), "no instance 'x'; its readers are b"),
        ("", "a", cluster("backing-up"), "c is backing-up"),
        ("", "a", cluster(b="rebooting"), "no other instance that is available"),
        ("b", "a", cluster(b="rebooting"), "b is rebooting"),
        ("", "a", Reading("", cluster=Cluster("c", "available", ())), "not guessed"),
        ("", "a", Reading("a"), "not guessed"),
        ("", "a", replace(cluster(), moving="c is failing over"), "failing over"),
    ],
)
def test_a_failover_is_confirmed_by_the_writers_name_and_goes_to_what_is_available(
    to: str, confirm: str, reading: Reading, found: str
) -> None:
    decision = ask(K.FAILOVER, to, reading, confirm=confirm)
    assert found == decision.after if isinstance(decision, Apply) else found in decision.reason


def test_the_reader_with_the_lowest_tier_is_the_first_to_be_failed_over_to() -> None:
    readers = (Member("z", False, "available", 0), Member("b", False, "available", 1), Member("y", False, "lost", 0))
    decision = ask(
        K.FAILOVER, "", Reading("a", cluster=Cluster("c", "available", (CLUSTER.members[0], *readers))), confirm="a"
    )
    assert isinstance(decision, Apply) and decision.after == "z"


@pytest.mark.parametrize(
    ("to", "reading", "found"),
    [
        ("on", Reading('"off"'), '"on"'),
        ("on", Reading(UNSET), '"on"'),
        ("off", Reading('"on"'), '"off"'),
        ("on", Reading('"on"'), "already"),
        ("on", Reading('"on"', half=True), '"on"'),
        ("maybe", Reading(UNSET), "on or off"),
        ("on", Reading(UNSET, blocked="a value that is not declared"), "not declared"),
    ],
)
def test_a_flag_is_put_to_its_declared_values_alone(to: str, reading: Reading, found: str) -> None:
    decision = ask(K.FLAG, to, reading)
    assert found == decision.after if isinstance(decision, Apply) else found in decision.reason


def made(lever: Lever = Lever.RESERVED, before: str = "25", after: str = "50", **own: object) -> Mitigation:
    target = Target("prod", lever, "cards", "fn", "live" if lever is Lever.PROVISIONED else "")
    values: dict[str, object] = {"incident": None, "run_id": "r", "intended_at": NOW, **own}
    state = values.pop("state", S.APPLIED)
    return Mitigation(3, target, K.RESERVED, "throttles", before, after, state, "ada", "why", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "reading", "found"),
    [
        (made(), limits(50), "25"),
        (made(), limits(25), "as it was before"),
        (made(), limits(60), "60 now, and this mitigation made it 50: somebody changed it since"),
        (made(before=NONE), limits(50), NONE),
        # Restored up: the account's room counts for a restoration, too.
        (made(before="50", after="25"), limits(25, free=125), "50"),
        (made(before="50", after="25"), limits(25, free=124), "at most 49"),
        (made(before="50", after="25"), limits(25, free=None), "not guessed"),
        (made(Lever.PROVISIONED, "4", "8"), provisioned(25, 8), "4"),
        (made(Lever.PROVISIONED, "8", "4"), provisioned(5, 4), "at most 5"),
        (made(Lever.PROXY, "80/40", "90/40"), Reading("90/40"), "80/40"),
        (made(Lever.PROXY, "80/40", "30/30"), Reading("30/15"), "30 % of the database's connections, 15 % idle now"),
        (made(Lever.FLAG, UNSET, '"on"'), Reading('"on"'), UNSET),
        (made(Lever.FLAG, UNSET, '"on"'), Reading(UNSET, half=True), "somebody changed it since"),
        (made(Lever.FLAG, UNSET, '"on"'), Reading('"on"', blocked="split"), "split"),
        (made(Lever.WRITER, "b", "a"), cluster(), "confirm it with --confirm-writer"),
    ],
)
def test_an_undo_restores_the_value_from_before_and_nothing_that_somebody_changed_since(
    one: Mitigation, reading: Reading, found: str
) -> None:
    decision = decide_undo(one, reading, BOUNDS)
    assert found == decision.after if isinstance(decision, Apply) else found in decision.reason


def test_an_undo_is_forced_over_anothers_change_and_within_the_bounds_all_the_same() -> None:
    assert decide_undo(made(), limits(60), BOUNDS, forced=True) == Apply("60", "25", "the value from before")
    refused = decide_undo(made(before="50", after="25"), limits(10, free=100), BOUNDS, forced=True)
    assert isinstance(refused, Refused) and refused.why is Why.OUT_OF_BOUNDS
    assert isinstance(decide_undo(made(), limits(25), BOUNDS, forced=True), NothingToDo)


def test_going_back_to_a_writer_is_a_failover_that_is_confirmed() -> None:
    one = made(Lever.WRITER, "b", "a")
    assert decide_undo(one, cluster(), BOUNDS, confirm="a") == Apply("a", "b", "the value from before")
    refused = decide_undo(one, cluster(b="rebooting"), BOUNDS, confirm="a")
    assert isinstance(refused, Refused) and refused.why is Why.STATE


@pytest.mark.parametrize(
    ("state", "value", "found", "gave_up"),
    [
        (S.INTENDED, "50", S.APPLIED, None),
        (S.INTENDED, "25", None, S.FAILED),
        (S.INTENDED, "60", S.FAILED, None),
        (S.UNDOING, "25", S.UNDONE, None),
        (S.UNDOING, "50", None, S.APPLIED),
        (S.UNDOING, "60", S.APPLIED, None),
    ],
)
def test_what_a_killed_process_left_is_judged_by_the_settings_value(
    state: MitigationState, value: str, found: MitigationState | None, gave_up: MitigationState | None
) -> None:
    one = made(state=state)
    settled = judge_unsettled(one, value)
    assert (None if settled is None else settled.state) is found
    if gave_up is not None:
        assert give_up(one).state is gave_up


def test_a_mitigation_is_told_with_its_number_incident_and_values() -> None:
    told = describe_mitigation(made(incident="INC-7"))
    assert told == "mitigation 3 of INC-7 (reserved concurrency of cards: 25 -> 50)"
    proxy = Target("prod", Lever.PROXY, "", "namecard-prod-proxy")
    assert describe_change(proxy, "80/40", "90/40").startswith("proxy connections of namecard-prod-proxy: 80 % of")


def test_what_is_healthy_of_a_cluster_is_told() -> None:
    assert CLUSTER.trouble == ""
    sick = Cluster("c", "backing-up", (Member("b", False, "storage-full"),))
    assert sick.trouble == "c is backing-up; c has no writer; b is storage-full"
