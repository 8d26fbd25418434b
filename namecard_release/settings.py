"""The one settings file, typed and validated once. Defaults are the platform's own scripts; nothing is read at import.

What the pipeline does with a setting does not belong here.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from namecard_release.alarm_settings import PostBake, names_an_alarm
from namecard_release.channel_settings import Channels
from namecard_release.dlq_settings import DeadLetters
from namecard_release.domain.alarms import AlarmAction, AlarmRule
from namecard_release.domain.approvals import ApprovalRule
from namecard_release.domain.deadlines import Deadlines
from namecard_release.domain.freezes import FreezeWindow
from namecard_release.domain.rehearsal import RehearsalMode, RehearsalPolicy
from namecard_release.errors import MisuseError
from namecard_release.gate_settings import Argv, Command, Gates, Model, Name
from namecard_release.incident_settings import Incidents
from namecard_release.playbook_settings import PlaybookSettings
from namecard_release.triage_settings import TriageSettings
from namecard_release.windows import check_cron, check_zone, expand_cron, read_local

SETTINGS_VARIABLE = "NAMECARD_RELEASE_SETTINGS"
_PLACES = (Path("namecard-release.toml"), Path(".sandbox/namecard-release.toml"))
SERVICES = ("auth", "cards", "ocr", "enrichment", "uploads", "search")


def _check_rehearsal(command: Command) -> Command:
    taken = sorted(name for name in command.env if name.startswith("DB_"))
    if taken:
        raise ValueError(f"{', '.join(taken)} is set by the rehearsal, to its throw-away database and to no other")
    return command


class Platform(Model):
    """The platform that is released: its repository (URL or path) and how a checkout becomes an assembly.

    In `synth` the words {output}, {context} and {version} stand for the output folder, the environment's context
    value and the release's SHA; the stack names are appended. `known_escapes` names migration files that end their own
    transaction and are applied everywhere already. With `synthesise_ahead` the assemblies of the
    environments that come next are synthesised along with the first one's.
    """

    repository: str
    branch: str = "main"
    services: tuple[Name, ...] = Field(default=SERVICES, min_length=1)
    install: Command = Command(argv=("pnpm", "install", "--frozen-lockfile"))
    prepare: tuple[Command, ...] = (Command(argv=("pnpm", "--filter", "@namecard/shared", "run", "prisma:generate")),)
    build: tuple[Command, ...] = (Command(argv=("pnpm", "--filter", "@namecard/infra", "run", "build")),)
    synth: Command = Command(
        argv=(
            *("pnpm", "--filter", "@namecard/infra", "exec", "cdk", "synth", "--quiet", "--output", "{output}"),
            *("--context", "environment={context}", "--context", "migrationsVersion={version}"),
        )
    )
    synthesise_ahead: bool = True
    outputs: tuple[str, ...] = ("HttpApiUrl", "RdsProxyEndpoint")
    rehearsal: tuple[Annotated[Command, AfterValidator(_check_rehearsal)], ...] = ()
    commit_url: str | None = None
    known_escapes: tuple[str, ...] = ()


class Rule(Model):
    """What one kind of alarm does, and how long it must stay in ALARM before it counts."""

    action: AlarmAction
    sustain_seconds: float = Field(default=0, ge=0)


_RULES: Mapping[str, Rule] = {
    "errors": Rule(action=AlarmAction.ROLL_BACK),
    "throttles": Rule(action=AlarmAction.PAGE),
    "latency": Rule(action=AlarmAction.ROLL_BACK, sustain_seconds=60),
    "api_latency": Rule(action=AlarmAction.ROLL_BACK, sustain_seconds=60),
    "db_connections": Rule(action=AlarmAction.PAGE),
    "proxy_connections": Rule(action=AlarmAction.PAGE),
    "dlq": Rule(action=AlarmAction.PAGE),
}


class PhaseDeadlines(Model):
    """How long a promotion may stay in a phase without progress; then it is HELD and its run is ended.

    `settling_seconds` is how long stacks may stay in progress before and after a deploy, `answering_seconds` how long
    services that give no answer after it are asked again.
    """

    gating_seconds: float = Field(default=7200, gt=0)
    waiting_seconds: float = Field(default=5400, gt=0)
    deploying_seconds: float = Field(default=7200, gt=0)
    verifying_seconds: float = Field(default=1800, gt=0)
    settling_seconds: float = Field(default=1800, gt=0)
    answering_seconds: float = Field(default=60, ge=0)

    def limits(self) -> Deadlines:
        """Give the deadlines of the phases."""
        return Deadlines(self.gating_seconds, self.waiting_seconds, self.deploying_seconds, self.verifying_seconds)


class Freeze(Model):
    """When nothing is promoted: at each start that `cron` tells for `duration_minutes`, or once from `start` to `end`.

    Both are read on the clock of `timezone` (IANA); a moment with an offset of its own is that moment.
    """

    name: str = Field(min_length=1)
    cron: Annotated[str, AfterValidator(check_cron)] | None = None
    duration_minutes: float | None = Field(default=None, gt=0)
    start: datetime | None = None
    end: datetime | None = None
    timezone: Annotated[str, AfterValidator(check_zone)] = "UTC"

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = tuple(value is not None for value in (self.cron, self.duration_minutes, self.start, self.end))
        if given not in ((True, True, False, False), (False, False, True, True)):
            raise ValueError("give either cron and duration_minutes, or start and end")
        if self.cron is None and not all(window.start < window.end for window in self._once()):
            raise ValueError("end must be after start")
        return self

    def windows(self, now: datetime) -> tuple[FreezeWindow, ...]:
        """Give the windows around a moment as intervals in UTC."""
        if self.cron is None or self.duration_minutes is None:
            return self._once()
        length = timedelta(minutes=self.duration_minutes)
        return tuple(FreezeWindow(self.name, *w) for w in expand_cron(self.cron, length, self.timezone, now))

    def _once(self) -> tuple[FreezeWindow, ...]:
        if self.start is None or self.end is None:
            return ()
        first, last = read_local(self.start, self.timezone, last=False), read_local(self.end, self.timezone, last=True)
        return (FreezeWindow(self.name, first, last),)


class Environment(Model):
    """One environment; the stack suffix, the context value and the physical key are three settings, for they differ.

    `database_url` is for where one exists as text; otherwise `database_secret` names the secret that holds it.
    """

    account: str = Field(pattern=r"^\d{12}$")
    region: str = "ap-southeast-1"
    stack_suffix: str = Field(min_length=1)
    context: str = Field(min_length=1)
    key: str = Field(min_length=1)
    stacks: tuple[str, ...] = ("NameCardDb-{suffix}", "NameCardApi-{suffix}")
    synth_context: Mapping[str, str] = {}
    database_url: str | None = None
    database_secret: str | None = None
    api_url: str | None = None
    api_output: str = "HttpApiUrl"
    bake_seconds: float = Field(default=900, ge=0)
    unknown_deadline_seconds: float = Field(default=600, ge=0)
    lease_wait_seconds: float = Field(default=1800, ge=0)
    deadlines: PhaseDeadlines = PhaseDeadlines()
    requires: tuple[Name, ...] = ()
    api_scenarios: bool = False
    alarms: Mapping[str, Rule] = {}
    post_bake: PostBake = PostBake()
    rehearsal: RehearsalMode = RehearsalMode.NEVER
    rehearsal_proves: bool = False
    approvals: int = Field(default=0, ge=0)
    approvers: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    approval_hours: float = Field(default=24, gt=0)
    freezes: tuple[Freeze, ...] = ()
    fast_path: bool = True
    drift_blocks: bool = False

    @model_validator(mode="after")
    def _enough_approvers(self) -> Self:
        if self.approvers and len({name.casefold() for name in self.approvers}) < self.approvals:
            raise ValueError(f"approvals asks for {self.approvals} people, approvers names fewer")
        return self

    @model_validator(mode="after")
    def _one_database(self) -> Self:
        if (self.database_url is None) == (self.database_secret is None):
            raise ValueError("give either database_url or database_secret")
        if self.deadlines.waiting_seconds <= self.lease_wait_seconds:
            raise ValueError("deadlines.waiting_seconds must be longer than lease_wait_seconds, which is a part of it")
        unknown = sorted(key for key in set(self.alarms) - set(_RULES) if not names_an_alarm(key))
        if unknown:
            kinds = f"there are {', '.join(_RULES)}, and the id of one alarm, which begins with a capital"
            raise ValueError(f"no such kind of alarm: {', '.join(unknown)}; {kinds}")
        return self

    @property
    def stack_names(self) -> tuple[str, ...]:
        """The stacks' names with this environment's suffix, in the order they are deployed."""
        return tuple(stack.replace("{suffix}", self.stack_suffix) for stack in self.stacks)

    @property
    def rehearsal_policy(self) -> RehearsalPolicy:
        """When this environment's deployments rehearse a rollback, and what that may change."""
        return RehearsalPolicy(self.rehearsal, self.rehearsal_proves)

    def approval_rule(self) -> ApprovalRule:
        """Give what a promotion to this environment needs of people."""
        return ApprovalRule(self.approvals, self.approvers, timedelta(hours=self.approval_hours))

    def freeze_windows(self, now: datetime) -> tuple[FreezeWindow, ...]:
        """Give this environment's freezes around a moment as intervals in UTC."""
        return tuple(window for freeze in self.freezes for window in freeze.windows(now))

    def alarm_rules(self) -> dict[str, AlarmRule]:
        """Give the rule of each kind of alarm, this environment's over the defaults."""
        merged = {**_RULES, **self.alarms}
        return {kind: AlarmRule(rule.action, rule.sustain_seconds) for kind, rule in merged.items()}


