"""The judge's labelled set, and what must hold whatever the statements are."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from namecard_release.adapters.sql.reading import read_sql
from namecard_release.domain.compatibility import Catalogue, Compatibility, Safety, judge_changes
from namecard_release.domain.compatibility.rules import RULES, rule_on
from namecard_release.domain.compatibility.state import State
from namecard_release.domain.sql import Effect, SqlFile, Statement, Verb
from tests.judge_cases import awkward, columns, constraints, data, hostile, objects
from tests.judge_cases.case import BEFORE, Case

CASES = (*columns.CASES, *constraints.CASES, *objects.CASES, *data.CASES, *awkward.CASES, *hostile.CASES)


def read(texts: tuple[str, ...]) -> list[SqlFile]:
    return [read_sql(f"{number}.sql", text) for number, text in enumerate(texts, 1)]


def judge(case: Case) -> Compatibility:
    return judge_changes(read(case.files), BEFORE if case.knows else None)


def test_the_labelled_set_is_large_and_its_cases_differ() -> None:
    assert len(CASES) >= 100
    assert len({(case.files, case.knows) for case in CASES}) == len(CASES)
    assert all(sum(case.label is label for case in CASES) >= 30 for label in Safety)


def test_no_unsafe_case_is_called_safe_and_nearly_all_are_right() -> None:
    found = [(case, judge(case).safety) for case in CASES]
    counts = Counter(f"{case.label} called {safety}" for case, safety in found)
    right = sum(case.label is safety for case, safety in found)
    assert counts["UNSAFE called SAFE"] == 0 and counts["UNKNOWN called SAFE"] == 0, counts
    assert right >= 0.98 * len(CASES), counts


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_case_is_judged_as_labelled_for_the_reason_at_the_line(case: Case) -> None:
    verdict = judge(case)
    assert verdict.safety is case.label, verdict
    if case.label is Safety.SAFE:
        assert verdict.reasons == ()
    else:
        places = [(reason.rule, reason.file, reason.line) for reason in verdict.reasons]
        assert (case.rule, f"{case.file}.sql", case.line) in places, places
        assert all(len(reason.why) > 20 and "None" not in reason.why for reason in verdict.reasons), verdict


# --- what must hold whatever the statements are


@pytest.mark.parametrize("verb", Verb)
def test_every_verb_has_a_rule(verb: Verb) -> None:
    assert verb in RULES
    effect = Effect(verb, 7, "cards.Card", "what", "kind", ("what",))
    ruling = rule_on(effect, State())
    assert ruling.safety is Safety.SAFE or (ruling.rule and ruling.why)


def test_a_statement_that_does_nothing_known_is_unknown() -> None:
    verdict = judge_changes([SqlFile("f", (Statement(3, "mystery", ()),))])
    assert [(r.line, r.rule) for r in verdict.reasons] == [(3, "unknown-statement")]


SAFES = [case for case in CASES if case.label is Safety.SAFE and not case.knows]
UNSAFES = [case for case in CASES if case.label is Safety.UNSAFE and not case.knows and len(case.files) == 1]


@pytest.mark.parametrize("seed", range(40))
def test_one_unsafe_file_among_safe_ones_is_unsafe_in_any_order(seed: int) -> None:
    """The safe files are about other names than the unsafe one's, but for tables that are there already."""
    dice = random.Random(seed)
    bad = dice.choice([case for case in UNSAFES if "cards.tag" not in case.files[0] and '"a"' not in case.files[0]])
    harmless = [case for case in SAFES if not any("alter" in text for text in case.files)]
    files = [case.files for case in dice.sample(harmless, 6)]
    files.insert(dice.randrange(7), bad.files)
    assert judge_changes(read(tuple(text for group in files for text in group))).safety is Safety.UNSAFE, bad


@pytest.mark.parametrize("case", [case for case in CASES if case.label is not Safety.SAFE], ids=str)
def test_what_went_before_another_release_does_not_help(case: Case) -> None:
    """A verdict that is not SAFE stays so with statements after it, whatever they are."""
    after = ("create table cards.later (id integer); insert into cards.later values (1); drop table cards.later;",)
    verdict = judge_changes(read((*case.files, *after)), BEFORE if case.knows else None)
    assert verdict.safety is case.label


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_catalogue_never_makes_an_unsafe_case_of_a_safe_one_nor_is_needed_to_stay_careful(case: Case) -> None:
    """Knowing more may settle what is UNKNOWN; it turns no proven verdict into its opposite."""
    without, knowing = (judge_changes(read(case.files), known).safety for known in (None, BEFORE))
    assert (without, knowing) != (Safety.SAFE, Safety.UNSAFE)


@pytest.mark.parametrize("case", [case for case in CASES if case.knows and case.label is Safety.SAFE], ids=str)
def test_the_catalogue_after_the_files_proves_nothing_about_before(case: Case) -> None:
    """It has the files' own objects and lacks what they dropped; only what kind a type is stays as it was."""
    verdict = judge_changes(read(case.files), BEFORE, catalogue_is_after=True)
    settled = judge_changes(read(case.files)).safety is Safety.SAFE or "cards.state" in case.files[0]
    assert (verdict.safety is Safety.SAFE) is settled


TWO_SCHEMAS = Catalogue({"public.Card": BEFORE.tables["cards.Card"], **BEFORE.tables}, indexes=BEFORE.indexes)


@pytest.mark.parametrize(
    ("sql", "catalogue", "safety"),
    [
        # The file's search path may have meant the other schema's table.
        ('alter table cards."Card" alter "phone" type text', BEFORE, Safety.SAFE),
        ('alter table cards."Card" alter "phone" type text', TWO_SCHEMAS, Safety.UNSAFE),
        ('drop table if exists audit."Card"', BEFORE, Safety.UNSAFE),
        ('drop table if exists audit."Kard"', BEFORE, Safety.SAFE),
        ("drop schema if exists audit", BEFORE, Safety.SAFE),
        ("drop schema if exists cards", BEFORE, Safety.UNSAFE),
        ("drop function if exists cards.initials(uuid)", BEFORE, Safety.UNSAFE),
        ("drop function if exists cards.finals(text)", BEFORE, Safety.SAFE),
        ("drop extension if exists hstore", BEFORE, Safety.SAFE),
        ("drop type if exists cards.state", BEFORE, Safety.UNSAFE),
        ("drop type if exists cards.mood", BEFORE, Safety.SAFE),
        ("drop view if exists cards.recent", BEFORE, Safety.UNSAFE),
        ('alter table cards."Card" alter "state" set default \'done\'', BEFORE, Safety.SAFE),
        # An empty catalogue is that of an empty database.
        ("create table if not exists a.b (c int); alter table a.b drop column c", Catalogue({}), Safety.SAFE),
        ("drop table a.b", Catalogue({}), Safety.UNSAFE),
    ],
)
def test_what_a_catalogue_proves(sql: str, catalogue: Catalogue, safety: Safety) -> None:
    assert judge_changes(read((sql,)), catalogue).safety is safety
