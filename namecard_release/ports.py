"""What the orchestration needs from the outside, as Protocols; adapters and test fakes both keep them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from namecard_release.domain.alarms import AlarmReading
from namecard_release.domain.approvals import Approval
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.audit import AuditEntry, AuditEvent, TrailVerdict
from namecard_release.domain.compatibility import Catalogue
from namecard_release.domain.gates import CommandOutcome, GateResult
from namecard_release.domain.health import Probe, RunningFunction
from namecard_release.domain.latency import Latency
from namecard_release.domain.launch import LaunchFiles
from namecard_release.domain.linting import Finding
from namecard_release.domain.migrations import LedgerRow, MigrationFile, SchemaCopy, TargetReading, TrialResult
from namecard_release.domain.pauses import Pause
from namecard_release.domain.promotion import Hold, Promotion, PromotionPhase
from namecard_release.domain.readiness import StackStatus
from namecard_release.domain.rehearsal import DatabaseAddress
from namecard_release.domain.release import Release
from namecard_release.domain.rollback import Decision
from namecard_release.domain.sql import SqlFile
from namecard_release.domain.turns import Turn
from namecard_release.domain.waivers import Waiver

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

    def alarms(self, stacks: Sequence[str]) -> tuple[AlarmReading, ...]:
        """Find the stacks' alarms as stack resources and read their states in one paged call.

        The names found are remembered for the life of the object until `forget_alarms`.
        """
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


class Lease(Protocol):
    """The right to change one environment, held; `token` grows with every holder of that environment."""

    @property
    def environment(self) -> str:
        """What may be changed."""
        ...

    @property
    def holder(self) -> str:
        """Who holds it."""
        ...

    @property
    def token(self) -> int:
        """The number that fences older holders out."""
        ...

    def renew(self) -> None:
        """Renew the lease. Raises RefusedError when somebody else took it."""
        ...

    def release(self) -> None:
        """Give the lease back; harmless when it was lost."""
        ...


class ReleaseLedger(Protocol):
    """The memory of the pipeline. Every write is one transaction."""

    def open_promotion(self, promotion: Promotion) -> Promotion:
        """Record a promotion, or give the recorded one of the same id (a resumed run) unchanged."""
        ...

    def promotion(self, promotion_id: str) -> Promotion | None:
        """Give one promotion."""
        ...

    def history(self, environment: str | None = None, limit: int = 200) -> tuple[Promotion, ...]:
        """Give promotions, newest request first."""
        ...

    def move(
        self,
        promotion_id: str,
        phase: PromotionPhase,
        at: datetime,
        reason: str | None = None,
        *,
        by: str | None = None,
        events: Sequence[AuditEvent] = (),
        **changes: object,
    ) -> Promotion:
        """Move a promotion to a phase with field changes, and note the move. `reason` replaces the promotion's reason
        only for ends (FAILED, HELD, ROLLED_BACK, SUPERSEDED, ABORTED); `by` is who moved it, its actor by default.
        `events` are what the audit trail is told along with the move.

        Raises RefusedError for a move that `may_follow` does not allow.
        """
        ...

    def moves(self, promotion_id: str) -> tuple[tuple[datetime, PromotionPhase, str], ...]:
        """Give every move of a promotion in order: when, to what, why."""
        ...

    def record_gate(self, result: GateResult) -> None:
        """Record a gate's result."""
        ...

    def gates(self, release: str, environment: str | None = None) -> tuple[GateResult, ...]:
        """Give the results about a release: those without environment, and those of the given one; newest first."""
        ...

    def checks(self, gate: str, inputs: str, limit: int = 10) -> tuple[GateResult, ...]:
        """Give the checks of a gate made from the same inputs, whatever release they were for; newest first.

        Results for which an earlier check stands are not among them.
        """
        ...

    def waive(self, waiver: Waiver) -> Waiver:
        """Keep a waiver and give it with its number."""
        ...

    def waivers(self, release: str | None = None) -> tuple[Waiver, ...]:
        """Give all waivers, or those of a release, newest first; expired and revoked ones are among them."""
        ...

    def revoke_waivers(
        self, gate: str, release: str, environment: str | None, actor: str, at: datetime
    ) -> tuple[Waiver, ...]:
        """Revoke the waivers in force at `at` of exactly that gate, release and environment; gives those revoked."""
        ...

    def record_decision(self, promotion_id: str, decision: Decision, at: datetime) -> bool:
        """Record a decisive decision (ROLL_BACK, HALT, PROCEED); False when one was recorded before."""
        ...

    def decision(self, promotion_id: str) -> Decision | None:
        """Give the decisive decision about a promotion, if one was recorded."""
        ...

    def hold(self, hold: Hold) -> bool:
        """Hold a release in an environment; a hold already open stays as it is, and then it is False."""
        ...

    def holds(self, environment: str | None = None) -> tuple[Hold, ...]:
        """Give the holds that are open."""
        ...

    def release_hold(self, environment: str, release: str, actor: str, at: datetime, reason: str = "") -> bool:
        """Release a hold; False when there is none open."""
        ...

    def approve(self, approval: Approval) -> Approval:
        """Keep an approval and give it with its number."""
        ...

    def approvals(self, environment: str | None = None, release: str | None = None) -> tuple[Approval, ...]:
        """Give approvals, newest first, expired and revoked ones among them."""
        ...

    def revoke_approvals(
        self, environment: str, release: str, approver: str, actor: str, reason: str, at: datetime
    ) -> tuple[Approval, ...]:
        """Revoke a person's approvals in force at `at`; gives those revoked."""
        ...

    def pause(self, pause: Pause) -> Pause:
        """Keep a pause in the place of those in force there, and give it with its number."""
        ...

    def pauses(self, environment: str | None = None) -> tuple[Pause, ...]:
        """Give the pauses that nobody ended, oldest first; one whose time has passed may be among them."""
        ...

    def resume(self, environment: str, actor: str, reason: str, at: datetime) -> bool:
        """End the pauses in force in an environment; False when there is none."""
        ...

    def record_event(self, event: AuditEvent) -> None:
        """Append to the audit trail what changes nothing else in the ledger; all other writes append by themselves."""
        ...

    def audit_entries(self, environment: str | None = None, limit: int | None = None) -> tuple[AuditEntry, ...]:
        """Give entries of the audit trail, newest first; an environment's own when it is given."""
        ...

    def verify_audit(self, expected: str | None = None) -> TrailVerdict:
        """Verify the whole audit trail; `expected` is a head that somebody noted elsewhere."""
        ...

    def take_lease(self, environment: str, holder: str, seconds: float, *, force: bool = False) -> Lease:
        """Take the environment's lease: free, expired, or the holder's own. `force` takes it from whoever has it.

        Raises RefusedError naming the holder and the moment it expires.
        """
        ...

    def queue_lease(self, environment: str, promotion_id: str, seconds: float) -> Lease | tuple[Turn, str]:
        """Ask for a lease in the order of the requests: the lease, or WAIT or SUPERSEDED and why.

        Whoever waits keeps its place for `seconds` after each call.
        """
        ...

    def leave_queue(self, promotion_id: str) -> None:
        """Give a place in a queue up; harmless without one."""
        ...

    def revoke_lease(self, environment: str, holder: str) -> bool:
        """Take a lease from its holder for nobody; False when it has none."""
        ...

    def fenced(self, lease: Lease) -> ReleaseLedger:
        """Give the same ledger, whose every write is refused (RefusedError) once the lease is lost or has expired."""
        ...

    def beat(self, name: str, at: datetime) -> None:
        """Record that something which must always run was seen."""
        ...

    def last_beat(self, name: str) -> datetime | None:
        """Give the moment at which something was last seen, None when it never was."""
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
