"""The launch budgets: what `launch/budgets.json` says, and each problem of it with its line. Reality is `latency`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from namecard_release.domain.json_positions import Element, JsonArray, read_array
from namecard_release.domain.linting import Level

_TEXTS = ("service", "environment", "owner")
_AMOUNTS = ("monthlyBudgetUsd", "p95LatencyTargetMs")
_KEYS = frozenset((*_TEXTS, *_AMOUNTS))


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a launch document, at a 1-based line: an error fails the gate, a warning is shown."""

    file: str
    line: int
    level: Level
    message: str


@dataclass(frozen=True)
class Budget:
    """One service's budget in one environment; the money is USD a month, the target of the p95 is milliseconds."""

    service: str
    environment: str
    monthly_usd: float
    p95_target_ms: float
    owner: str
    line: int


@dataclass(frozen=True)
class Budgets:
    """The budgets that could be read and every problem of the file."""

    budgets: tuple[Budget, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Expected:
    """The services and environments that need budgets; `environments` gives each name in use its physical key."""

    services: tuple[str, ...]
    environments: Mapping[str, str]


def read_budgets(file: str, text: str, expected: Expected) -> Budgets:
    """Read the budgets (platform contract, "The repository"): entries, doubles, and services without one."""
    array = read_array(text)
    told: list[tuple[int, Level, str]] = []
    budgets = [budget for element in array.elements if (budget := _read(element, told)) is not None]
    if array.error:
        told.append((array.line, Level.ERROR, f"is not a JSON array from here on: {array.error}"))
    else:
        told += _compare(budgets, array, expected)
    told += _doubles(budgets)
    problems = [Problem(file, line, level, message) for line, level, message in sorted(told, key=lambda one: one[0])]
    return Budgets(tuple(budgets), tuple(problems))


def find_budget(budgets: Iterable[Budget], service: str, names: frozenset[str]) -> Budget | None:
    """Find a service's budget in the environment that has these names."""
    return next((one for one in budgets if one.service == service and one.environment in names), None)


def _read(element: Element, told: list[tuple[int, Level, str]]) -> Budget | None:
    value = element.value
    if not isinstance(value, dict):
        told.append((element.line, Level.ERROR, "an entry must be an object"))
        return None
    wrong = [f"{key} must be a text" for key in _TEXTS if not _is_text(value.get(key))]
    wrong += [f"{key} must be a number above 0" for key in _AMOUNTS if not _is_amount(value.get(key))]
    told += [(element.line_of(one.partition(" ")[0]), Level.ERROR, _tell(one, value)) for one in wrong]
    told += [(element.line_of(key), Level.ERROR, f"{key!r} is written twice") for key in element.doubled]
    unknown = sorted(set(value) - _KEYS)
    told += [(element.line_of(key), Level.WARNING, f"unknown key {key!r}") for key in unknown]
    if wrong:
        return None
    return Budget(
        service=str(value["service"]),
        environment=str(value["environment"]),
        monthly_usd=float(value["monthlyBudgetUsd"]),
        p95_target_ms=float(value["p95LatencyTargetMs"]),
        owner=str(value["owner"]),
        line=element.line,
    )


def _tell(wrong: str, value: Mapping[str, object]) -> str:
    key = wrong.partition(" ")[0]
    return f"{wrong}, not {_shown(value[key])}" if key in value else f"{key} is missing"


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str | float | int) and not isinstance(value, bool) else str(value)
    return text[:40]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_amount(value: object) -> bool:
    # In Python, and only there, true is a number; and json reads NaN, Infinity and 1e999.
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value)) and value > 0
    except OverflowError:
        return False


def _compare(budgets: Sequence[Budget], array: JsonArray, expected: Expected) -> list[tuple[int, Level, str]]:
    there = {budget.service for budget in budgets}
    told = [(array.line, Level.ERROR, f"no entry for the service {s}") for s in expected.services if s not in there]
    keys = dict.fromkeys(expected.environments.values())
    pairs = {(one.service, expected.environments.get(one.environment)) for one in budgets}
    told += [
        (array.line, Level.WARNING, f"no entry for {service} in {key}")
        for key in keys
        for service in expected.services
        if service in there and (service, key) not in pairs
    ]
    for one in budgets:
        if one.service not in expected.services:
            told.append((one.line, Level.WARNING, f"no such service: {one.service!r}"))
        if expected.environments and one.environment not in expected.environments:
            told.append((one.line, Level.WARNING, f"no such environment: {one.environment!r}"))
    return told


def _doubles(budgets: Sequence[Budget]) -> list[tuple[int, Level, str]]:
    first: dict[tuple[str, str], int] = {}
    told: list[tuple[int, Level, str]] = []
    for one in budgets:
        pair = (one.service, one.environment)
        if pair in first:
            told.append(
                (one.line, Level.ERROR, f"{one.service!r} in {one.environment!r} is on line {first[pair]} already")
            )
        first.setdefault(pair, one.line)
    return told
