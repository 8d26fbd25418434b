"""A run killed in the middle of its deploy, resumed by a person in the UI.

That Dagster resumes one by itself, as long as it has tries left, is played by the crash matrix.
"""

from __future__ import annotations

import os
import re
import signal

import psutil
import pytest
from playwright.sync_api import expect

from namecard_release.composition import build_control, build_pipeline
from namecard_release.sandbox.dagster_process import query
from namecard_release.settings import load_settings
from tests.journeys.browser import open_page
from tests.journeys.conftest import Sandbox, ended, newest, wait_for

pytestmark = pytest.mark.journey
ENVIRONMENT = "prod"
_EVENTS = """{ runOrError(runId: "%s") { ... on Run {
  eventConnection { events { ... on MessageEvent { message } } } } } }"""
_PID = re.compile(r"Started process for run \(pid: (\d+)\)")
STACKS = ("NameCardDb-prod", "NameCardApi-prod")


def test_a_run_killed_while_it_deploys_is_resumed_without_a_second_deploy(sandbox: Sandbox) -> None:
    release = sandbox.state.releases["B"]
    _make_healthy_in_staging(sandbox, release)
    _launch_without_retries(sandbox, release)
    deploying = wait_for(lambda: _in_phase(sandbox, "DEPLOYING"), 120)
    _kill_run(sandbox, deploying["run_id"])
    failed = wait_for(lambda: _in_phase(sandbox, "FAILED"), 60)
    assert failed["id"] == deploying["id"]
    assert _tools_left(sandbox) == []
    _resume_in_the_ui(sandbox, deploying["run_id"])
    done = wait_for(lambda: ended(sandbox, ENVIRONMENT), 150)
    assert (done["id"], done["phase"], done["verified"]) == (deploying["id"], "SUCCEEDED", True)
    assert done["run_id"] != deploying["run_id"]
    _expect_one_deploy_each(sandbox)


def _make_healthy_in_staging(sandbox: Sandbox, release: str) -> None:
    if sandbox.read("status")["environments"]["staging"]["release"] != release:
        done = sandbox.call("promote", "--env", "staging", "--commit", release, "--wait")
        assert done.returncode == 0, done.stderr


def _launch_without_retries(sandbox: Sandbox, release: str) -> None:
    """Launch as a person does who wants to see a failure before anything goes on: with the tag that forbids it."""
    control = build_control(load_settings(sandbox.state.settings_file))
    control.add_release(release)
    tags = {"dagster/partition": release, "dagster/max_retries": "0", "namecard/actor": "a person"}
    control.launch(f"promote_{ENVIRONMENT}_job", tags, {})


def _in_phase(sandbox: Sandbox, phase: str) -> dict[str, str] | None:
    found = newest(sandbox, ENVIRONMENT)
    return found if found is not None and found["phase"] == phase else None


def _kill_run(sandbox: Sandbox, run_id: str) -> None:
    """Kill the run's own process, not its steps: they have to notice by themselves."""
    told = query(sandbox.state.ui_url or "", _EVENTS % run_id)["runOrError"]["eventConnection"]["events"]
    (pid,) = [found[1] for event in told if (found := _PID.search(event.get("message") or ""))]
    os.kill(int(pid), signal.SIGKILL)


def _tools_left(sandbox: Sandbox) -> list[str]:
    lines = (" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"]))
    return [line for line in lines if "aws-cdk/bin/cdk" in line and " deploy " in line]


def _resume_in_the_ui(sandbox: Sandbox, run_id: str) -> None:
    with open_page() as page:
        page.set_default_timeout(60_000)
        page.goto(f"{sandbox.state.ui_url}/runs/{run_id}")
        button = page.get_by_role("button", name=re.compile("Re-execute")).first
        expect(button).to_be_visible()
        if "failure" not in button.inner_text():
            button.locator("xpath=following::button[1]").click()
            button = page.get_by_text("From failure").first
        button.click()
        resumed = wait_for(lambda: _other_run(sandbox, run_id), 60)
        page.goto(f"{sandbox.state.ui_url}/runs/{resumed}")
        expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=120_000)


def _other_run(sandbox: Sandbox, run_id: str) -> str | None:
    found = newest(sandbox, ENVIRONMENT)
    return found["run_id"] if found is not None and found["run_id"] != run_id else None


def _expect_one_deploy_each(sandbox: Sandbox) -> None:
    import boto3

    settings = load_settings(sandbox.state.settings_file)
    aws = settings.aws
    client = boto3.client(
        "cloudformation",
        region_name="ap-southeast-1",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=aws.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=aws.env["AWS_SECRET_ACCESS_KEY"],
    )
    for stack in STACKS:
        events = client.describe_stack_events(StackName=stack)["StackEvents"]
        own = [e["ResourceStatus"] for e in events if e["LogicalResourceId"] == stack]
        assert [status for status in own if status.endswith("_COMPLETE")] == ["CREATE_COMPLETE"], (stack, own)
    applied = [row.name for row in build_pipeline(settings).site(ENVIRONMENT).target.rows()]
    assert len(applied) == len(set(applied)) > 0
