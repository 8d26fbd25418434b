"""What the orchestration needs from the outside, as Protocols; adapters and test fakes both keep them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

# Protocols are read by the type checker alone: nobody who imports one waits for the whole domain.
if TYPE_CHECKING:
    from namecard_release.domain.alarm_gaps import Transition
    from namecard_release.domain.alarms import AlarmReading
    from namecard_release.domain.assembly import Assembly
    from namecard_release.domain.compatibility import Catalogue
    from namecard_release.domain.gates import CommandOutcome
    from namecard_release.domain.health import Probe, RunningFunction
    from namecard_release.domain.latency import Latency
    from namecard_release.domain.launch import LaunchFiles
    from namecard_release.domain.linting import Finding
    from namecard_release.domain.migrations import LedgerRow, MigrationFile, SchemaCopy, TargetReading, TrialResult
    from namecard_release.domain.readiness import StackStatus
    from namecard_release.domain.recovery import AlarmMetric
    from namecard_release.domain.rehearsal import DatabaseAddress
    from namecard_release.domain.release import Release
    from namecard_release.domain.sql import SqlFile


LineSink = Callable[[str], None]


class Clock(Protocol):
    """The time, injected."""

    def now(self) -> datetime:
        """Give the present moment in UTC."""
        ...


class Repository(Protocol):
    """The platform's repository."""

    def resolve(self, ref: str) -> Release:
        """Resolve a ref to a release. Raises MisuseError for a bad ref and RefusedError for one that is not there."""
        ...

    def checkout(self, sha: str) -> Path:
        """Give a clean worktree of a commit; the same folder for the same commit (untracked tool output may be there).

        Tracked files are exactly the commit's.
        """
        ...

    def heads(self) -> tuple[Release, ...]:
        """Give the commits at the tips of every branch and tag, newest first."""
        ...

    def tree_of(self, sha: str) -> str:
        """Give the tree digest of a commit without a worktree."""
        ...

    def migration_files(self, sha: str) -> tuple[MigrationFile, ...]:
        """Read `services/*/migrations/*.sql` of a commit straight from the repository, in name order.

        Raises PermanentError naming a file that is not UTF-8.
        """
        ...

    def read_text(self, sha: str, path: str) -> str | None:
        """Read one file of a commit straight from the repository; None when the commit has none.

        Raises PermanentError for one that is not UTF-8.
        """
        ...


class CheckoutReader(Protocol):
    """Files of a checkout on this machine."""

    def launch_files(self, folder: Path) -> LaunchFiles:
        """Read the launch documents, and which of the files exist that they link to.

        Raises TransientError for a document that is there and cannot be read.
        """
        ...

    def migrations(self, folder: Path) -> tuple[MigrationFile, ...]:
        """Read `services/*/migrations/*.sql`, in name order.

        Raises MisuseError for a folder that has none such, and naming a file that cannot be read or is not UTF-8.
        """
        ...


class CommandRunner(Protocol):
    """Runs the platform's commands."""

    def run(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        timeout_seconds: float,
        on_line: LineSink | None = None,
        enough: Callable[[], bool] | None = None,
    ) -> CommandOutcome:
        """Run one command to its end, each output line redacted and passed on; ends its children when stopped.

        `enough` is asked four times a second whether the command's work is done: then it is ended, `cut_short`.
        """
        ...


class Tools(Protocol):
    """The programs that the platform's commands are run with."""

    def identify(self, programs: Sequence[str]) -> Mapping[str, str | None]:
        """Say which build of each program is here (its version, or its file), None where that was not read."""
        ...


class AssemblyStore(Protocol):
    """Content-addressed cloud assemblies."""

    def put(self, folder: Path, release: str, environment: str, inputs: str, now: datetime) -> Assembly:
        """Keep a synthesised folder and give its description; keeping the same content twice is harmless."""
        ...

    def get(self, digest: str) -> Assembly:
        """Give a kept assembly, content checked against the digest. Raises PermanentError when absent or changed."""
        ...

    def find(self, release: str, environment: str, inputs: str) -> Assembly | None:
        """Find the assembly built from the same inputs, if one is kept."""
        ...


class Deployer(Protocol):
    """`cdk deploy --app <assembly>`."""

    def deploy(
        self,
        assembly: Assembly,
        stacks: Sequence[str],
        on_line: LineSink | None = None,
        is_deployed: Callable[[frozenset[str]], bool] | None = None,
    ) -> CommandOutcome:
        """Deploy stacks of a kept assembly with `--method direct`, which refuses to run into a deploy in progress.

        `is_deployed` is asked again and again, with the stacks that cdk called done, whether all is deployed: cdk
        itself looks every five seconds only.
        """
        ...


