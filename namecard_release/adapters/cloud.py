"""Stacks as CloudFormation tells them, and the port `Cloud` over them, alarms and functions. No judgement here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from namecard_release.adapters.alarm_history import read_history
from namecard_release.adapters.alarm_metrics import read_alarm_metrics
from namecard_release.adapters.alarm_names import AlarmNames
from namecard_release.adapters.assembly_reading import read_templates
from namecard_release.adapters.aws_clients import PATIENCE, AwsClients, AwsPatience
from namecard_release.adapters.aws_errors import aws_errors_told, tells_absence
from namecard_release.adapters.clock import utc_now
from namecard_release.adapters.cloudwatch import FoundAlarm, find_alarms, read_alarms
from namecard_release.adapters.lambdas import CodeReader
from namecard_release.adapters.latencies import find_functions, read_latencies
from namecard_release.adapters.stack_resources import list_resources, side_by_side
from namecard_release.adapters.templates import alias_names
from namecard_release.domain.alarm_gaps import Transition
from namecard_release.domain.alarms import AlarmReading, AlarmState
from namecard_release.domain.assembly import Assembly, FunctionCode
from namecard_release.domain.health import RunningFunction
from namecard_release.domain.latency import Latency
from namecard_release.domain.readiness import StackStatus
from namecard_release.domain.recovery import AlarmMetric

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef


class AwsCloud:
    """What AWS holds in one account and region; `env` as for AwsClients. Keeps the port `Cloud`.

    Every method raises TransientError for throttling, time-outs and connections, PermanentError for refusals.
    """

    def __init__(
        self,
        region: str,
        endpoint_url: str | None = None,
        env: Mapping[str, str] | None = None,
        patience: AwsPatience = PATIENCE,
    ) -> None:
        self._clients = AwsClients(region, endpoint_url, env, patience)
        self._codes = CodeReader(self._clients)
        self._names = AlarmNames(self._find_alarms, utc_now)

    def stack_statuses(self, stacks: Sequence[str]) -> tuple[StackStatus, ...]:
        """Read the stacks' statuses in the order given; None where there is no such stack."""
        found = side_by_side(self._describe, stacks)
        return tuple(
            StackStatus(name, stack["StackStatus"], stack.get("LastUpdatedTime", stack["CreationTime"]))
            if stack is not None
            else StackStatus(name, None)
            for name, stack in zip(stacks, found, strict=True)
        )

    def outputs(self, stacks: Sequence[str]) -> dict[str, str]:
        """Read all outputs of the stacks together; a stack that is not there has none."""
        found = [stack for stack in side_by_side(self._describe, stacks) if stack is not None]
        return {
            output["OutputKey"]: output["OutputValue"]
            for stack in found
            for output in stack.get("Outputs", [])
            if "OutputKey" in output and "OutputValue" in output
        }

    def alarms(self, stacks: Sequence[str], since: datetime | None = None) -> tuple[AlarmReading, ...]:
        """Read the states of the stacks' alarms, a hundred at a time once their names are known."""
        found = self._names.of(stacks, since)
        readings = read_alarms(self._clients.cloudwatch, found) if found else ()
        if any(reading.state is AlarmState.UNREAD for reading in readings):
            self._names.doubt(stacks)
        return readings

    def alarm_history(self, alarms: Sequence[AlarmReading], since: datetime) -> tuple[Transition, ...]:
        """Read the changes of state of these alarms from a moment on, oldest first."""
        return read_history(self._clients.cloudwatch, alarms, since)

    def alarm_metrics(
        self, alarms: Sequence[AlarmReading], since: datetime, until: datetime
    ) -> tuple[AlarmMetric, ...]:
        """Read the metrics that these alarms watch between two moments, by each one's own statistic and period."""
        return read_alarm_metrics(self._clients.cloudwatch, alarms, since, until)

    def forget_alarms(self) -> None:
        """Forget which alarms the stacks have."""
        self._names.forget()

    def functions(self, assembly: Assembly) -> tuple[RunningFunction, ...]:
        """Compare each function's code with the published one; what cannot be read is None with its reason."""
        stacks = sorted({code.stack for code in assembly.functions})
        listed = dict(zip(stacks, side_by_side(self._resources, stacks), strict=True))
        names = {
            (stack, resource["LogicalResourceId"]): resource.get("PhysicalResourceId", "")
            for stack, resources in listed.items()
            for resource in resources or ()
            if resource["ResourceType"] == "AWS::Lambda::Function"
        }

        # Which aliases serve is the assembly's word: one that somebody removed is missed, one that they added is not.
        templates = read_templates(Path(assembly.path), stacks) if assembly.path else {}
        aliases = {key: found for stack, body in templates.items() for key, found in alias_names(stack, body).items()}

        def compare(code: FunctionCode) -> RunningFunction:
            key = (code.stack, code.logical_id)
            return self._codes.compare(code, names.get(key), aliases.get(key, ()))

        return tuple(side_by_side(compare, assembly.functions))

    def latencies(self, stacks: Sequence[str], since: datetime, until: datetime) -> tuple[Latency, ...]:
        """Read how long each Lambda function of the stacks took between two moments."""
        listed = side_by_side(self._resources, stacks)
        functions = {id_: name for resources in listed for id_, name in find_functions(resources or ()).items()}
        return read_latencies(self._clients.cloudwatch, functions, since, until) if functions else ()

    def _find_alarms(self, stacks: Sequence[str]) -> list[tuple[FoundAlarm, ...]]:
        return [find_alarms(resources or ()) for resources in side_by_side(self._resources, stacks)]

    def _describe(self, stack: str) -> StackTypeDef | None:
        from botocore.exceptions import ClientError

        with aws_errors_told(f"describe the stack {stack}"):
            try:
                return self._clients.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            except ClientError as error:
                if tells_absence(error):
                    return None
                raise

    def _resources(self, stack: str) -> list[StackResourceSummaryTypeDef] | None:
        return list_resources(self._clients, stack)
