"""A small world for the workflow: plain fakes of every port over one shared state, and the real ledger on SQLite.

A test changes the world's fields and looks at what the workflow made of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import namecard_release
from namecard_release.adapters.sql.reading import PostgresReader
from namecard_release.domain.alarms import AlarmReading, AlarmState, expected_alarms
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.compatibility import Catalogue
from namecard_release.domain.gates import CommandOutcome
from namecard_release.domain.health import Probe, RunningFunction
from namecard_release.domain.latency import Latency
from namecard_release.domain.launch import DOCUMENTS, LaunchFiles
from namecard_release.domain.linting import Finding
from namecard_release.domain.migrations import LedgerRow, MigrationFile, SchemaCopy, TargetReading, TrialResult
from namecard_release.domain.readiness import StackStatus
from namecard_release.domain.rehearsal import DatabaseAddress
from namecard_release.domain.release import Release
from namecard_release.errors import PermanentError, RefusedError, TransientError
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.outbox import outbox_of
from namecard_release.ports import LineSink
from namecard_release.settings import SERVICES, Settings
from namecard_release.workflow.pipeline import Pipeline, Site
from tests.fakes.history import AlarmPast, FakeHistory, note_change
from tests.fakes.ledgers import lay_ledger
from tests.fakes.switch import NAMES, FakeSwitch

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
A, B, C = ("a" * 40, "b" * 40, "c" * 40)


def migration(name: str, sql: str = "select 1;") -> MigrationFile:
    """Make a migration file of the service its name tells."""
    service = name.split("__")[1]
    checksum = hashlib.sha256(sql.encode()).hexdigest()
    return MigrationFile(name, service, checksum, f"services/{service}/migrations/{name}", sql)


FIRST = migration("2026-01-01T0000__auth__create-users.sql")
SECOND = migration("2026-02-01T0000__cards__add-colour.sql")


def read_launch() -> dict[str, str | None]:
    """Read the sample platform's launch documents, which are in order."""
    root = Path(namecard_release.__file__).parent / "sandbox" / "platform"
    return {path: (root / path).read_text(encoding="utf-8") for path in DOCUMENTS}


def settings_of(
    folder: Path, own: Mapping[str, Mapping[str, object]] | None = None, *, scenarios: bool = False
) -> Settings:
    """Make settings of three environments in a folder; `own` is what some of them have for themselves."""
    one = {"account": "000000000000", "database_url": "postgresql://x", "bake_seconds": 60}
    one |= {"api_scenarios": scenarios, "deadlines": {"answering_seconds": 0}}
    suffixes = {
        name: {**one, "stack_suffix": name, "context": name, "key": name} for name in ("dev", "staging", "prod")
    }
    suffixes["prod"]["requires"] = ["staging"]
    for name, values in (own or {}).items():
        suffixes[name] |= values
    return Settings.model_validate(
        {
            "platform": {"repository": str(folder / "repository")},
            "environments": suffixes,
            "paths": {"work": folder, "store": folder, "ledger_url": f"sqlite:///{folder}/ledger.sqlite"},
        }
    )


