"""The part of Notion's API (2025-09-03) that keeps pages of one data source and their blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.servers.loopback import LoopbackServer, Reply, Request

TOKEN = "ntn_" + "a1B2c3D4e5" * 4
SOURCE = "2f26ee68-df30-4251-aad4-8ddc420cba3d"


@dataclass
class Page:
    """One page; a removed one takes no blocks and is not found any more."""

    id: str
    title: str
    incident: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    removed: bool = False


class NotionServer(LoopbackServer):
    """One data source with the properties Name and Incident."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[Page] = []

    def tick(self, page: int, text: str) -> None:
        """Let a person tick a to-do."""
        for block in self.pages[page].blocks:
            if block["type"] == "to_do" and text in _text(block["to_do"]["rich_text"]):
                block["to_do"]["checked"] = True

    def handle(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, "unauthorized", "API token is invalid.")
        assert request.headers["notion-version"] == "2025-09-03"
        match request.path.split("/")[2:]:
            case ["data_sources", source]:
                return Reply(200, {"properties": {"Name": {}, "Incident": {}}}) if source == SOURCE else _lost(source)
            case ["data_sources", source, "query"]:
                return self._query(request.body) if source == SOURCE else _lost(source)
            case ["pages"]:
                return self._create(request.body)
            case ["blocks", page, "children"]:
                return self._children(request, page)
        return _error(400, "invalid_request_url", "Invalid request URL.")

    def _query(self, body: dict[str, Any]) -> Reply:
        wanted = body["filter"]
        assert wanted["property"] == "Incident"
        found = [p for p in self.pages if p.incident == wanted["rich_text"]["equals"] and not p.removed]
        return Reply(200, {"object": "list", "results": [{"id": p.id} for p in found], "has_more": False})

    def _create(self, body: dict[str, Any]) -> Reply:
        assert body["parent"] == {"type": "data_source_id", "data_source_id": SOURCE}
        own = body["properties"]
        page = Page(f"page-{len(self.pages)}", _text(own["Name"]["title"]), _text(own["Incident"]["rich_text"]))
        if (refused := _refuse(body["children"])) is not None:
            return refused
        page.blocks += body["children"]
        self.pages.append(page)
        return Reply(200, {"object": "page", "id": page.id})

    def _children(self, request: Request, identifier: str) -> Reply:
        page = next((p for p in self.pages if p.id == identifier and not p.removed), None)
        if page is None:
            return _error(404, "object_not_found", f"Could not find block with ID: {identifier}.")
        if request.method == "GET":
            size, start = 2, int(request.query.get("start_cursor", ["0"])[0])
            more = start + size < len(page.blocks)
            following = str(start + size) if more else None
            return Reply(
                200, {"results": page.blocks[start : start + size], "has_more": more, "next_cursor": following}
            )
        if (refused := _refuse(request.body["children"])) is not None:
            return refused
        page.blocks += request.body["children"]
        return Reply(200, {"object": "list", "results": []})


def _refuse(blocks: list[dict[str, Any]]) -> Reply | None:
    if len(blocks) > 100:
        return _error(400, "validation_error", "body.children.length should be <= 100")
    texts = (part["text"]["content"] for block in blocks for part in block[block["type"]]["rich_text"])
    if any(len(text) > 2000 for text in texts):
        return _error(400, "validation_error", "text.content.length should be <= 2000")
    return None


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"object": "error", "status": status, "code": code, "message": message})


def _lost(source: str) -> Reply:
    return _error(404, "object_not_found", f"Could not find database with ID: {source}.")


def _text(rich: list[dict[str, Any]]) -> str:
    return "".join(part["text"]["content"] for part in rich)
