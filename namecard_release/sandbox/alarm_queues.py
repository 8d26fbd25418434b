"""The way that alarms are pushed in the sandbox: topic, queues and subscription of each environment.

They are made by what makes them on AWS. The alarms themselves are wired by `alarms wire`, once a deploy has made them.
"""

from __future__ import annotations

from collections.abc import Sequence

from namecard_release.adapters.alarm_wiring import AlarmWiring
from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.channel_settings import Wiring
from namecard_release.domain.wiring import plan_wiring
from namecard_release.sandbox.emulator_process import ACCOUNT, REGION, client_environment

_NAMES = Wiring()


def queue_name(key: str) -> str:
    """Name the queue to which an environment's alarms are pushed."""
    return _NAMES.queue.replace("{key}", key)


def ensure_alarm_queues(endpoint: str, port: int, keys: Sequence[str]) -> None:
    """Make what is not there. Raises TransientError or PermanentError."""
    wiring = AlarmWiring(AwsClients(REGION, endpoint, client_environment(port)), ACCOUNT, ())
    for key in keys:
        topic, dead_letters = (name.replace("{key}", key) for name in (_NAMES.topic, _NAMES.dead_letters))
        wanted = wiring.want(topic, queue_name(key), dead_letters, None)
        for change in plan_wiring(wiring.read(wanted), wanted):
            wiring.apply(change, wanted)