@dataclass
class World:
    """Everything outside, for one environment's worth of reading; `deployed` is the release whose code runs."""

    folder: Path
    time: datetime = START
    files: dict[str, tuple[MigrationFile, ...]] = field(
        default_factory=lambda: {A: (FIRST,), B: (FIRST, SECOND), C: (FIRST, SECOND)}
    )
    failing: dict[str, CommandOutcome] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)
    deploys: list[str] = field(default_factory=list)
    deploy_outcome: CommandOutcome = field(default_factory=lambda: CommandOutcome(("cdk",), 0, 1.0))
    during_deploy: Callable[[], object] = lambda: None
    deployed: str | None = None
    applied: list[LedgerRow] = field(default_factory=list)
    catalogue: Catalogue = field(default_factory=lambda: Catalogue({}))
    alarms: dict[str, AlarmReading] = field(default_factory=dict)
    past: AlarmPast = field(default_factory=AlarmPast)
    statuses: list[str] = field(default_factory=lambda: ["UPDATE_COMPLETE"])
    unreachable: set[str] = field(default_factory=set)
    sick: set[str] = field(default_factory=set)
    trial: TrialResult | None = None
    trials: list[tuple[str, ...]] = field(default_factory=list)
    assemblies: dict[str, Assembly] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    output: dict[str, tuple[str, ...]] = field(default_factory=dict)
    scenarios: bool = False
    launch: dict[str, str | None] = field(default_factory=read_launch)
    latencies: dict[str, tuple[float | None, int]] = field(default_factory=dict)
    staged: list[tuple[str, ...]] = field(default_factory=list)
    variables: list[Mapping[str, str]] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    failing_stages: int | None = None
    unused: bool = False
    linted: list[tuple[str, ...]] = field(default_factory=list)
    migrator_running: bool = False
    catalogues: list[str] = field(default_factory=lambda: ["catalogue"])
    reads: int = 0
    copied: list[SchemaCopy | None] = field(default_factory=list)
    tools: dict[str, str | None] = field(default_factory=lambda: {"node": "v24.0.0", "pnpm": "8.15.4"})
    switch: FakeSwitch = field(default_factory=FakeSwitch)
    own: dict[str, dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in expected_alarms(SERVICES):
            self.set_alarm(name, AlarmState.OK)

    def set_alarm(self, name: str, state: AlarmState) -> AlarmReading:
        """Change an alarm's state now."""
        after = AlarmReading(name, f"arn:aws:cloudwatch:x:1:alarm:{name}", state, self.time)
        self.alarms[name] = note_change(self.past.changes, self.alarms.get(name), after)
        return self.alarms[name]

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)

    def pipeline(self) -> Pipeline:
        """Make a pipeline over this world."""
        settings = settings_of(self.folder, self.own, scenarios=self.scenarios)
        ledger = open_ledger(lay_ledger(self.folder / "ledger.sqlite"), lambda: self.time)
        port = FakePorts(self)

        def site(name: str) -> Site:
            switch = self.switch.over(self)
            return Site(name, settings.environment(name), port, port, port, switch, switch)

        repository, store = FakeRepository(self), FakeStore(self)
        return Pipeline(
            *(settings, repository, port, store, ledger, port, port, port, site),
            sql=PostgresReader(),
            linter=port,
            checkouts=port,
            rehearsal=port,
            tools=port,
            outbox=outbox_of(ledger),
        )


@dataclass
class FakeRepository:
    """Commits that exist are those with files."""

    world: World

    def resolve(self, ref: str) -> Release:
        """Know only full SHAs."""
        if ref not in self.world.files:
            raise RefusedError(f"no commit {ref}")
        return Release(ref, "tree-" + ref[:4], "subject", "author", START)

    def checkout(self, sha: str) -> Path:
        """Make an empty folder."""
        folder = self.world.folder / sha
        (folder / "node_modules").mkdir(parents=True, exist_ok=True)
        return folder

    def heads(self) -> tuple[Release, ...]:
        """Give all commits."""
        return tuple(self.resolve(sha) for sha in self.world.files)

    def tree_of(self, sha: str) -> str:
        """Give the tree."""
        return self.resolve(sha).tree

    def migration_files(self, sha: str) -> tuple[MigrationFile, ...]:
        """Give the commit's migrations."""
        return self.world.files[sha]

    def read_text(self, sha: str, path: str) -> str | None:
        """Give a launch document, the same in every commit, or fail to."""
        if "repository" in self.world.unreachable:
            raise TransientError("the repository did not answer")
        return self.world.launch.get(path)


