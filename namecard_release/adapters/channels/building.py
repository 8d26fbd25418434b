"""The channels built from their settings; the file stands in for each one that is not configured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.channels.local import LocalSender
from namecard_release.adapters.channels.notion import NotionSender
from namecard_release.adapters.channels.pagerduty import PagerDutyReader, PagerDutySender
from namecard_release.adapters.channels.secrets import Clients, Secret
from namecard_release.adapters.channels.slack import SlackSender
from namecard_release.channel_settings import Channels, SecretSource
from namecard_release.domain.messages import Channel
from namecard_release.outbox_port import Sender


def build_senders(channels: Channels, endpoint_url: str | None, env: Mapping[str, str] | None) -> dict[Channel, Sender]:
    """Build every channel's sender; a secret is read when it is first needed."""
    clients = _clients(endpoint_url, env)
    senders: dict[Channel, Sender] = {one: LocalSender(channels.folder, one) for one in Channel}
    if (pagerduty := channels.pagerduty) is not None:
        limits = (pagerduty.per_minute, pagerduty.timeout_seconds)
        key = Secret(pagerduty.routing_key, clients)
        senders[Channel.PAGERDUTY] = PagerDutySender(key, pagerduty.events_url, *limits)
    if (slack := channels.slack) is not None:
        own = (slack.channel, slack.escalation_mention, slack.api_url, slack.per_minute, slack.timeout_seconds)
        senders[Channel.SLACK] = SlackSender(Secret(slack.token, clients), *own)
    if channels.notion is not None:
        senders[Channel.NOTION] = NotionSender(Secret(channels.notion.token, clients), channels.notion)
    return senders


def build_acknowledgements(
    channels: Channels, endpoint_url: str | None, env: Mapping[str, str] | None
) -> PagerDutyReader | None:
    """Build what reads acknowledgements back from PagerDuty; None without a token for it."""
    own = channels.pagerduty
    if own is None or own.api_token is None:
        return None
    return PagerDutyReader(Secret(own.api_token, _clients(endpoint_url, env)), own.api_url, own.timeout_seconds)


def read_secret(source: SecretSource, endpoint_url: str | None, env: Mapping[str, str] | None) -> str:
    """Read one secret. Raises PermanentError when there is none, TransientError when AWS does not answer."""
    return Secret(source, _clients(endpoint_url, env)).read()


def _clients(endpoint_url: str | None, env: Mapping[str, str] | None) -> Clients:
    return cache(lambda region: AwsClients(region, endpoint_url, env))
