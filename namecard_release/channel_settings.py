"""The settings of the channels to people. They hold no secret, but the name of the variable or secret that does."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from namecard_release.gate_settings import Model

_AWS_NAME = r"^[A-Za-z0-9_{}-]{1,80}$"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or not parts.hostname:
        raise ValueError("an address is https://host, without user, password or query")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("an address is https; http is for this machine alone")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Url = Annotated[str, AfterValidator(_check_url)]


class SecretSource(Model):
    """Where a secret is: the name of an environment variable, or of a secret in AWS Secrets Manager with its region."""

    variable: str | None = Field(default=None, pattern=_VARIABLE)
    secret: str | None = Field(default=None, min_length=1)
    region: str = "ap-southeast-1"

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.variable is None) == (self.secret is None):
            raise ValueError("give either variable or secret: the name, not the value")
        return self

    @property
    def name(self) -> str:
        """What to look at when it is missing or wrong."""
        return f"the variable {self.variable}" if self.variable else f"the secret {self.secret}"


class PagerDutyChannel(Model):
    """PagerDuty: events through a service's Events v2 integration key, acknowledgements read with an API token."""

    routing_key: SecretSource
    api_token: SecretSource | None = None
    events_url: Url = "https://events.pagerduty.com"
    api_url: Url = "https://api.pagerduty.com"
    # PagerDuty takes about 120 a minute from one key; the rest is for whoever else uses it.
    per_minute: int = Field(default=100, gt=0, le=115)
    timeout_seconds: float = Field(default=10, gt=0, le=20)


class SlackChannel(Model):
    """Slack: the channel by its id (a name is looked up); whom an escalation mentions, e.g. `<!subteam^S012AB3CD>`."""

    token: SecretSource
    channel: str = Field(default="#namecard-ops", min_length=1)
    escalation_mention: str = Field(default="<!here>", pattern=r"^(<[!@][^<>]+> ?)*$")
    api_url: Url = "https://slack.com/api"
    per_minute: int = Field(default=50, gt=0, le=100)
    timeout_seconds: float = Field(default=10, gt=0, le=20)


class NotionChannel(Model):
    """Notion: the data source (database) "Ops Incidents", and its properties for the title and the incident's id."""

    token: SecretSource
    data_source: str = Field(min_length=1)
    title_property: str = "Name"
    incident_property: str = "Incident"
    api_url: Url = "https://api.notion.com"
    # Notion asks for three requests a second on average, and a message takes up to four.
    per_minute: int = Field(default=40, gt=0, le=60)
    timeout_seconds: float = Field(default=15, gt=0, le=20)


class Wiring(Model):
    """The alarms' own way to people through SNS; in the names {key} stands for the environment's physical key.

    `integration_url` is the address of PagerDuty's CloudWatch integration, which is a secret as a whole.
    """

    topic: str = Field(default="namecard-{key}-alarms", pattern=_AWS_NAME)
    queue: str = Field(default="namecard-{key}-alarm-events", pattern=_AWS_NAME)
    dead_letters: str = Field(default="namecard-{key}-alarm-undelivered", pattern=_AWS_NAME)
    integration_url: SecretSource | None = None


class Channels(Model):
    """The channels. One that is not configured keeps its messages in a file under `folder`, and tells nobody."""

    pagerduty: PagerDutyChannel | None = None
    slack: SlackChannel | None = None
    notion: NotionChannel | None = None
    folder: Path = Path("var/outbox")
    wiring: Wiring = Wiring()
