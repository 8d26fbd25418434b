"""The part of Slack's Web API that posts messages and reads them back."""

from __future__ import annotations

import json
from typing import Any

from tests.servers.loopback import LoopbackServer, Reply, Request

TOKEN = "xoxb-" + "123456789012-abcdefABCDEFghijkl"
CHANNEL = "C0123456789"
EVENT_KEY = "key"


class SlackServer(LoopbackServer):
    """One channel, `#namecard-ops`; a page of messages is three long, so that reading has to turn it."""

    page = 3

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def thread(self, ts: str) -> list[dict[str, Any]]:
        """Give a thread, its first message first."""
        return [one for one in self.messages if ts in (one["ts"], one.get("thread_ts"))]

    def handle(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(200, {"ok": False, "error": "invalid_auth"})
        body = request.body | {name: values[0] for name, values in request.query.items()}
        handler = {
            "/chat.postMessage": self._post,
            "/conversations.replies": self._replies,
            "/conversations.history": self._history,
            "/conversations.list": self._list,
            "/auth.test": lambda _: {"ok": True},
        }[request.path]
        return Reply(200, handler(body))

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["channel"] not in (CHANNEL, "#namecard-ops"):
            return {"ok": False, "error": "channel_not_found"}
        blocks, metadata = _json(body["blocks"]), _json(body["metadata"])
        if len(blocks) > 50 or any(len(b.get("text", {}).get("text", "")) > 3000 for b in blocks):
            return {"ok": False, "error": "invalid_blocks"}
        ts = f"{1772442000 + len(self.messages)}.000100"
        kept = {"ts": ts, "text": body["text"], "blocks": blocks, "metadata": metadata}
        if body.get("thread_ts"):
            kept |= {"thread_ts": body["thread_ts"], "broadcast": body.get("reply_broadcast") in (True, "1")}
        self.messages.append(kept)
        return {"ok": True, "channel": CHANNEL, "ts": ts, "message": kept}

    def _replies(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["channel"] == CHANNEL
        return self._paged(self.thread(body["ts"]), body)

    def _history(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["channel"] == CHANNEL
        newest = [
            m for m in reversed(self.messages) if "thread_ts" not in m and float(m["ts"]) >= float(body["oldest"])
        ]
        return self._paged(newest, body)

    def _paged(self, found: list[dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
        start = int(body.get("cursor") or 0)
        following = str(start + self.page) if start + self.page < len(found) else ""
        shown = found[start : start + self.page]
        if body.get("include_all_metadata") not in (True, "1", "true"):
            shown = [{name: value for name, value in one.items() if name != "metadata"} for one in shown]
        return {"ok": True, "messages": shown, "response_metadata": {"next_cursor": following}}

    def _list(self, body: dict[str, Any]) -> dict[str, Any]:
        pages = {"": ("C1", "general", "next"), "next": (CHANNEL, "namecard-ops", "")}
        identifier, name, cursor = pages[body.get("cursor") or ""]
        channels = [{"id": identifier, "name": name}]
        return {"ok": True, "channels": channels, "response_metadata": {"next_cursor": cursor}}


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
