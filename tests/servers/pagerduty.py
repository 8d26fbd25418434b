"""PagerDuty's Events API v2 and the part of its REST API that tells acknowledgements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.servers.loopback import LoopbackServer, Reply, Request

ROUTING_KEY = "R0" + "ABCDEFGHIJ" * 3
TOKEN = "u+AbCdEfGhIjKlMnOpQr"


@dataclass
class Incident:
    """What one dedup_key opened."""

    key: str
    status: str = "triggered"
    log: list[dict[str, Any]] = field(default_factory=list)


class PagerDutyServer(LoopbackServer):
    """Keeps incidents by dedup_key as PagerDuty does: a trigger joins an open one, and opens a resolved one anew."""

    def __init__(self) -> None:
        super().__init__()
        self.incidents: list[Incident] = []
        self.events: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []

    def acknowledge(self, key: str, who: str, at: str) -> None:
        """Let a person acknowledge in PagerDuty."""
        incident = next(one for one in self.incidents if one.key == key and one.status != "resolved")
        incident.status = "acknowledged"
        incident.log.append({"type": "acknowledge_log_entry", "created_at": at, "agent": {"summary": who}})

    def handle(self, request: Request) -> Reply:
        if request.path.startswith("/incidents"):
            return self._read(request)
        if request.body.get("routing_key") != ROUTING_KEY:
            errors = ["Invalid routing key"]
            return Reply(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})
        if request.path == "/v2/change/enqueue":
            self.changes.append(request.body)
            return Reply(202, {"status": "success", "message": "Change event processed"})
        if request.path != "/v2/enqueue":
            return Reply(404, "Not Found")
        return self._event(request.body)

    def _event(self, event: dict[str, Any]) -> Reply:
        action, key = event["event_action"], event["dedup_key"]
        if action == "trigger" and not {"summary", "source", "severity"} <= set(event["payload"]):
            errors = ["'payload.summary' is missing or blank"]
            return Reply(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})
        self.events.append(event)
        alive = next((one for one in self.incidents if one.key == key and one.status != "resolved"), None)
        if action == "trigger" and alive is None:
            self.incidents.append(Incident(key))
        elif alive is not None and action != "trigger":
            alive.status = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        return Reply(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _read(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Token token={TOKEN}":
            return Reply(401, {"error": {"message": "Unauthorized", "code": 2006}})
        if request.path == "/incidents":
            [key] = request.query["incident_key"]
            found = [
                {"id": f"P{n}", "status": one.status, "incident_key": key}
                for n, one in enumerate(self.incidents)
                if one.key == key and one.status in request.query["statuses[]"]
            ]
            return Reply(200, {"incidents": found, "more": False, "limit": 100, "offset": 0})
        _, _, incident, what = request.path.split("/")
        assert what == "log_entries"
        log = [{"type": "trigger_log_entry", "created_at": "2026-03-02T09:00:00Z", "agent": {"summary": "service"}}]
        return Reply(200, {"log_entries": log + self.incidents[int(incident[1:])].log, "more": False})