@dataclass
class FakeStore:
    """Assemblies in memory; a bundle holds its release's migrations unless a test changes it."""

    world: World

    def put(self, folder: Path, release: str, environment: str, inputs: str, now: datetime) -> Assembly:
        """Keep an assembly whose digest follows from its inputs."""
        stacks = (f"NameCardDb-{environment}", f"NameCardApi-{environment}")
        names = tuple(file.name for file in self.world.files[release])
        made = Assembly(f"d-{inputs[:8]}", release, environment, inputs, str(folder), stacks, (), names, now)
        return self.world.assemblies.setdefault(made.digest, made)

    def get(self, digest: str) -> Assembly:
        """Give a kept one."""
        if digest not in self.world.assemblies:
            raise PermanentError(f"assembly {digest} is not kept")
        return self.world.assemblies[digest]

    def find(self, release: str, environment: str, inputs: str) -> Assembly | None:
        """Find by inputs."""
        kept = self.world.assemblies.values()
        return next(
            (one for one in kept if (one.release, one.environment, one.inputs) == (release, environment, inputs)), None
        )


@dataclass
class FakeDatabase:
    """A throw-away database that is used unless a test says otherwise."""

    address: DatabaseAddress
    used: bool

    def was_used(self) -> bool:
        """Tell what the test said."""
        return self.used


