"""boto3 clients of one region, made once and when first needed. What is asked through them does not belong here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

from namecard_release.adapters.aws_errors import aws_errors_told

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_xray import XRayClient

_ATTEMPTS = 3
THREADS = 8
# The end of the year 9999, the last that a moment can tell.
_LAST_SECOND = 253402300799


@dataclass(frozen=True)
class AwsPatience:
    """How long AWS is waited for, in seconds: for a connection, and for the next part of an answer."""

    connect: float = 3.0
    read: float = 8.0


PATIENCE = AwsPatience()


class AwsClients:
    """Clients with bounded retries and time-outs, safe to share between threads.

    `env` holds credentials in the AWS variables' names (key, secret, token, profile); None means the default chain. No
    attempt begins after the time limit of the call (`aws_errors_told`).
    """

    def __init__(
        self,
        region: str,
        endpoint_url: str | None,
        env: Mapping[str, str] | None,
        patience: AwsPatience = PATIENCE,
    ) -> None:
        self.region = region
        self._patience = patience
        self._env = dict(env or {})
        self._endpoint_url = endpoint_url or self._env.get("AWS_ENDPOINT_URL")
        # Making a client is not thread-safe in boto3; using one is.
        self._lock = RLock()
        self._made: dict[str, Any] = {}

    @property
    def cloudformation(self) -> CloudFormationClient:
        """The client of CloudFormation."""
        client: CloudFormationClient = self._client("cloudformation")
        return client

    @property
    def cloudwatch(self) -> CloudWatchClient:
        """The client of CloudWatch."""
        client: CloudWatchClient = self._client("cloudwatch")
        return client

    @property
    def functions(self) -> LambdaClient:
        """The client of Lambda."""
        client: LambdaClient = self._client("lambda")
        return client

    @property
    def logs(self) -> CloudWatchLogsClient:
        """The client of CloudWatch Logs."""
        client: CloudWatchLogsClient = self._client("logs")
        return client

    @property
    def xray(self) -> XRayClient:
        """The client of X-Ray, which asks once: traces are an extra that nobody waits for."""
        client: XRayClient = self._client("xray", attempts=1)
        return client

    @property
    def rds(self) -> RDSClient:
        """The client of RDS."""
        client: RDSClient = self._client("rds")
        return client

    @property
    def s3(self) -> S3Client:
        """The client of S3."""
        client: S3Client = self._client("s3")
        return client

    @property
    def secrets(self) -> SecretsManagerClient:
        """The client of Secrets Manager."""
        client: SecretsManagerClient = self._client("secretsmanager")
        return client

    @property
    def sns(self) -> SNSClient:
        """The client of SNS."""
        client: SNSClient = self._client("sns")
        return client

    @property
    def sqs(self) -> SQSClient:
        """The client of SQS."""
        # Letters go by ten thousands: looking through each call's arguments is a cost on every one of them, and SQS
        # refuses what is wrong by itself.
        client: SQSClient = self._client("sqs", validated=False)
        return client

    @cached_property
    def account(self) -> str:
        """The account that the credentials belong to. Raises TransientError or PermanentError."""
        with aws_errors_told("tell whose credentials these are"):
            return str(self._client("sts").get_caller_identity()["Account"])

    def _client(self, service: str, attempts: int = _ATTEMPTS, *, validated: bool = True) -> Any:
        # Nobody who has what is needed waits while another client is made.
        if (made := self._made.get(service)) is not None:
            return made
        with self._lock, aws_errors_told(f"be reached for {service}"):
            if service not in self._made:
                # boto3 types `client` by literal service names; the properties above give the types back.
                make: Any = self._session.client
                config = self._config(attempts, validated=validated)
                self._made[service] = make(service, endpoint_url=self._endpoint_url, config=config)
            return self._made[service]

    @cached_property
    def _session(self) -> Session:
        from boto3.session import Session
        from botocore.session import Session as Core

        from namecard_release.adapters.aws_answers import refuse_foreign, refuse_late, send_at_once

        core = Core()
        # Whatever the session itself asks, a role's credentials for instance, would wait for minutes otherwise.
        core.set_default_client_config(self._config())
        core.register("before-send", refuse_late)
        core.register("before-parse", refuse_foreign)
        core.get_component("event_emitter").register_last("before-call.s3", send_at_once)
        core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_moment)
        return Session(
            botocore_session=core,
            aws_access_key_id=self._env.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=self._env.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=self._env.get("AWS_SESSION_TOKEN"),
            profile_name=self._env.get("AWS_PROFILE"),
            region_name=self.region,
        )

    def _config(self, attempts: int = _ATTEMPTS, *, validated: bool = True) -> Config:
        from botocore.config import Config

        # Bucket names in the host do not resolve on an endpoint of one's own.
        style = {"addressing_style": "path"} if self._endpoint_url else None
        return Config(
            connect_timeout=self._patience.connect,
            read_timeout=self._patience.read,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=2 * THREADS,
            parameter_validation=validated,
            # CloudTrail shows who called; botocore would put its own name together anew for each call.
            user_agent="namecard-release",
            s3=style,  # type: ignore[arg-type]
        )


def parse_moment(value: object) -> datetime:
    """Parse a moment of an AWS answer into UTC; seconds since the epoch at once, any other form as botocore does.

    botocore makes each one a moment of this machine's zone, by looking it up: over half of what an answer about alarms
    costs to read.
    """
    if isinstance(value, (int, float)) and 0 <= value < _LAST_SECOND:
        return datetime.fromtimestamp(value, UTC)
    from botocore.utils import parse_timestamp

    moment: datetime = parse_timestamp(cast("str", value))
    return moment.astimezone(UTC)
