"""A plain Dagster sensor on alarms, all settings Dagster's defaults: what `alarm_latency` compares with."""

from collections.abc import Iterator

import dagster as dg


@dg.op
def go_back() -> None:
    """Do nothing: what counts is when it begins."""


@dg.job
def bare_rollback_job() -> None:
    """Stand for a rollback."""
    go_back()


@dg.sensor(job=bare_rollback_job, default_status=dg.DefaultSensorStatus.RUNNING)
def bare_alarm_sensor() -> Iterator[dg.RunRequest]:
    """Launch a run for each alarm that fires, once."""
    import boto3

    pages = boto3.client("cloudwatch").get_paginator("describe_alarms").paginate(StateValue="ALARM")
    for page in pages:
        for alarm in page["MetricAlarms"]:
            since = alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
            yield dg.RunRequest(f"{alarm['AlarmName']} {since}", tags={"alarm": alarm["AlarmName"]})


defs = dg.Definitions(jobs=[bare_rollback_job], sensors=[bare_alarm_sensor])
