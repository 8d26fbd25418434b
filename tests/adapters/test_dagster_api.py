"""Dagster's answers that a healthy server does not give: dead runs, foreign servers, odd words."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from namecard_release.adapters.dagster_api import DagsterApi
from namecard_release.errors import PermanentError, ReleaseError, TransientError
from tests.adapters.conftest import Site


class Runs:
    """The part of Dagster that stops a run: statuses are told in turn, policies answered by type name."""

    def __init__(self, statuses: list[str], answers: dict[str, str]) -> None:
        self.statuses, self.answers = statuses, answers
        self.asked: list[str] = []

    def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        assert (method, path) == ("POST", "/graphql")
        variables: dict[str, Any] = json.loads(body)["variables"]
        if "policy" not in variables:
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            return reply({"runOrError": {"__typename": "Run", "status": status}})
        self.asked.append(variables["policy"])
        return reply({"terminateRun": {"__typename": self.answers[variables["policy"]], "message": "told\nmore"}})


def reply(data: object) -> tuple[int, bytes]:
    return 200, json.dumps({"data": data}).encode()


SAFE, MARK = "SAFE_TERMINATE", "MARK_AS_CANCELED_IMMEDIATELY"
DONE, NOT = "TerminateRunSuccess", "TerminateRunFailure"


@pytest.mark.parametrize(
    ("statuses", "answers", "asked"),
    [
        (["SUCCESS"], {}, []),
        (["FAILURE"], {}, []),
        (["STARTED"], {SAFE: DONE}, [SAFE]),
        (["STARTED"], {SAFE: NOT, MARK: DONE}, [SAFE, MARK]),
        (["STARTED", "SUCCESS"], {SAFE: NOT}, [SAFE]),
    ],
)
def test_a_run_is_marked_only_if_nobody_stops_it(
    http: Site, statuses: list[str], answers: dict[str, str], asked: list[str]
) -> None:
    runs = Runs(statuses, answers)
    http.serve(runs)
    DagsterApi(http.url).terminate("r")
    assert runs.asked == asked


@pytest.mark.parametrize("answers", [{SAFE: "PythonError"}, {SAFE: NOT, MARK: NOT}, {SAFE: "UnauthorizedError"}])
def test_a_run_that_cannot_be_stopped_is_told(http: Site, answers: dict[str, str]) -> None:
    http.serve(Runs(["STARTED"], answers))
    with pytest.raises(PermanentError, match=r"could not stop the run r: (told|look at it in the UI)$"):
        DagsterApi(http.url).terminate("r")


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (200, b"<html>", PermanentError, "something else than JSON"),
        (200, b"[]", PermanentError, "something else than JSON"),
        (200, b'{"data": {}}', PermanentError, "unknown shape"),
        (200, b'{"data": null, "errors": [{"message": "\\n one\\ntwo"}]}', PermanentError, "refuses: one$"),
        (404, b"", PermanentError, "answers 404: is this Dagster's address"),
        (503, b"", TransientError, "answers 503"),
    ],
)
def test_a_foreign_answer_is_told(http: Site, status: int, body: bytes, kind: type[ReleaseError], words: str) -> None:
    http.serve(lambda method, path, sent: (status, body))
    with pytest.raises(kind, match=words):
        DagsterApi(http.url).run_status("r")


@pytest.mark.parametrize("ask", ["add_release", "launch"])
def test_nothing_loaded_is_told_with_the_cause(http: Site, ask: str) -> None:
    error = {"message": "Error loading x", "errorChain": [{"error": {"message": "KeyError: 'y'\n\nstack"}}]}
    failed = {"__typename": "PythonError", **error}
    entry = {"name": "here", "loadStatus": "LOADED", "locationOrLoadError": failed}

    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if b"repositoriesOrError" in body:
            return reply({"repositoriesOrError": {"__typename": "RepositoryConnection", "nodes": []}})
        return reply({"workspaceOrError": {"__typename": "Workspace", "locationEntries": [entry]}})

    http.serve(answer)
    api = DagsterApi(http.url)
    with pytest.raises(PermanentError, match=r"here: KeyError: 'y'$"):
        api.add_release("a") if ask == "add_release" else api.launch("job", {}, {})


def test_the_adapters_load_nothing_heavy() -> None:
    modules = "cloud, dagster_api, probes, target_database, trial"
    heavy = "'boto3', 'botocore', 'psycopg2', 'dagster', 'sqlalchemy', 'urllib.request', 'http.client'"
    code = f"import sys; from namecard_release.adapters import {modules}; print(sorted({{{heavy}}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