@dataclass
class FakePorts(FakeHistory):
    """All other ports, reading and changing the world."""

    world: World

    def now(self) -> datetime:
        """Give the world's time, which moves a little at each look."""
        self.world.time += timedelta(milliseconds=1)
        return self.world.time

    def run(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        timeout_seconds: float,
        on_line: LineSink | None = None,
        enough: Callable[[], bool] | None = None,
    ) -> CommandOutcome:
        """Succeed, unless a test made the command's third word fail."""
        self.world.ran.append(tuple(argv))
        self.world.variables.append(env)
        self.world.folders.append(cwd)
        ok = CommandOutcome(tuple(argv), 0, 0.1, ("done",))
        word = argv[-1] if argv[1] == "run" else argv[0]
        for line in self.world.output.get(word, ()):
            if on_line is not None:
                on_line(line)
        if "DB_NAME" in env and self.world.failing_stages is not None:
            # A rehearsal that fails on the first schemas staged and not on later ones.
            return ok if len(self.world.staged) > self.world.failing_stages else self.world.failing[argv[-1]]
        return self.world.failing.get(word, ok)

    def deploy(
        self,
        assembly: Assembly,
        stacks: Sequence[str],
        on_line: LineSink | None = None,
        is_deployed: Callable[[frozenset[str]], bool] | None = None,
    ) -> CommandOutcome:
        """Run the assembly's code and apply its migrations; ended early it deploys nothing."""
        self.world.during_deploy()
        if is_deployed is not None and is_deployed(frozenset()):
            return CommandOutcome(("cdk",), None, 1.0, cut_short=True)
        self.world.deploys.append(assembly.release)
        if self.world.deploy_outcome.exit_code == 0:
            self.world.switch.settle(assembly.release)
            self.world.deployed = assembly.release
            known = {row.name for row in self.world.applied}
            fresh = [
                f
                for f in self.world.files[assembly.release]
                if f.name not in known and f.name in (assembly.migrations or ())
            ]
            self.world.applied += [LedgerRow(f.name, f.checksum, self.world.time, assembly.release) for f in fresh]
        return self.world.deploy_outcome

    def stack_statuses(self, stacks: Sequence[str]) -> tuple[StackStatus, ...]:
        """Give the next status of every stack, or fail to; the last one stays."""
        if "stacks" in self.world.unreachable:
            raise TransientError("CloudFormation did not answer")
        status = self.world.statuses.pop(0) if len(self.world.statuses) > 1 else self.world.statuses[0]
        return tuple(StackStatus(name, status) for name in stacks)

    def outputs(self, stacks: Sequence[str]) -> dict[str, str]:
        """Give the outputs."""
        return {"HttpApiUrl": "http://api", "RdsProxyEndpoint": "proxy"}

    def alarms(self, stacks: Sequence[str], since: datetime | None = None) -> tuple[AlarmReading, ...]:
        """Give the alarms, or fail to."""
        if "alarms" in self.world.unreachable:
            raise TransientError("CloudWatch did not answer")
        return tuple(self.world.alarms.values())

    def forget_alarms(self) -> None:
        """Forget nothing."""

    def functions(self, assembly: Assembly) -> tuple[RunningFunction, ...]:
        """Say which release's code every function runs."""
        running = self.world.switch.running
        return tuple(RunningFunction(n, assembly.release, running.get(n, self.world.deployed)) for n in NAMES)

    def latencies(self, stacks: Sequence[str], since: datetime, until: datetime) -> tuple[Latency, ...]:
        """Give the latencies that a test set, by service, or fail to."""
        if "latencies" in self.world.unreachable:
            raise TransientError("CloudWatch did not answer")
        read = self.world.latencies.items()
        return tuple(Latency(f"{service.capitalize()}ServiceFunction1", *told) for service, told in read)

    def launch_files(self, folder: Path) -> LaunchFiles:
        """Give the launch documents."""
        return LaunchFiles(self.world.launch)

    def migrations(self, folder: Path) -> tuple[MigrationFile, ...]:
        """Give the migrations of the commit that the folder is named after."""
        return self.world.files[folder.name]

    def rows(self) -> tuple[LedgerRow, ...]:
        """Give the target's ledger, or fail to."""
        if "database" in self.world.unreachable:
            raise TransientError("the database did not answer")
        return tuple(self.world.applied)

    def catalogue(self) -> Catalogue:
        """Give the target's catalogue, or fail to."""
        if "database" in self.world.unreachable:
            raise TransientError("the database did not answer")
        return self.world.catalogue

    def read(self) -> TargetReading:
        """Give the target's ledger and the next digest of its catalogue, the last one stays; or fail to."""
        self.world.reads += 1
        rows = self.rows()
        digests = self.world.catalogues
        digest = digests.pop(0) if len(digests) > 1 else digests[0]
        return TargetReading(rows, self.world.migrator_running, digest, 150018)

    def copy_schema(self, reading: TargetReading) -> SchemaCopy:
        """Give a schema, or fail to."""
        if "schema" in self.world.unreachable:
            raise PermanentError("pg_dump 14 is older than the server's 15")
        return SchemaCopy("create", "alter", reading.rows)

    def missing(self) -> str | None:
        """Say that there is no trial server where a test took it away."""
        return "no trial server is configured" if "trial" in self.world.unreachable else None

    def apply(
        self, base: Sequence[MigrationFile], pending: Sequence[MigrationFile], schema: SchemaCopy | None = None
    ) -> TrialResult:
        """Hold the trial."""
        self.world.copied.append(schema)
        self.world.trials.append(tuple(file.name for file in pending))
        return self.world.trial or TrialResult(applied=tuple(file.name for file in pending), seconds=0.1)

    @contextmanager
    def stage(self, files: Sequence[MigrationFile]) -> Iterator[FakeDatabase]:
        """Give a database for a rehearsal, or fail to."""
        if "rehearsal" in self.world.unreachable:
            raise TransientError("the trial server did not answer")
        self.world.staged.append(tuple(file.name for file in files))
        yield FakeDatabase(
            DatabaseAddress("db.example", 5433, "ada", "rehearsal", "secret-word"), not self.world.unused
        )

    def identify(self, programs: Sequence[str]) -> dict[str, str | None]:
        """Give the versions that a test set."""
        return {name: self.world.tools.get(name, "a file") for name in programs}

    def lint(self, files: Sequence[MigrationFile]) -> tuple[Finding, ...]:
        """Give the findings that a test set for these files."""
        self.world.linted.append(tuple(file.name for file in files))
        paths = {file.path for file in files}
        return tuple(finding for finding in self.world.findings if finding.file in paths)

    def probe(self, base_url: str, services: Sequence[str]) -> tuple[Probe, ...]:
        """Answer as the deployed release, 500 where a test made a service sick."""
        if "services" in self.world.unreachable:
            return tuple(Probe(s, base_url, None, None, 0.0, "timed out") for s in services)
        return tuple(
            Probe(s, base_url, 500 if s in self.world.sick else 200, self.world.deployed, 5.0) for s in services
        )
