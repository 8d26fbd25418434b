"""`requests replay`: failed requests of an environment sent to its API again."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, exit_codes, note, print_json, print_table, when
from namecard_release.cli.reading import JsonOption, SettingsOption, read_ledger, read_settings
from namecard_release.domain.gates import Verdict
from namecard_release.domain.paths import template_path
from namecard_release.domain.request_replay import METHODS, SAFE, PlannedRequest, RequestPolicy, plan_requests
from namecard_release.domain.waivers import read_expiry
from namecard_release.errors import MisuseError, RefusedError
from namecard_release.redaction import redact
from namecard_release.settings import Settings

if TYPE_CHECKING:
    from namecard_release.adapters.failed_requests import ReadRequests
    from namecard_release.workflow.request_replaying import Replayed

requests = typer.Typer(help="Failed requests: replay.", no_args_is_help=True)
_CODES = {Verdict.PASSED: GOOD, Verdict.FAILED: FAILED, Verdict.UNKNOWN: UNKNOWN}
_LONGEST = timedelta(days=30)


@requests.callback()
def _group() -> None:
    """Keep `replay` a command of its own although it is the only one."""


@requests.command("replay")
def replay(
    env: Annotated[str, typer.Option("--env", help="The environment.")],
    file: Annotated[Path | None, typer.Option("--file", help="JSON lines: a log, or requests.")] = None,
    since: Annotated[str, typer.Option("--since", help="What failed since: 30m, 2h, 1d, or ISO 8601.")] = "",
    service: Annotated[str | None, typer.Option("--service", help="Of this service alone.")] = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", help="Send this method, too; GET, HEAD, OPTIONS always are.")
    ] = None,
    assume: Annotated[
        str | None, typer.Option("--assume-method", help="What a request is whose method was not logged.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 100,
    rate: Annotated[float, typer.Option("--rate", min=0.01, help="Requests a second.")] = 5.0,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit trail; a plan needs none.")] = "",
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Show what would be sent; send nothing.")] = False,
    actor: Annotated[str | None, typer.Option("--actor", help="Who; your login by default.")] = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Send requests that failed once more, each with a key that the API can know it again by.

    Exit codes: 0 all were answered, 1 one failed again (5xx), 2 misuse, 3 no answer.
    """
    with exit_codes():
        loaded = read_settings(settings)
        loaded.environment(env)
        policy = _policy(loaded, env, service, method or [], assume, since)
        if not plan_only and not reason.strip():
            raise MisuseError("say why with --reason: it is kept in the audit trail; --plan-only needs none")
        read = _read(loaded, env, file, policy.since, service, limit)
        planned = plan_requests(read.requests[:limit], policy)
        if read.malformed:
            note(f"{read.malformed} lines are no JSON objects and were passed over")
        if plan_only:
            _print_plan(planned, json)
            return
        done = _send(loaded, env, planned, rate, redact(actor or getpass.getuser()).strip(), redact(reason))
    _print_done(done, json)
    raise typer.Exit(_CODES.get(done.verdict, UNKNOWN))


def _policy(
    settings: Settings, env: str, service: str | None, methods: list[str], assume: str | None, since: str
) -> RequestPolicy:
    services = settings.platform.services
    if service is not None and service not in services:
        raise MisuseError(f"--service {service} is none of {', '.join(services)}")
    named = [one.upper() for one in (*methods, *([] if assume is None else [assume]))]
    unknown = [one for one in named if one not in METHODS]
    if unknown:
        raise MisuseError(f"{', '.join(unknown)} is no method that the API has: there are {', '.join(METHODS)}")
    allowed = tuple(dict.fromkeys((*SAFE, *(one.upper() for one in methods))))
    wanted = services if service is None else (service,)
    return RequestPolicy(env, wanted, allowed, None if assume is None else assume.upper(), _read_since(since))


def _read_since(text: str) -> datetime | None:
    if not text:
        return None
    now = datetime.now(UTC)
    try:
        # The same lengths as everywhere, looked at backwards.
        return now - (read_expiry(text, now, _LONGEST) - now)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MisuseError(f"--since {text!r} is neither a length such as 2h nor a moment in ISO 8601") from None
    if moment.tzinfo is None:
        raise MisuseError(f"--since {text} names no time zone: write {text}Z")
    return moment


def _read(
    settings: Settings, env: str, file: Path | None, since: datetime | None, service: str | None, limit: int
) -> ReadRequests:
    from namecard_release.adapters.failed_requests import read_file

    if file is not None:
        return read_file(file)
    if since is None:
        raise MisuseError("say which requests: --file FILE, or --since 1h to read the environment's logs")
    from namecard_release.dlq_composition import build_request_log

    return build_request_log(settings, env).read(since, service, limit)


def _send(
    settings: Settings, env: str, planned: tuple[PlannedRequest, ...], rate: float, actor: str, reason: str
) -> Replayed:
    from namecard_release.adapters.clock import SystemClock
    from namecard_release.adapters.pacing import SteadyPacer
    from namecard_release.adapters.request_sender import HttpRequestSender
    from namecard_release.dlq_composition import find_api
    from namecard_release.workflow.people import Word
    from namecard_release.workflow.request_replaying import ReplayTools, replay_requests

    base_url = find_api(settings, env)
    if base_url is None:
        raise RefusedError(f"{env} has no public address: deploy it, or set environments.{env}.api_url")
    tools = ReplayTools(HttpRequestSender(), SteadyPacer(rate), read_ledger(settings), SystemClock())
    return replay_requests(tools, base_url, planned, Word(env, actor, reason, datetime.now(UTC)))


def _print_plan(planned: tuple[PlannedRequest, ...], json: bool) -> None:
    if json:
        print_json({"requests": [_plain(one) for one in planned]})
        return
    rows = [
        (when(one.request.at), one.method or "-", template_path(one.request.path), str(one.action), one.reason)
        for one in planned
    ]
    print_table(("FAILED", "METHOD", "PATH", "WOULD", "WHY"), rows)


def _plain(one: PlannedRequest) -> dict[str, object]:
    # Paths hold identifiers of people's records, and queries may hold more: only their form is shown.
    request = one.request
    told = {"failed_at": request.at, "method": one.method or request.method, "path": template_path(request.path)}
    told |= {"request_id": request.request_id, "error": redact(request.error), "would": str(one.action)}
    return {**told, "reason": one.reason, "key": one.key}


def _print_done(done: Replayed, json: bool) -> None:
    if json:
        sent = [{**_plain(one), "status": answer.status, "answer": answer.error} for one, answer in done.sent]
        print_json({"verdict": str(done.verdict), "reason": done.reason, "sent": sent, "skipped": dict(done.skipped)})
        return
    typer.echo(f"{done.verdict}: {done.reason}")
    rows = [
        (one.method, template_path(one.path), str(answer.status or "-"), answer.error[:100])
        for one, answer in done.sent
    ]
    if rows:
        print_table(("METHOD", "PATH", "STATUS", "ERROR"), rows)
    for reason, number in done.skipped:
        typer.echo(f"  not sent {number}: {reason}")
