"""Settings of an environment's alarms beyond their rules; they are a part of `settings.Environment`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

from pydantic import Field

from namecard_release.domain.alarms import AlarmAction
from namecard_release.domain.post_bake import PostBakePolicy
from namecard_release.gate_settings import Model

_CONSTRUCT = re.compile(r"[A-Z][A-Za-z0-9]*")


class PostBake(Model):
    """How long the watch goes on after the bake (0: not at all), and what a sustained new breach asks for then."""

    hours: float = Field(default=4, ge=0)
    action: Literal["page", "roll_back"] = "page"

    def policy(self) -> PostBakePolicy:
        """Give the policy."""
        return PostBakePolicy(timedelta(hours=self.hours), AlarmAction(self.action))


def names_an_alarm(key: str) -> bool:
    """Tell whether the key of an alarm's rule is the id of one alarm in the stack, which begins with a capital."""
    return _CONSTRUCT.fullmatch(key) is not None
