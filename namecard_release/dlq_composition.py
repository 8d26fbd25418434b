"""The adapters for dead letters built from the settings. No Dagster here; no decision either."""

from __future__ import annotations

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.clock import SystemClock
from namecard_release.adapters.cloud import AwsCloud
from namecard_release.adapters.dead_letters.archive import S3DeadLetterArchive
from namecard_release.adapters.dead_letters.bodies import BodyReader
from namecard_release.adapters.dead_letters.directory import StackFunctions
from namecard_release.adapters.dead_letters.filters import make_filter, make_prober
from namecard_release.adapters.dead_letters.queue import SqsDeadLetterQueue
from namecard_release.adapters.dead_letters.ways import FunctionWay, QueueWay
from namecard_release.adapters.failed_requests import LoggedRequests
from namecard_release.adapters.git import GitRepository
from namecard_release.adapters.pacing import SteadyPacer
from namecard_release.dlq_port import DeadLetterJournal, DeadLetterPorts, ReplayWay
from namecard_release.settings import Settings
from namecard_release.workflow.dead_letters import Desk
from namecard_release.workflow.verifying import base_url_of


def build_desk(settings: Settings, name: str, journal: DeadLetterJournal) -> Desk:
    """Build what work on an environment's dead letters is given. Raises MisuseError for an unknown environment."""
    environment, own = settings.environment(name), settings.dead_letters
    clients = AwsClients(environment.region, settings.aws.endpoint_url, settings.aws.env or None)
    reader = BodyReader(settings.platform.services, make_prober(own.expressions(), own.routes))
    git = GitRepository(settings.platform.repository, settings.paths.work)
    ports = DeadLetterPorts(
        environment=name,
        queue=SqsDeadLetterQueue(clients, own.queue.replace("{key}", environment.key), reader),
        archive=S3DeadLetterArchive(
            clients, own.archive_bucket, own.archive_prefix, own.kms_key, own.archive_account or environment.account
        ),
        way=_build_way(settings, clients, environment.key),
        directory=StackFunctions(clients, environment.stack_names, settings.platform.services),
        journal=journal,
        make_filter=make_filter,
        make_pacer=SteadyPacer,
        resolve=lambda ref: git.resolve(ref).sha,
        contains=git.contains,
    )
    return Desk(ports, own, environment, SystemClock())


def build_request_log(settings: Settings, name: str) -> LoggedRequests:
    """Build what reads an environment's failed requests out of its logs."""
    environment = settings.environment(name)
    clients = AwsClients(environment.region, settings.aws.endpoint_url, settings.aws.env or None)
    return LoggedRequests(clients, environment.stack_names, settings.platform.services)


def find_api(settings: Settings, name: str) -> str | None:
    """Find an environment's public address with its stage, None before its first deploy."""
    environment = settings.environment(name)
    outputs: dict[str, str] = {}
    if environment.api_url is None:
        cloud = AwsCloud(environment.region, settings.aws.endpoint_url, settings.aws.env or None)
        outputs = cloud.outputs(environment.stack_names)
    return base_url_of(environment, outputs)


def _build_way(settings: Settings, clients: AwsClients, key: str) -> ReplayWay:
    queue = settings.dead_letters.target_queue
    return FunctionWay(clients) if queue is None else QueueWay(clients, queue.replace("{key}", key))
