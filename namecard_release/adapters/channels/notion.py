"""Notion: one page a subject in the data source "Ops Incidents", each message a few blocks that end with its key.

Limits: https://developers.notion.com/reference/request-limits (100 blocks a request, 2,000 characters a text, 429 with
Retry-After). When to try again is not decided here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from namecard_release.adapters.channels.answers import connecting, cut, read_wait, tell_connection, tell_status
from namecard_release.adapters.channels.secrets import Secret
from namecard_release.channel_settings import NotionChannel
from namecard_release.domain.checklist import DONE, ChecklistItem
from namecard_release.domain.delivery import Answer, Outcome, taken
from namecard_release.domain.messages import Message, MessageKind
from namecard_release.errors import PermanentError, ReleaseError, TransientError

if TYPE_CHECKING:
    from notion_client import Client

_TEXT, _BLOCKS, _PAGE = 2000, 100, 100
_LONGEST_PAGE = 100
_REF = "ref "
_CLOSING = frozenset({"unauthorized", "restricted_resource", "invalid_request_url"})
_GONE = "object_not_found"


class NotionSender:
    """Writes pages of incidents; a receipt is the page's id."""

    def __init__(self, token: Secret, settings: NotionChannel) -> None:
        self._token, self._settings = token, settings
        self.per_minute = settings.per_minute
        self.where = f"Notion, data source {settings.data_source}"

    def send(self, message: Message, thread: str | None) -> Answer:
        """Append a message to its subject's page, which is made when there is none (any more)."""
        return self._ask(lambda client: taken(self._write(client, message, thread)))

    def find(self, message: Message, thread: str | None) -> Answer:
        """Look for the message's key on its subject's page."""

        def _look(client: Client) -> Answer:
            page = self._find_page(client, message.subject)
            told = page is not None and any(_text_of(b) == _REF + message.key for b in _children(client, page))
            return taken(page or "") if told else Answer(Outcome.NOT_TAKEN)

        answer = self._ask(_look)
        if answer.outcome is Outcome.TAKEN or not answer.reason:
            return answer
        return Answer(Outcome.UNSURE, answer.reason, wait_seconds=answer.wait_seconds, closed=answer.closed)

    def check(self) -> Answer:
        """Ask Notion whether the token sees the data source and both properties are there."""

        def _test(client: Client) -> Answer:
            source: Any = client.data_sources.retrieve(self._settings.data_source)
            wanted = (self._settings.title_property, self._settings.incident_property)
            lost = [name for name in wanted if name not in source["properties"]]
            if lost:
                reason = f"the data source {self._settings.data_source} has no property {', '.join(lost)}"
                return Answer(Outcome.NOT_TAKEN, reason, closed=True)
            return taken("")

        return self._ask(_test)

    def read_checklist(self, subject: str) -> tuple[ChecklistItem, ...] | None:
        """Read how far a subject's checklist is; None when it has no page.

        Raises TransientError when Notion does not answer, PermanentError when it refuses.
        """
        found: list[tuple[ChecklistItem, ...] | None] = []

        def _read(client: Client) -> Answer:
            page = self._find_page(client, subject)
            found.append(None if page is None else tuple(_items(_children(client, page))))
            return taken("")

        answer = self._ask(_read)
        if answer.outcome is Outcome.TAKEN:
            return found[-1]
        if answer.outcome is Outcome.REFUSED:
            raise PermanentError(answer.reason)
        raise TransientError(answer.reason)

    def _write(self, client: Client, message: Message, thread: str | None) -> str:
        from notion_client import APIResponseError

        page = thread or self._find_page(client, message.subject)
        if page is not None:
            try:
                client.blocks.children.append(page, children=blocks_of(message))
                return page
            except APIResponseError as error:
                # Somebody removed the page: what is told from now on is on a new one.
                if not _is_gone(error):
                    raise
                page = None if thread is None else self._find_page(client, message.subject)
                if page is not None and page != thread:
                    client.blocks.children.append(page, children=blocks_of(message))
                    return page
        return self._create(client, message)

    def _create(self, client: Client, message: Message) -> str:
        own = self._settings
        made: Any = client.pages.create(
            parent={"type": "data_source_id", "data_source_id": own.data_source},
            properties={
                own.title_property: {"title": [_rich(cut(message.title or message.subject, _TEXT))]},
                own.incident_property: {"rich_text": [_rich(message.subject)]},
            },
            children=blocks_of(message),
        )
        return str(made["id"])

    def _find_page(self, client: Client, subject: str) -> str | None:
        own = {"property": self._settings.incident_property, "rich_text": {"equals": subject}}
        oldest = [{"timestamp": "created_time", "direction": "ascending"}]
        told: Any = client.data_sources.query(self._settings.data_source, filter=own, sorts=oldest, page_size=1)
        return str(told["results"][0]["id"]) if told["results"] else None

    def _ask(self, call: Callable[[Client], Answer]) -> Answer:
        import httpx
        from notion_client import APIResponseError
        from notion_client.errors import NotionClientErrorBase

        try:
            client = _client(self._settings.api_url, self._token.read(), self._settings.timeout_seconds)
            return connecting(lambda: call(client))
        except APIResponseError as error:
            return self._judge(error)
        except ReleaseError as error:
            return Answer(Outcome.NOT_TAKEN, str(error), closed=True)
        except (NotionClientErrorBase, httpx.TransportError, ValueError) as error:
            return tell_connection("Notion", error)

    def _judge(self, error: Any) -> Answer:
        code = getattr(error.code, "value", error.code)
        told = f"{code}: {cut(' '.join(str(error).split()), 200)}"
        if code in _CLOSING or (code == _GONE and self._settings.data_source.replace("-", "") in str(error)):
            self._token.forget()
            reason = f"Notion answered {told}; check {self._token.name} and that its integration sees the data source"
            return Answer(Outcome.NOT_TAKEN, reason, closed=True)
        return tell_status("Notion", error.status, told, read_wait(error.headers))


