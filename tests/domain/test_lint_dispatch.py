"""Which rules an effect is shown to: none is left out that has something to say on it."""

from __future__ import annotations

from itertools import product

import pytest

from namecard_release.domain.lint_rules.made import Made
from namecard_release.domain.lint_rules.objects import find_hidden
from namecard_release.domain.lint_rules.rule import Hit
from namecard_release.domain.lint_rules.transactions import find_streams
from namecard_release.domain.linting import RULES_BY_VERBS, Rule, find_broken
from namecard_release.domain.sql import Effect, Trait, Verb

_EVERY = (*(rule for rule, _ in RULES_BY_VERBS), lambda effect, _: find_streams(effect), find_hidden)
_NAMES = (
    *("", "x", "begin", "commit prepared", "vacuum", "reindex", "cluster", "discard all", "copy program or file"),
    *("setval", "dblink_exec", "pg_advisory_unlock", "Createdb", "AlterRole"),
)
_KINDS = ("", "table", "type", "view", "column", "tablespace", "every table", "slot", "refresh", "schema")
_TRAITS: tuple[tuple[Trait, ...], ...] = (
    *((), (Trait.NESTED,), (Trait.STDIN,), (Trait.CONCURRENT,), (Trait.UNIQUE,), (Trait.NOT_NULL,)),
    *((Trait.TEMPORARY,), (Trait.NESTED, Trait.READABLE), (Trait.UNIQUE, Trait.DEFAULT)),
)


def _all(effect: Effect, made: Made) -> set[Hit]:
    return {hit for rule in _EVERY for hit in rule(effect, made)}


@pytest.mark.parametrize("verb", Verb)
def test_every_rule_that_has_something_to_say_is_asked(verb: Verb) -> None:
    for name, kind, traits in product(_NAMES, _KINDS, _TRAITS):
        columns = (name,) if name else ()
        effect = Effect(verb, 1, "public.t", name, kind, columns, frozenset(traits))
        for made in (Made(), Made(tables={"public.t"}), Made(routines={"setval", "x"})):
            assert set(find_broken(effect, made)) == _all(effect, made), effect


@pytest.mark.parametrize("rule", _EVERY)
def test_each_rule_speaks_on_some_effect_of_the_comparison(rule: Rule) -> None:
    facts = product(Verb, _NAMES, _KINDS, _TRAITS)
    effects = (Effect(verb, 1, "public.t", name, kind, (), frozenset(traits)) for verb, name, kind, traits in facts)
    assert any(hit for effect in effects for hit in rule(effect, Made()))
