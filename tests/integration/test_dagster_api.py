"""DagsterApi against a real web server with a tiny code location."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from namecard_release.adapters.dagster_api import DagsterApi
from namecard_release.errors import PermanentError, TransientError
from namecard_release.sandbox import processes
from namecard_release.sandbox.processes import Launch, ProcessRecord

DEFINITIONS = """
import time
from pathlib import Path
import dagster as dg

@dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name="releases"))
def source(context: dg.AssetExecutionContext) -> None:
    context.log.info(context.partition_key)

@dg.op(config_schema={"gate": str})
def wait(context: dg.OpExecutionContext) -> None:
    while not Path(context.op_config["gate"]).exists():
        time.sleep(0.05)

@dg.job
def waiting_job():
    wait()

@dg.op
def fail():
    raise RuntimeError("on purpose")

@dg.job
def failing_job():
    fail()

defs = dg.Definitions(
    assets=[source], jobs=[dg.define_asset_job("source_job", [source]), waiting_job, failing_job]
)
"""
# Runs start in processes of their own, as with the real thing.
INSTANCE = """
run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}
run_retries: {enabled: true, max_retries: 0}
telemetry: {enabled: false}
"""
ENDS = ("SUCCESS", "FAILURE", "CANCELED")


@dataclass(frozen=True)
class Web:
    """A running web server, its process and its folder."""

    url: str
    folder: Path
    entry: ProcessRecord


def until(ready: Callable[[], bool], what: str) -> None:
    """Poll until it holds, for 20 seconds at most."""
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("dagster")
    (folder / "tiny.py").write_text(textwrap.dedent(DEFINITIONS))
    (folder / "broken.py").write_text("raise RuntimeError('broken on purpose')\n")
    (folder / "dagster.yaml").write_text(INSTANCE)
    port = processes.free_port()
    argv = [sys.executable, "-m", "dagster_webserver", "--host", "127.0.0.1", "--port", str(port)]
    argv += ["-f", str(folder / "tiny.py"), "-f", str(folder / "broken.py")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DAGSTER_HOME": str(folder)}
    entry = processes.start(Launch(argv, environment, folder / "log", folder))
    url = f"http://127.0.0.1:{port}"
    processes.wait_until(lambda: processes.answers(f"{url}/server_info"), "Dagster", 60, entry, folder / "log")
    yield Web(url, folder, entry)
    # Its own shutdown waits several seconds for its code servers, and nothing here is to be kept.
    processes.kill(entry)


@pytest.fixture
def api(web: Web) -> DagsterApi:
    return DagsterApi(web.url)


def test_tells_what_is_loaded_and_why_not(api: DagsterApi) -> None:
    states = {state.name: state for state in api.loaded()}
    assert {name: state.is_loaded for name, state in states.items()} == {"tiny.py": True, "broken.py": False}
    assert "broken on purpose" in states["broken.py"].error and "\n" not in states["broken.py"].error


def test_a_release_is_added_once_and_its_job_runs_for_it(api: DagsterApi) -> None:
    sha = "a" * 40
    api.add_release(sha)
    api.add_release(sha)
    before = datetime.now(UTC)
    run = api.launch("source_job", {"dagster/partition": sha, "who": "a test"}, {})
    until(lambda: api.run_status(run) in ENDS, "the end of the run")
    assert api.run_status(run) == "SUCCESS"
    (step,) = api.run_steps(run)
    assert (step.key, step.status) == ("source", "SUCCESS")
    assert step.started and step.ended and before < step.started <= step.ended
    api.terminate(run)
    assert api.run_status(run) == "SUCCESS"


def test_a_run_is_stopped(api: DagsterApi, web: Web) -> None:
    run = api.launch("waiting_job", {}, {"ops": {"wait": {"config": {"gate": str(web.folder / "never")}}}})
    until(lambda: bool(api.run_steps(run)), "the first step")
    (step,) = api.run_steps(run)
    assert step.status == "IN_PROGRESS" and step.started and step.ended is None
    api.terminate(run)
    until(lambda: api.run_status(run) in ENDS, "the end of the run")
    assert api.run_status(run) == "CANCELED"


@pytest.mark.parametrize("retried", [True, False])
def test_a_run_that_dagster_runs_again_is_known(api: DagsterApi, retried: bool) -> None:
    run = api.launch("failing_job", {"dagster/max_retries": "1"} if retried else {}, {})
    until(lambda: api.run_status(run) in ENDS, "the end of the run")
    assert api.run_status(run) == "FAILURE"
    assert api.will_be_retried(run) is retried


REFUSALS: list[tuple[Callable[[DagsterApi], object], str]] = [
    (
        lambda api: api.launch("no_such_job", {}, {}),
        "no job no_such_job: it has failing_job, source_job, waiting_job$",
    ),
    (lambda api: api.launch("waiting_job", {}, {"ops": {"wait": {"config": {}}}}), 'could not launch .* "gate"'),
    (lambda api: api.run_status("no-such-run"), "could not tell of the run no-such-run: .*no-such-run"),
    (lambda api: api.will_be_retried("no-such-run"), "could not tell of the run"),
    (lambda api: api.run_steps("no-such-run"), "could not tell of the run"),
    (lambda api: api.terminate("no-such-run"), "could not tell of the run"),
]


@pytest.mark.parametrize(("ask", "words"), REFUSALS)
def test_a_refusal_is_permanent_and_one_line(api: DagsterApi, ask: Callable[[DagsterApi], object], words: str) -> None:
    with pytest.raises(PermanentError, match=words) as caught:
        ask(api)
    assert "\n" not in str(caught.value)


def test_nobody_there_is_transient_and_says_how_to_start() -> None:
    with pytest.raises(TransientError, match=r"does not answer .* start it with 'namecard-release sandbox up'"):
        DagsterApi(f"http://127.0.0.1:{processes.free_port()}").run_status("x")
