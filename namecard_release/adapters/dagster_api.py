"""The running Dagster over its GraphQL API; no dagster import, for the CLI waits for this module.

What is launched and why does not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from namecard_release.adapters import dagster_queries as queries
from namecard_release.adapters.graphql import GraphQl, first_line
from namecard_release.errors import PermanentError

_PARTITIONS = "releases"
_REPOSITORY = "__repository__"
_SECONDS = 30.0
_WILL_RETRY_TAG = "dagster/will_retry"
_ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})


@dataclass(frozen=True)
class LocationState:
    """A code location: its name, and why it is not loaded, empty when it is."""

    name: str
    error: str = ""

    @property
    def is_loaded(self) -> bool:
        """Whether its definitions are there to be launched."""
        return not self.error


@dataclass(frozen=True)
class RunStep:
    """A step of a run: its key, its status in Dagster's words, its start and end (UTC), None where not reached."""

    key: str
    status: str
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True)
class _Repository:
    """A loaded repository, how the API selects it, and its jobs."""

    name: str
    location: str
    jobs: tuple[str, ...]

    def selector(self) -> dict[str, str]:
        return {"repositoryName": self.name, "repositoryLocationName": self.location}


class DagsterApi:
    """The Dagster whose web server is at `url`. Keeps the port `PipelineControl`.

    Every method raises TransientError when Dagster does not answer and PermanentError when it refuses.
    """

    def __init__(self, url: str, timeout_seconds: float = _SECONDS) -> None:
        self._api = GraphQl(url, timeout_seconds)

    def add_release(self, sha: str) -> None:
        """Add a partition to `releases`; one that is there stays as it is."""
        repository = next((r for r in self._repositories() if r.name == _REPOSITORY), None)
        if repository is None:
            raise PermanentError(f"Dagster at {self._api.url} has no definitions loaded: {self._load_errors()}")
        variables = {"selector": repository.selector(), "definition": _PARTITIONS, "key": sha}
        answer = self._api.ask(queries.ADD_PARTITION, variables)
        if answer["__typename"] not in ("AddDynamicPartitionSuccess", "DuplicateDynamicPartitionError"):
            raise self._refusal(f"add the release {sha}", answer)

    def launch(self, job: str, tags: Mapping[str, str], run_config: Mapping[str, object]) -> str:
        """Launch a run of a job and give its id; a job of assets takes its partition from the tag dagster/partition."""
        params = {
            "selector": {"jobName": job, **self._repository_of(job).selector()},
            "runConfigData": dict(run_config),
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        answer = self._api.ask(queries.LAUNCH, {"params": params})
        if answer["__typename"] != "LaunchRunSuccess":
            raise self._refusal(f"launch {job}", answer)
        return str(answer["run"]["runId"])

    def run_status(self, run_id: str) -> str:
        """Give a run's status: QUEUED, NOT_STARTED, STARTING, STARTED, SUCCESS, FAILURE, CANCELING, CANCELED."""
        return str(self._run(queries.STATUS, run_id)["status"])

    def will_be_retried(self, run_id: str) -> bool:
        """Tell whether a run failed and is run again by Dagster itself, as the instance notes it with the failure."""
        tags = self._run(queries.TAGS, run_id)["tags"]
        return {"key": _WILL_RETRY_TAG, "value": "true"} in tags

    def run_steps(self, run_id: str) -> tuple[RunStep, ...]:
        """Give the steps that a run has reached, in the order they started."""
        told = self._run(queries.STEPS, run_id)["stepStats"]
        steps = [RunStep(s["stepKey"], s["status"] or "", _moment(s["startTime"]), _moment(s["endTime"])) for s in told]
        latest = datetime.max.replace(tzinfo=UTC)
        return tuple(sorted(steps, key=lambda step: step.started or latest))

    def terminate(self, run_id: str) -> None:
        """Stop a run; one that has ended stays as it is, one that nobody runs any more is marked as cancelled."""
        if self.run_status(run_id) in _ENDED or self._terminate(run_id, "SAFE_TERMINATE"):
            return
        # It may have ended while it was asked to stop: then its own end stands.
        if self.run_status(run_id) not in _ENDED and not self._terminate(run_id, "MARK_AS_CANCELED_IMMEDIATELY"):
            raise PermanentError(f"Dagster at {self._api.url} could not stop the run {run_id}: look at it in the UI")

    def loaded(self) -> tuple[LocationState, ...]:
        """Tell of every code location whether it is loaded, and the error's first line otherwise."""
        answer = self._api.ask(queries.LOCATIONS)
        if answer["__typename"] != "Workspace":
            raise self._refusal("tell its code locations", answer)
        return tuple(LocationState(entry["name"], _load_error(entry)) for entry in answer["locationEntries"])

    def _repository_of(self, job: str) -> _Repository:
        repositories = self._repositories()
        for repository in repositories:
            if job in repository.jobs:
                return repository
        jobs = sorted({name for repository in repositories for name in repository.jobs if not name.startswith("__")})
        told = f"it has {', '.join(jobs)}" if jobs else self._load_errors()
        raise PermanentError(f"Dagster at {self._api.url} has no job {job}: {told}")

    def _repositories(self) -> list[_Repository]:
        answer = self._api.ask(queries.REPOSITORIES)
        if answer["__typename"] != "RepositoryConnection":
            raise self._refusal("tell its repositories", answer)
        return [
            _Repository(node["name"], node["location"]["name"], tuple(job["name"] for job in node["pipelines"]))
            for node in answer["nodes"]
        ]

    def _load_errors(self) -> str:
        failed = [f"{state.name}: {state.error}" for state in self.loaded() if not state.is_loaded]
        return "; ".join(failed) or "its workspace is empty"

    def _run(self, query: str, run_id: str) -> Mapping[str, Any]:
        answer = self._api.ask(query, {"run": run_id})
        if answer["__typename"] != "Run":
            raise self._refusal(f"tell of the run {run_id}", answer)
        return answer

    def _terminate(self, run_id: str, policy: str) -> bool:
        answer = self._api.ask(queries.TERMINATE, {"run": run_id, "policy": policy})
        if answer["__typename"] in ("UnauthorizedError", "RunNotFoundError", "PythonError"):
            raise self._refusal(f"stop the run {run_id}", answer)
        return bool(answer["__typename"] == "TerminateRunSuccess")

    def _refusal(self, what: str, answer: Mapping[str, Any]) -> PermanentError:
        messages = [answer.get("message") or "", *(error["message"] for error in answer.get("errors", []))]
        told = first_line("\n".join(messages)) if any(messages) else answer["__typename"]
        return PermanentError(f"Dagster at {self._api.url} could not {what}: {told}")


def _load_error(entry: Mapping[str, Any]) -> str:
    found = entry["locationOrLoadError"] or {}
    if found.get("__typename") == "PythonError":
        chain = [str(link["error"]["message"]) for link in found.get("errorChain") or []]
        return first_line((chain or [str(found["message"])])[-1])
    return "" if entry["loadStatus"] == "LOADED" else "it is still loading"


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