class Paths(Model):
    """Where the pipeline keeps its own: worktrees, assemblies, and the ledger as a SQLAlchemy URL."""

    work: Path = Path("var/work")
    store: Path = Path("var/assemblies")
    ledger_url: str = "sqlite:///var/ledger.sqlite"


class Tools(Model):
    """Programs that the pipeline itself calls: `cdk` deploys without any checkout; `path` goes before PATH."""

    cdk: Argv = ("cdk",)
    path: tuple[str, ...] = ()


class Dagster(Model):
    """The running Dagster that the CLI speaks to; its alarm sensor is thought silent after so long without a sign."""

    url: str = "http://127.0.0.1:3000"
    silent_after_seconds: float = Field(default=120, gt=0)


class Aws(Model):
    """How AWS is reached; `env` is given to `cdk` and the platform's commands as it is (endpoint, key, home)."""

    endpoint_url: str | None = None
    env: Mapping[str, str] = {}


class Trial(Model):
    """The server for throw-away databases; None means that no trial can be held, and the plan says UNKNOWN.

    `pg_dump` copies a target's schema; without it the oldest one found that is as new as the target.
    """

    database_url: str | None = None
    pg_dump: Path | None = None


class Settings(Model):
    """The whole file."""

    platform: Platform
    environments: Mapping[Name, Environment] = Field(min_length=1)
    gates: Gates = Gates()
    paths: Paths = Paths()
    tools: Tools = Tools()
    dagster: Dagster = Dagster()
    aws: Aws = Aws()
    trial: Trial = Trial()
    incidents: Incidents = Incidents()
    channels: Channels = Channels()
    triage: TriageSettings = TriageSettings()
    dead_letters: DeadLetters = DeadLetters()
    playbooks: PlaybookSettings = PlaybookSettings()

    @model_validator(mode="after")
    def _known_environments(self) -> Self:
        for name, environment in self.environments.items():
            unknown = [other for other in environment.requires if other not in self.environments or other == name]
            if unknown:
                raise ValueError(f"environments.{name}.requires names {', '.join(unknown)}, which is not another one")
        own = self.incidents.named_environments()
        if unknown := sorted(own - {*self.environments}):
            raise ValueError(f"incidents names {', '.join(unknown)}, which is not an environment")
        lost = sorted({one.service for one in self.playbooks.flags.values()} - set(self.platform.services))
        if lost:
            raise ValueError(f"playbooks.flags names {', '.join(lost)}, which is no service")
        strange = sorted(set(self.dead_letters.drain_environments) - set(self.environments))
        if strange:
            raise ValueError(f"dead_letters.drain_environments names {', '.join(strange)}, which is not declared")
        return self

    def environment_names(self) -> dict[str, str]:
        """Give the physical key of every name that an environment goes by: its own, suffix, context value and key."""
        return {
            alias: own.key
            for name, own in self.environments.items()
            for alias in (name, own.stack_suffix, own.context, own.key)
        }

    @model_validator(mode="after")
    def _rehearsal_has_commands(self) -> Self:
        asking = [name for name, one in self.environments.items() if one.rehearsal is not RehearsalMode.NEVER]
        if asking and not self.platform.rehearsal:
            raise ValueError(f"environments.{asking[0]}.rehearsal asks for platform.rehearsal, which has no command")
        return self

    def following(self, name: str) -> tuple[str, ...]:
        """Give the environments that a release enters after this one: those that require it, and those after them."""
        found: list[str] = []
        reached = {name}
        while new := [n for n, e in self.environments.items() if n not in reached and reached & set(e.requires)]:
            found += new
            reached |= set(new)
        return tuple(found)

    def environment(self, name: str) -> Environment:
        """Give an environment by name. Raises MisuseError for one that the file does not declare."""
        if name not in self.environments:
            raise MisuseError(f"unknown environment {name!r}: the settings declare {', '.join(self.environments)}")
        return self.environments[name]


