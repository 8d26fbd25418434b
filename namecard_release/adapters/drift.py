"""CloudFormation's drift detection, and whether queue and dashboard are there. Comparing is the domain's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.drift import StackDrift, StackDriftStatus
from namecard_release.errors import ReleaseError

_POLL_SECONDS = 1.0
# CloudFormation says that a detection takes minutes for a large stack.
_DETECT_SECONDS = 300.0
_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_NO_DASHBOARD = ("ResourceNotFound", "DashboardNotFoundError", "ResourceNotFoundException")


class AwsDriftReader:
    """Reads one account and region. Keeps the port `DriftReader`."""

    def __init__(self, clients: AwsClients, wait: Callable[[float], object] = time.sleep) -> None:
        self._clients = clients
        self._wait = wait

    def queue_exists(self, name: str) -> bool:
        """Ask for the queue's URL."""
        with aws_errors_told(f"find the queue {name}"):
            return _exists(lambda: self._clients.sqs.get_queue_url(QueueName=name), _NO_QUEUE)

    def dashboard_exists(self, name: str) -> bool:
        """Ask for the dashboard."""
        with aws_errors_told(f"find the dashboard {name}"):
            return _exists(lambda: self._clients.cloudwatch.get_dashboard(DashboardName=name), _NO_DASHBOARD)

    def detect(self, stack: str) -> StackDrift:
        """Start a detection, wait until it has ended, and list what it found."""
        try:
            return self._detect(stack)
        except ReleaseError as error:
            return StackDrift(stack, StackDriftStatus.UNKNOWN, (), str(error))

    def _detect(self, stack: str) -> StackDrift:
        client = self._clients.cloudformation
        with aws_errors_told(f"detect the drift of the stack {stack}"):
            detection = client.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
            waited = 0.0
            while True:
                told: Any = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
                if told["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                    break
                if waited >= _DETECT_SECONDS:
                    why = f"CloudFormation still compares after {_DETECT_SECONDS:.0f} s"
                    return StackDrift(stack, StackDriftStatus.UNKNOWN, (), why)
                self._wait(_POLL_SECONDS)
                waited += _POLL_SECONDS
            if told["DetectionStatus"] != "DETECTION_COMPLETE":
                why = told.get("DetectionStatusReason", told["DetectionStatus"])
                return StackDrift(stack, StackDriftStatus.UNKNOWN, (), why)
            if told.get("StackDriftStatus") == "IN_SYNC":
                return StackDrift(stack, StackDriftStatus.IN_SYNC)
            return StackDrift(stack, StackDriftStatus.DRIFTED, self._drifted(stack))

    def _drifted(self, stack: str) -> tuple[str, ...]:
        ask: Any = self._clients.cloudformation.describe_stack_resource_drifts
        found: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = ask(StackName=stack, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], **token)
            found += [_tell(drift) for drift in page["StackResourceDrifts"]]
            if not page.get("NextToken"):
                return tuple(found)
            token = {"NextToken": page["NextToken"]}


def _tell(drift: dict[str, Any]) -> str:
    # Values may be secrets: paths alone are told.
    paths = ", ".join(sorted(one["PropertyPath"] for one in drift.get("PropertyDifferences", [])))
    status = str(drift["StackResourceDriftStatus"]).lower()
    return f"{drift['LogicalResourceId']} {status}{f' at {paths}' if paths else ''}"


def _exists(ask: Callable[[], object], absent: tuple[str, ...]) -> bool:
    from botocore.exceptions import ClientError

    try:
        ask()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in absent:
            return False
        raise
    return True
