"""Slack: one thread a subject, each message with its key as metadata, so that it can be found again.

Limits: https://docs.slack.dev/reference/block-kit/blocks (50 blocks, 3,000 characters a section, 150 a header, 10
fields of 2,000) and https://docs.slack.dev/reference/methods/chat.postMessage. When to try again is not decided here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from namecard_release.adapters.channels.answers import connecting, cut, read_wait, tell_connection, tell_status
from namecard_release.adapters.channels.secrets import Secret
from namecard_release.domain.delivery import Answer, Outcome, taken
from namecard_release.domain.messages import Message, MessageKind
from namecard_release.errors import PermanentError, ReleaseError

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

EVENT_TYPE = "namecard_release_message"
_BLOCKS, _SECTION, _HEADER, _FIELD, _FIELDS, _TEXT = 50, 3000, 150, 2000, 10, 3900
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_PAGES, _PAGE = 20, 200
# The clocks of this machine and Slack may differ by as much.
_SKEW_SECONDS = 300
# Nothing gets through until somebody changes the token, the app or the channel; the message itself is in order.
_CLOSING = frozenset(
    {
        *("invalid_auth", "not_authed", "account_inactive", "token_expired", "token_revoked", "no_permission"),
        *("missing_scope", "not_allowed_token_type", "channel_not_found", "not_in_channel", "is_archived"),
        *("org_login_required", "ekm_access_denied", "access_denied", "team_access_not_granted", "restricted_action"),
        *("channel_is_archived", "posting_to_general_channel_denied", "team_added_to_org", "method_deprecated"),
    }
)
_LATER = frozenset(
    {"ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "internal_error", "fatal_error"}
)


class SlackSender:
    """Posts to one channel; a receipt is `<channel id>:<ts>`."""

    def __init__(
        self, token: Secret, channel: str, mention: str, url: str, per_minute: int, timeout_seconds: float
    ) -> None:
        self._token, self._channel, self._mention = token, channel, mention
        self._url, self._timeout = url, timeout_seconds
        self.per_minute = per_minute
        self.where = f"Slack {channel}"

    def send(self, message: Message, thread: str | None) -> Answer:
        """Post a message, into its subject's thread when there is one; an escalation is shown in the channel, too."""

        def _post(client: WebClient) -> Answer:
            channel, ts = _split(thread) if thread else (self._channel, None)
            told = client.chat_postMessage(
                channel=channel,
                text=cut(escape(f"{message.title}\n{message.text}"), _TEXT),
                blocks=blocks_of(message, self._mention),
                metadata={"event_type": EVENT_TYPE, "event_payload": {"key": message.key}},
                thread_ts=ts,
                reply_broadcast=ts is not None and message.kind is MessageKind.ESCALATE,
                unfurl_links=False,
                unfurl_media=False,
            )
            return taken(f"{told['channel']}:{told['ts']}")

        return self._ask(_post)

    def find(self, message: Message, thread: str | None) -> Answer:
        """Look for the message's key in its thread, or in the channel since it was queued."""

        def _look(client: WebClient) -> Answer:
            channel, ts = _split(thread) if thread else (self._find_channel(client), None)
            for one in _messages(client, channel, ts, message.at.timestamp() - _SKEW_SECONDS):
                if _key_of(one) == message.key:
                    return taken(f"{channel}:{one['ts']}")
            return Answer(Outcome.NOT_TAKEN)

        answer = self._ask(_look)
        # What cannot be looked up stays unsure, also where the refusal is about the looking.
        if answer.outcome is Outcome.TAKEN or not answer.reason:
            return answer
        return Answer(Outcome.UNSURE, answer.reason, wait_seconds=answer.wait_seconds, closed=answer.closed)

    def check(self) -> Answer:
        """Ask Slack whether it knows the token."""

        def _test(client: WebClient) -> Answer:
            client.auth_test()
            return taken("")

        return self._ask(_test)

    def _ask(self, call: Callable[[WebClient], Answer]) -> Answer:
        from slack_sdk import WebClient
        from slack_sdk.errors import SlackApiError, SlackClientError

        options: dict[str, Any] = {"timeout": self._timeout, "logger": logging.Logger("slack", logging.CRITICAL + 1)}
        try:
            # Its own retries would wait inside of the call.
            client = WebClient(self._token.read(), f"{self._url}/", retry_handlers=[], **options)
            return connecting(lambda: call(client))
        except SlackApiError as error:
            return self._judge(error)
        except ReleaseError as error:
            return Answer(Outcome.NOT_TAKEN, str(error), closed=True)
        except (SlackClientError, OSError, ValueError) as error:
            # Also an answer that is no JSON, which a proxy in between gives.
            return tell_connection("Slack", error)

    def _judge(self, error: SlackApiError) -> Answer:
        response: Any = error.response
        status, wait = response.status_code, read_wait(response.headers)
        told = response.get("error") if isinstance(response.data, dict) else None
        # Where the answer was no JSON, a proxy's page say, the library puts words of its own there.
        code = told if isinstance(told, str) and _CODE.fullmatch(told) else None
        if code in _LATER or status == 429:
            return Answer(Outcome.NOT_TAKEN, f"Slack answered {code or status}", wait_seconds=wait, closed=True)
        if code in _CLOSING:
            self._token.forget()
            where = f"check {self._token.name}, the app's scopes and that it is in {self._channel}"
            return Answer(Outcome.NOT_TAKEN, f"Slack answered {code}: {where}", closed=True)
        if code is None or status >= 500:
            answer = tell_status("Slack", status, code or "no JSON", wait)
            return replace(answer, outcome=Outcome.UNSURE) if answer.outcome is Outcome.REFUSED else answer
        return Answer(Outcome.REFUSED, f"Slack answered {code}")

    def _find_channel(self, client: WebClient) -> str:
        if not self._channel.startswith("#"):
            return self._channel
        cursor = ""
        for _ in range(_PAGES):
            told = client.conversations_list(cursor=cursor, limit=_PAGE, exclude_archived=True)
            for channel in told["channels"]:
                if channel["name"] == self._channel[1:]:
                    return str(channel["id"])
            cursor = (told.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        raise PermanentError(f"Slack has no channel {self._channel} that the app can see: give its id in the settings")


def escape(text: str) -> str:
    """Escape what Slack reads as markup, https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks_of(message: Message, mention: str) -> list[dict[str, Any]]:
    """Give a message as blocks: title, mention of an escalation, text, fields; what is over the limits is cut."""
    title = {"type": "plain_text", "text": cut(message.title or "-", _HEADER)}
    blocks: list[dict[str, Any]] = [{"type": "header", "text": title}]
    if message.kind is MessageKind.ESCALATE and mention:
        blocks.append(_section(mention.strip()))
    blocks += [_section(part) for part in _parts(escape(message.text))]
    for start in range(0, len(message.fields), _FIELDS):
        pairs = message.fields[start : start + _FIELDS]
        fields = [{"type": "mrkdwn", "text": _fit(f"*{escape(n)}*\n{escape(v)}", _FIELD)} for n, v in pairs]
        blocks.append({"type": "section", "fields": fields})
    if len(blocks) > _BLOCKS:
        left_out = len(blocks) - _BLOCKS + 1
        blocks = [*blocks[: _BLOCKS - 1], _section(f"{left_out} more blocks are left out; the outbox has all of it")]
    return blocks


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _parts(text: str) -> Iterator[str]:
    # Cut at line ends where there are some, never inside of an escape.
    while text.strip():
        part = _fit(text, _SECTION, ellipsis=False)
        if len(part) < len(text) and (end := part.rfind("\n")) > 0:
            part = part[: end + 1]
        if part.strip():
            yield part
        text = text[len(part) :]


def _fit(text: str, most: int, *, ellipsis: bool = True) -> str:
    if len(text) <= most:
        return text
    part = text[: most - ellipsis]
    entity = part.rfind("&", max(0, len(part) - 5))
    if entity >= 0 and ";" not in part[entity:]:
        part = part[:entity]
    return part + "\N{HORIZONTAL ELLIPSIS}" if ellipsis else part


def _messages(client: WebClient, channel: str, ts: str | None, oldest: float) -> Iterator[dict[str, Any]]:
    cursor = ""
    for _ in range(_PAGES):
        page: dict[str, Any] = {"channel": channel, "limit": _PAGE, "include_all_metadata": True, "cursor": cursor}
        told = (
            client.conversations_replies(ts=ts, **page)
            if ts
            else client.conversations_history(oldest=f"{oldest:.6f}", **page)
        )
        yield from told["messages"]
        cursor = (told.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return
    raise PermanentError(f"Slack has more than {_PAGES * _PAGE} messages to look through in {channel}")


def _key_of(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return payload.get("key") if metadata.get("event_type") == EVENT_TYPE else None


def _split(receipt: str) -> tuple[str, str]:
    channel, _, ts = receipt.partition(":")
    return channel, ts
