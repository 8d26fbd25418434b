"""The `[playbooks]` section of the settings: bounds of mitigations, feature flags, names of cluster and proxy.

What a playbook suggests, and what a bound means, are the domain's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from namecard_release.domain.mitigation_bounds import LEAST_UNRESERVED, Bounds, Flag
from namecard_release.gate_settings import Model, Name


class FlagSettings(Model):
    """A feature flag: an environment variable of a service's function, and its values on and off.

    `degrades` says what optional thing it switches off; without it the flag is a fallback. Only these two values are
    ever printed: whatever else the variable holds is left alone and not shown.
    """

    service: Name
    variable: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,100}$")
    on: str = Field(default="on", min_length=1, max_length=200)
    off: str = Field(default="off", min_length=1, max_length=200)
    degrades: str = ""

    @model_validator(mode="after")
    def _two_values(self) -> Self:
        if self.on == self.off:
            raise ValueError("on and off must differ")
        return self


class PlaybookSettings(Model):
    """Bounds and names; `{key}` in a name is the environment's physical key.

    A reservation changes at most `most_factor` times in one step and stays at `least_concurrency` or more; so many of
    the account's executions stay unreserved; the proxy takes between `least_percent` and `most_percent`.
    """

    flags: Mapping[Name, FlagSettings] = {}
    least_concurrency: int = Field(default=1, ge=1)
    most_factor: float = Field(default=4.0, gt=1)
    least_unreserved: int = Field(default=LEAST_UNRESERVED, ge=LEAST_UNRESERVED)
    least_percent: int = Field(default=10, ge=1, le=100)
    most_percent: int = Field(default=100, ge=1, le=100)
    cluster: str = Field(default="namecard-{key}-aurora", min_length=1)
    proxy: str = Field(default="namecard-{key}-proxy", min_length=1)

    @model_validator(mode="after")
    def _percents_in_order(self) -> Self:
        if self.least_percent > self.most_percent:
            raise ValueError("least_percent is above most_percent")
        return self

    def bounds(self) -> Bounds:
        """Give the bounds."""
        return Bounds(
            self.least_concurrency, self.most_factor, self.least_unreserved, self.least_percent, self.most_percent
        )

    def declared_flags(self) -> tuple[Flag, ...]:
        """Give the flags in the order of the file."""
        return tuple(
            Flag(name, one.service, one.variable, one.on, one.off, one.degrades) for name, one in self.flags.items()
        )