def find_settings(explicit: Path | None = None) -> Path:
    """Find the settings file: the given one, the variable's, ./namecard-release.toml, else the sandbox's.

    Raises MisuseError when there is none.
    """
    named = explicit or (Path(os.environ[SETTINGS_VARIABLE]) if os.environ.get(SETTINGS_VARIABLE) else None)
    if named is not None:
        return named
    for place in _PLACES:
        if place.is_file():
            return place
    raise MisuseError(
        f"no settings file: give --settings, set {SETTINGS_VARIABLE}, or start the sandbox "
        "with 'namecard-release sandbox up'"
    )


def settings_named() -> bool:
    """Tell whether a settings file is named by the variable or lies in one of the places where it is looked for."""
    return bool(os.environ.get(SETTINGS_VARIABLE)) or any(place.is_file() for place in _PLACES)


def load_settings(path: Path) -> Settings:
    """Read and validate a settings file; relative paths in it are relative to its folder.

    Raises MisuseError naming every wrong key at once.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MisuseError(f"settings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MisuseError(f"settings file {path} is not TOML: {error}") from error
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise MisuseError(f"settings file {path}: {_tell(error)}") from error
    return _anchor(settings, path.resolve().parent)


def _tell(error: ValidationError) -> str:
    # Only the place and the message: the rejected value may be a secret.
    return "; ".join(f"{'.'.join(str(part) for part in e['loc']) or 'file'}: {e['msg']}" for e in error.errors())


def _anchor(settings: Settings, folder: Path) -> Settings:
    paths = settings.paths
    url = paths.ledger_url
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        url = prefix + str(folder / url.removeprefix(prefix))
    anchored = Paths(work=folder / paths.work, store=folder / paths.store, ledger_url=url)
    repository = settings.platform.repository
    if "://" not in repository and not re.match(r"[\w.-]+@[\w.-]+:", repository):
        repository = str(folder / repository)
    platform = settings.platform.model_copy(update={"repository": repository})
    pg_dump = settings.trial.pg_dump
    trial = settings.trial.model_copy(update={"pg_dump": folder / pg_dump if pg_dump is not None else None})
    channels = settings.channels.model_copy(update={"folder": folder / settings.channels.folder})
    return settings.model_copy(update={"paths": anchored, "platform": platform, "trial": trial, "channels": channels})
    changed = {"paths": anchored, "platform": platform, "trial": trial, "triage": settings.triage.anchored(folder)}
    return settings.model_copy(update=changed)
