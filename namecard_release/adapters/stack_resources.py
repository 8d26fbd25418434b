"""What CloudFormation lists as a stack's resources, and reading many things side by side. No judgement here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from namecard_release.adapters.aws_clients import THREADS, AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told, tells_absence

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef

T = TypeVar("T")
R = TypeVar("R")
_LEFT = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})


def list_resources(clients: AwsClients, stack: str) -> list[StackResourceSummaryTypeDef] | None:
    """List what a stack has now, None where there is no such stack. Raises TransientError or PermanentError."""
    from botocore.exceptions import ClientError

    with aws_errors_told(f"list the resources of the stack {stack}"):
        try:
            pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
            listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
        except ClientError as error:
            if tells_absence(error):
                return None
            raise
    return [resource for resource in listed if resource["ResourceStatus"] not in _LEFT]


def side_by_side(read: Callable[[T], R], items: Iterable[T], threads: int = THREADS) -> list[R]:
    """Read every item, in the order given, on a few threads; the first error of any is raised."""
    items = list(items)
    if len(items) < 2:
        return [read(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(threads, len(items))) as pool:
        # Each with a copy of the context: the time limit is in it.
        asked = [pool.submit(copy_context().run, read, item) for item in items]
        return [one.result() for one in asked]
