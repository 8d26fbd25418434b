"""The table of AWS operations is whole: what the source asks for is found in it, mechanically."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest

import namecard_release
from namecard_release.adapters.cloud import AwsCloud
from tests.faults.operations import CALLS

_ROOT = Path(namecard_release.__file__).parent
# The sandbox plays AWS; it is no part of the product.
_PRODUCT = [path for path in sorted(_ROOT.rglob("*.py")) if "sandbox" not in path.relative_to(_ROOT).parts]
_INDIRECT = frozenset({"get_paginator", "get_waiter", "can_paginate", "generate_presigned_url"})


@cache
def _services() -> frozenset[str]:
    """The services that clients are made of: every word in `_client("...")` or `client("...")`."""
    found = set()
    for path in _PRODUCT:
        for call in _calls(path.read_text(encoding="utf-8")):
            if call.func.attr in ("_client", "client", "resource") and call.args:  # type: ignore[attr-defined]
                word = call.args[0]
                if isinstance(word, ast.Constant) and isinstance(word.value, str):
                    found.add(word.value)
    return frozenset(found)


@cache
def _known() -> dict[str, frozenset[str]]:
    """The operations of those services by their Python names, and by their waiters'."""
    session = botocore.session.get_session()
    known: dict[str, set[str]] = {}
    for service in _services():
        model: Any = session.get_service_model(service)
        for operation in model.operation_names:
            known.setdefault(botocore.xform_name(operation), set()).add(f"{service}.{operation}")
        waiters: Any = session.get_waiter_model(service) if _has_waiters(session, service) else None
        for name in waiters.waiter_names if waiters else ():
            known.setdefault(botocore.xform_name(name), set()).add(f"{service}.{waiters.get_waiter(name).operation}")
    return {name: frozenset(operations) for name, operations in known.items()}


def _has_waiters(session: Any, service: str) -> bool:
    return service in session.get_component("data_loader").list_available_services("waiters-2")


def _calls(text: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node


def find_operations(text: str) -> set[frozenset[str]]:
    """Find the AWS operations in a Python text; each as the set of those that its name may mean."""
    named = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    for call in _calls(text):
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr in _INDIRECT and call.args and isinstance(call.args[0], ast.Constant):
            named.add(str(call.args[0].value))
    return {_known()[name] for name in named if name in _known()}


def test_every_operation_in_the_source_is_in_the_table() -> None:
    sources = [path.read_text(encoding="utf-8") for path in _PRODUCT]
    asked = {
        operation for text in sources if "boto" in text or "_clients" in text for operation in find_operations(text)
    }
    lost = [sorted(meanings) for meanings in asked if not meanings & CALLS.keys()]
    assert not lost, f"give each a call in tests/faults/operations.py and a line in docs/faults.md: {lost}"
    assert len(asked) == len(CALLS), "an operation of the table is asked for no more"


def test_every_operation_is_documented() -> None:
    told = (_ROOT.parent / "docs" / "faults.md").read_text(encoding="utf-8")
    assert [one for one in CALLS if f"`{one}`" not in told] == []


def test_no_client_is_made_past_the_bounded_ones() -> None:
    makers = [
        str(path.relative_to(_ROOT))
        for path in _PRODUCT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        and "boto3" in ast.unparse(node)
        and "mypy_" not in ast.unparse(node)
    ]
    assert makers == ["adapters/aws_clients.py", "adapters/aws_clients.py"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("self._clients.cloudformation.delete_stack(StackName=x)", {"cloudformation.DeleteStack"}),
        ("client.get_paginator('describe_alarms').paginate()", {"cloudwatch.DescribeAlarms"}),
        ("client.get_waiter('stack_exists').wait()", {"cloudformation.DescribeStacks"}),
        ("update = functions.update_alias", {"lambda.UpdateAlias"}),
        ("path.read_text()", set()),
    ],
)
def test_an_operation_is_found_however_it_is_asked_for(text: str, found: set[str]) -> None:
    assert {one for meanings in find_operations(text) for one in meanings} == found


def test_every_reading_of_the_cloud_takes_part() -> None:
    public = {name for name in vars(AwsCloud) if not name.startswith("_")} - {"forget_alarms", "outputs"}
    source = Path(__file__).with_name("operations.py").read_text(encoding="utf-8")
    assert [name for name in public if f"cloud.{name}(" not in source] == []