class Cloud(Protocol):
    """What AWS really holds in one environment's account and region."""

    def stack_statuses(self, stacks: Sequence[str]) -> tuple[StackStatus, ...]:
        """Read the stacks' statuses."""
        ...

    def outputs(self, stacks: Sequence[str]) -> dict[str, str]:
        """Read all outputs of the stacks together."""
        ...

    def alarms(self, stacks: Sequence[str], since: datetime | None = None) -> tuple[AlarmReading, ...]:
        """Find the stacks' alarms, metric and composite ones, as stack resources, and read their states by name.

        The names found are remembered for minutes, until `forget_alarms`, and not from before `since`.
        """
        ...

    def alarm_history(self, alarms: Sequence[AlarmReading], since: datetime) -> tuple[Transition, ...]:
        """Read the changes of state of these alarms from a moment on, oldest first."""
        ...

    def alarm_metrics(
        self, alarms: Sequence[AlarmReading], since: datetime, until: datetime
    ) -> tuple[AlarmMetric, ...]:
        """Read the metrics that these alarms watch between two moments, by each one's own statistic and period."""
        ...

    def forget_alarms(self) -> None:
        """Forget which alarms the stacks have, since a deploy may have changed them."""
        ...

    def functions(self, assembly: Assembly) -> tuple[RunningFunction, ...]:
        """Compare each function's code digest with that of the assembly's published code."""
        ...

    def latencies(self, stacks: Sequence[str], since: datetime, until: datetime) -> tuple[Latency, ...]:
        """Read p95 and number of invocations of each Lambda function of the stacks, between two whole minutes."""
        ...


class TargetDatabase(Protocol):
    """One environment's database."""

    def rows(self) -> tuple[LedgerRow, ...]:
        """Read the migration ledger in a transaction set READ ONLY; an absent table is an empty ledger.

        Raises TransientError when the database cannot be reached.
        """
        ...

    def catalogue(self) -> Catalogue:
        """Read the catalogue as it is now, in a transaction set READ ONLY. Raises as `rows` does."""
        ...

    def read(self) -> TargetReading:
        """Read ledger, migrator's lock and catalogue in one transaction set READ ONLY. Raises as `rows` does."""
        ...

    def copy_schema(self, reading: TargetReading) -> SchemaCopy:
        """Copy the schema that was read, never a row of its tables.

        Raises TransientError, and PermanentError where nothing here can copy it.
        """
        ...


class TrialServer(Protocol):
    """A server for throw-away databases."""

    def missing(self) -> str | None:
        """Say why no trial can be held at all, without connecting; None where one can."""
        ...

    def apply(
        self, base: Sequence[MigrationFile], pending: Sequence[MigrationFile], schema: SchemaCopy | None = None
    ) -> TrialResult:
        """Apply `pending` as the migrator does on a new database, which is dropped whatever happens.

        It starts from the target's schema with the rows that `base` makes, or without one from what `base` makes.
        """
        ...


class RehearsalDatabase(Protocol):
    """A throw-away database with a schema, there for the length of a block."""

    @property
    def address(self) -> DatabaseAddress:
        """Where it is and who may use it."""
        ...

    def was_used(self) -> bool:
        """Tell whether anybody connected to it since it was made. Raises TransientError when that cannot be read."""
        ...


class RehearsalServer(Protocol):
    """A server for rehearsals."""

    def stage(self, files: Sequence[MigrationFile]) -> AbstractContextManager[RehearsalDatabase]:
        """Give a new database with the files applied as the migrator does; it is dropped whatever happens.

        Raises PermanentError for a file that does not apply or when there is no server, TransientError when the
        server does not answer.
        """
        ...


class SqlReader(Protocol):
    """PostgreSQL's own parser."""

    def read(self, name: str, text: str) -> SqlFile:
        """Read SQL text into typed facts. Raises MisuseError for a text that is no SQL."""
        ...


class SqlLinter(Protocol):
    """Everything that reads migration files and finds what they may not do."""

    def lint(self, files: Sequence[MigrationFile]) -> tuple[Finding, ...]:
        """Lint files: our own rules and squawk's, the files' ignore markers honoured, in file and line order.

        `Finding.file` is the file's `path`. Raises TransientError when a tool gives no answer.
        """
        ...


class Prober(Protocol):
    """Asks services over their public address."""

    def probe(self, base_url: str, services: Sequence[str]) -> tuple[Probe, ...]:
        """GET `<base_url>/v1/<service>/health` of every service, side by side."""
        ...


class PipelineControl(Protocol):
    """The running Dagster, over its API."""

    def add_release(self, sha: str) -> None:
        """Make a release known as a partition; harmless when it is."""
        ...

    def launch(self, job: str, tags: Mapping[str, str], run_config: Mapping[str, object]) -> str:
        """Launch a run of a job and give its id."""
        ...

    def run_status(self, run_id: str) -> str:
        """Give a run's status in Dagster's words."""
        ...

    def will_be_retried(self, run_id: str) -> bool:
        """Tell whether a run failed and is run again by Dagster itself."""
        ...

    def terminate(self, run_id: str) -> None:
        """Stop a run; harmless when it has ended."""
        ...
