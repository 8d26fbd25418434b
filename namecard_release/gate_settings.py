"""The base of every section of the settings, the words that commands are made of, and the gates' own section.

The file as a whole, and the other sections, do not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from namecard_release.domain.evidence import Policy

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


def _check_name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError("a name is lower-case letters, digits and _, at most 31")
    return text


def _check_argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv or not all(argv):
        raise ValueError("a command is a list of non-empty words, the program first")
    return argv


Name = Annotated[str, AfterValidator(_check_name)]
Argv = Annotated[tuple[str, ...], AfterValidator(_check_argv)]


class Model(BaseModel):
    """Base of every section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Command(Model):
    """A command of the platform: words (never a shell line), extra environment, time limit in seconds."""

    argv: Argv
    env: Mapping[str, str] = {}
    timeout_seconds: float = Field(default=900, gt=0)


class GatePhase(Command):
    """One named part of a gate."""

    name: Name


def _phase(name: str, *argv: str) -> GatePhase:
    return GatePhase(name=name, argv=argv)


class GatePolicy(Model):
    """How long a gate's result stands, whether it is re-used at all, and whether it may be waived.

    None: the gate's own default.
    """

    max_age_seconds: float | None = Field(default=None, gt=0)
    reuse: bool | None = None
    waivable: bool | None = None


_DAY = 86_400.0
_POLICIES: Mapping[str, Policy] = {
    "quality": Policy(7 * _DAY),
    "launch_readiness": Policy(_DAY),
    # Runbook section 6: per release, before promotion.
    "synthetic_monitor": Policy(_DAY),
    "migration_lint": Policy(7 * _DAY, waivable=False),
    "migration_plan": Policy(15 * 60, waivable=False),
    # Kept by its content: what it was built from does not age.
    "assembly": Policy(None, waivable=False),
}
_OTHER_GATE = Policy(_DAY)


class Gates(Model):
    """The commands of each gate; the defaults are the platform's scripts, `quality` split into its four phases.

    In `api_scenarios`, which run after a deploy where the environment asks for them, {base_url} is the public address.
    `policy` says by gate how long a result stands, `longest_waiver_seconds` how long a waiver may last.
    """

    quality: tuple[GatePhase, ...] = (
        _phase("lint", "pnpm", "run", "lint:all"),
        _phase("type_check", "pnpm", "run", "type-check:all"),
        _phase("test", "pnpm", "run", "test:core"),
        _phase("build", "pnpm", "run", "build:core"),
    )
    launch_readiness: tuple[GatePhase, ...] = (_phase("launch_verify", "pnpm", "run", "launch:verify"),)
    synthetic_monitor: tuple[GatePhase, ...] = (_phase("monitor", "pnpm", "exec", "node", "test_monitoring.js"),)
    migration_lint: tuple[GatePhase, ...] = (_phase("lint_migrations", "pnpm", "run", "lint:migrations"),)
    api_scenarios: tuple[GatePhase, ...] = (
        _phase("scenarios", "pnpm", "run", "test:e2e:api:staging", "--", "--base-url", "{base_url}"),
    )
    policy: Mapping[Name, GatePolicy] = {}
    longest_waiver_seconds: float = Field(default=7 * _DAY, gt=0)

    @model_validator(mode="after")
    def _known_gates(self) -> Self:
        known = sorted({*_POLICIES, *type(self).model_fields} - {"policy", "longest_waiver_seconds"})
        unknown = sorted(set(self.policy) - set(known))
        if unknown:
            raise ValueError(f"policy: no such gate: {', '.join(unknown)}; there are {', '.join(known)}")
        return self

    def policy_of(self, gate: str) -> Policy:
        """Give a gate's policy, the file's over the gate's own default."""
        default, own = _POLICIES.get(gate, _OTHER_GATE), self.policy.get(gate, GatePolicy())
        return replace(default, **{key: value for key, value in own.model_dump().items() if value is not None})
