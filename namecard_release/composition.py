"""Adapters built from the settings. No Dagster here, so that the CLI starts fast; no decision either."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from urllib.parse import unquote, urlsplit

from namecard_release.adapters.alarm_queue import SqsAlarmQueue
from namecard_release.adapters.assembly_store import FileAssemblyStore
from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.cdk import CdkDeployer
from namecard_release.adapters.channels.building import build_acknowledgements, build_senders
from namecard_release.adapters.checkout import FolderReader
from namecard_release.adapters.clock import SystemClock
from namecard_release.adapters.cloud import AwsCloud
from namecard_release.adapters.code_switch import AwsCodeSwitch
from namecard_release.adapters.commands import ProcessRunner
from namecard_release.adapters.dagster_api import DagsterApi
from namecard_release.adapters.drift import AwsDriftReader
from namecard_release.adapters.git import GitRepository
from namecard_release.adapters.log_groups import Bounds
from namecard_release.adapters.probes import HttpProber
from namecard_release.adapters.rehearsal import PostgresRehearsal
from namecard_release.adapters.signals import AwsSignals
from namecard_release.adapters.sql.linter import PostgresLinter
from namecard_release.adapters.sql.reading import PostgresReader
from namecard_release.adapters.target_database import PostgresTarget, database_url_from_secret
from namecard_release.adapters.tools import ToolFinder
from namecard_release.adapters.trial import PostgresTrial
from namecard_release.domain.budgets import Expected
from namecard_release.gate_settings import Gates
from namecard_release.ledger.open import open_ledger
from namecard_release.ledger.outbox import outbox_of
from namecard_release.mitigation_port import Levers
from namecard_release.redaction import know_secrets, secrets_of
from namecard_release.settings import Environment, Platform, Settings
from namecard_release.workflow.checks import Bench
from namecard_release.workflow.dead_letters import Desk
from namecard_release.workflow.pipeline import Pipeline, Site

_DEPLOY_SECONDS = 3600.0


def build_pipeline(settings: Settings) -> Pipeline:
    """Build every port's adapter; an environment's own are made when first asked for."""
    know_secrets(_secrets_in(settings))
    runner = ProcessRunner(path=settings.tools.path)
    store = FileAssemblyStore(settings.paths.store)
    ledger = open_ledger(settings.paths.ledger_url)

    @cache
    def site(name: str) -> Site:
        environment = settings.environment(name)
        aws = settings.aws
        cloud = AwsCloud(region=environment.region, endpoint_url=aws.endpoint_url, env=aws.env or None)
        deployer = CdkDeployer(settings.tools.cdk, runner, _cdk_env(settings, environment), _DEPLOY_SECONDS)
        target = PostgresTarget(lambda: _database_url(settings, environment), settings.trial.pg_dump)
        clients = AwsClients(environment.region, aws.endpoint_url, aws.env or None)
        switch, drift = AwsCodeSwitch(clients), AwsDriftReader(clients)
        pushes, signals = (
            SqsAlarmQueue(environment.region, aws.endpoint_url, aws.env or None),
            build_signals(settings, name),
        )
        return Site(name, environment, cloud, target, deployer, switch, drift, signals, pushes)

    @cache
    def desk(name: str) -> Desk:
        from namecard_release.dlq_composition import build_desk

        return build_desk(settings, name, ledger)

    @cache
    def levers(name: str) -> Levers:
        from namecard_release.playbook_composition import build_levers

        return build_levers(settings, name)

    return Pipeline(
        settings=settings,
        repository=GitRepository(settings.platform.repository, settings.paths.work),
        runner=runner,
        store=store,
        ledger=ledger,
        trial=PostgresTrial(settings.trial.database_url),
        prober=HttpProber(),
        clock=SystemClock(),
        site=site,
        sql=PostgresReader(),
        linter=PostgresLinter(),
        checkouts=FolderReader(),
        rehearsal=PostgresRehearsal(settings.trial.database_url),
        tools=ToolFinder(runner, settings.paths.work / "tools.json"),
        outbox=outbox_of(ledger),
        senders=build_senders(settings.channels, settings.aws.endpoint_url, settings.aws.env or None),
        dead_letters=desk,
        levers=levers,
        acknowledgements=build_acknowledgements(settings.channels, settings.aws.endpoint_url, settings.aws.env or None),
    )


def build_signals(settings: Settings, name: str) -> AwsSignals:
    """Build what evidence about one environment is read from; it connects when first asked."""
    environment, aws, triage = settings.environment(name), settings.aws, settings.triage
    evidence = triage.evidence or str(settings.paths.store.parent / "evidence")
    return AwsSignals(
        environment.region,
        aws.endpoint_url,
        aws.env or None,
        evidence,
        Bounds(triage.most_events, triage.most_seconds),
        insights=triage.reader == "insights",
    )


def build_bench(gates: Gates, platform: Platform, environments: Mapping[str, str], path: tuple[str, ...]) -> Bench:
    """Build what runs gates on a folder: no ledger, no repository, no cloud."""
    runner, linter, reader = ProcessRunner(path=path), PostgresLinter(), FolderReader()
    return Bench(runner, linter, reader, gates, Expected(platform.services, environments))


def build_control(settings: Settings) -> DagsterApi:
    """Build the way to the running Dagster."""
    return DagsterApi(settings.dagster.url)


def _cdk_env(settings: Settings, environment: Environment) -> dict[str, str]:
    return {"AWS_REGION": environment.region, **settings.aws.env}


def _database_url(settings: Settings, environment: Environment) -> str:
    if environment.database_url is not None:
        return environment.database_url
    aws = settings.aws
    secret = environment.database_secret or ""
    return database_url_from_secret(environment.region, aws.endpoint_url, aws.env or None, secret)


def _secrets_in(settings: Settings) -> tuple[str, ...]:
    """List the passwords and keys that the file itself holds; what it only names is known when it is read."""
    urls = [one.database_url for one in settings.environments.values()]
    passwords = [
        urlsplit(url or "").password or "" for url in (*urls, settings.paths.ledger_url, settings.trial.database_url)
    ]
    return (*map(unquote, passwords), *secrets_of(settings.aws.env))