# Making one takes a tenth of a second, for it reads the certificates.
@lru_cache(maxsize=4)
def _client(url: str, token: str, timeout_seconds: float) -> Client:
    import httpx
    from notion_client import Client

    # A connection that is kept may be closed by then, and nobody would know whether the message went through.
    http = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
    # Its own retries would wait inside of the call, and its own log would tell each failure once more.
    quiet = logging.Logger("notion", logging.CRITICAL + 1)
    timeout = int(timeout_seconds * 1000)
    return Client({"base_url": url, "auth": token, "timeout_ms": timeout, "retry": False, "logger": quiet}, http)


def blocks_of(message: Message) -> list[dict[str, Any]]:
    """Give a message as Notion's blocks: title, text, fields (to-dos for a checklist), and its key at the end."""
    blocks = [_block("heading_3", cut(message.title or "-", _TEXT))]
    blocks += [_block("paragraph", part) for part in _parts(message.text)]
    for name, value in message.fields:
        if message.kind is MessageKind.CHECKLIST:
            blocks.append(_block("to_do", cut(name, _TEXT), checked=value == DONE))
        else:
            blocks.append(_block("bulleted_list_item", cut(f"{name}: {value}", _TEXT)))
    if len(blocks) >= _BLOCKS:
        left_out = len(blocks) - _BLOCKS + 2
        blocks = [*blocks[: _BLOCKS - 2], _block("paragraph", f"{left_out} more blocks are left out")]
    return [*blocks, _block("paragraph", _REF + message.key, color="gray")]


def _block(kind: str, text: str, **more: object) -> dict[str, Any]:
    return {"object": "block", "type": kind, kind: {"rich_text": [_rich(text)], **more}}


def _rich(text: str) -> dict[str, Any]:
    return {"type": "text", "text": {"content": text}}


def _parts(text: str) -> Iterator[str]:
    for start in range(0, len(text), _TEXT):
        yield text[start : start + _TEXT]


def _children(client: Client, page: str) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    for _ in range(_LONGEST_PAGE):
        told: Any = client.blocks.children.list(page, page_size=_PAGE, **cursor)
        yield from told["results"]
        if not told.get("has_more"):
            return
        cursor = {"start_cursor": told["next_cursor"]}
    raise PermanentError(f"the page {page} in Notion has more than {_PAGE * _LONGEST_PAGE} blocks to look through")


def _items(blocks: Iterator[dict[str, Any]]) -> Iterator[ChecklistItem]:
    for block in blocks:
        if block["type"] == "to_do":
            yield ChecklistItem(_text_of(block), bool(block["to_do"].get("checked")))


def _text_of(block: dict[str, Any]) -> str:
    parts = (block.get(block["type"]) or {}).get("rich_text") or []
    return "".join(part.get("plain_text") or part.get("text", {}).get("content", "") for part in parts)


def _is_gone(error: Any) -> bool:
    return getattr(error.code, "value", error.code) == _GONE or "archived" in str(error)
