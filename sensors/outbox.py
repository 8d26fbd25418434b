"""The outbox sensor: what waits for people is sent, each channel on its own."""

import time

import dagster as dg

from namecard_release.workflow.delivering import Delivered, Post, deliver
from namecard_release.workflow.pipeline import Pipeline

# A tick must end well before Dagster gives it up (60 s), also when its last try runs into a time-out (20 s).
_ROUND_SECONDS = 25.0


@dg.sensor(
    name="outbox_sensor",
    minimum_interval_seconds=3,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends what waits in the outbox to PagerDuty, Slack and Notion: in order, once, however often tried.",
)
def outbox_sensor(pipeline: dg.ResourceParam[Pipeline]) -> dg.SkipReason:
    """Send for one round and say in one line what was done."""
    end = time.monotonic() + _ROUND_SECONDS
    post = Post(pipeline.outbox, pipeline.senders, pipeline.clock.now, lambda: time.monotonic() > end)
    return dg.SkipReason("; ".join(map(_describe, deliver(post))))


def _describe(done: Delivered) -> str:
    counts = {"sent": done.sent, "merged": done.merged, "refused": done.refused, "failed": done.failed}
    told = [f"{count} {name}" for name, count in counts.items() if count] + ([done.why] if done.why else [])
    return f"{done.channel}: {', '.join(told) or 'nothing waits'}"
