"""`logs triage`: what failed in a service's log, how often, and what it points to. Nothing is decided here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from namecard_release.cli.gates_running import read_optional_settings
from namecard_release.cli.output import UNKNOWN, exit_codes, print_json, print_table, when
from namecard_release.cli.reading import JsonOption, SettingsOption, read_settings
from namecard_release.domain.causes import CauseRule
from namecard_release.domain.evidence_json import plain_triage
from namecard_release.domain.log_events import Failure, Invocation, LogEvent
from namecard_release.domain.triage import Triage, TriageResult
from namecard_release.errors import MisuseError, PermanentError
from namecard_release.redaction import redact
from namecard_release.triage_settings import TriageSettings

_AGO = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHOWN, _MOST_SERVICES = 15, 100
_FIELDS = {"env": "environment", "service": "service", "since": "since"}
_TOLD_LINES = ("json", "platform", "trace", "malformed", "oversize", "outside", "undated", "errors")


def triage(
    env: Annotated[str | None, typer.Option("--env", help="The environment.")] = None,
    service: Annotated[str | None, typer.Option("--service", help="The service, such as cards.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="From when: 15m, 2h, 1d ago, or a moment in ISO 8601 (UTC).")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Until when, as --since; now.")] = None,
    file: Annotated[
        str | None, typer.Option("--file", help="Read this file (.jsonl, gzip too; - is standard input), and no AWS.")
    ] = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Group a service's failed invocations by error and path and say what they point to; exit code 3: not all read."""
    with exit_codes():
        window = read_window(since, until, datetime.now(UTC))
        wanted = _Wanted(env, service, *window)
        told = _triage_file(file, wanted, settings) if file is not None else _triage_group(wanted, settings)
    if json:
        print_json(told)
    else:
        _print(told)
    if not told["complete"]:
        raise typer.Exit(UNKNOWN)


@dataclass(frozen=True)
class _Wanted:
    """What was asked for, as far as it was."""

    environment: str | None
    service: str | None
    since: datetime | None
    until: datetime | None


def _triage_file(name: str, wanted: _Wanted, settings: Path | None) -> dict[str, Any]:
    from namecard_release.adapters.log_files import read_log_file

    own = read_optional_settings(settings)
    if own is not None and wanted.environment is not None:
        own.environment(wanted.environment)
    rules = (own.triage if own is not None else TriageSettings()).cause_rules()
    passed_over = Counter[str]()
    events = _of_service(read_log_file(name, wanted.service or "", wanted.since, wanted.until), wanted, passed_over)
    told = _plain(wanted, "file", name, _sum_up(events, wanted, rules))
    return {**told, "other_services": dict(passed_over)}


def _of_service(events: Iterable[LogEvent], wanted: _Wanted, passed_over: Counter[str]) -> Iterator[LogEvent]:
    """Pass invocations of other services than the one asked for over, and count those by service, a bounded number."""
    for event in events:
        own = event.service if isinstance(event, (Failure, Invocation)) else wanted.service
        if wanted.service in (None, own):
            yield event
        else:
            known = own if own in passed_over or len(passed_over) < _MOST_SERVICES else "others"
            passed_over[redact(known or "")[:100]] += 1


def _triage_group(wanted: _Wanted, settings: Path | None) -> dict[str, Any]:
    missing = [f"--{name}" for name in ("env", "service", "since") if not getattr(wanted, _FIELDS[name])]
    if wanted.environment is None or wanted.service is None or wanted.since is None:
        raise MisuseError(f"give {', '.join(missing)}, or --file to read a log on this machine")
    loaded = read_settings(settings)
    environment = loaded.environment(wanted.environment)
    if wanted.service not in loaded.platform.services:
        raise MisuseError(f"unknown service {wanted.service!r}: there are {', '.join(loaded.platform.services)}")
    from namecard_release.composition import build_signals

    signals = build_signals(loaded, wanted.environment)
    parts = signals.inventory.parts(environment.stack_names, (wanted.service,))
    if not parts.functions:
        raise PermanentError(
            f"the stacks {', '.join(environment.stack_names)} have no function of {wanted.service}; "
            "see 'namecard-release status' for what is deployed"
        )
    function, until = parts.functions[0], wanted.until or datetime.now(UTC)
    events = signals.logs.function_events(function, wanted.since, until)
    asked = replace(wanted, until=until)
    return _plain(asked, "log_group", function.log_group, _sum_up(events, asked, loaded.triage.cause_rules()))


def _sum_up(events: Iterable[LogEvent], wanted: _Wanted, rules: Sequence[CauseRule]) -> TriageResult:
    triage = Triage(wanted.since, wanted.until, rules, redact)
    for event in events:
        triage.add(event)
    return triage.result()


def _plain(wanted: _Wanted, kind: str, name: str, told: TriageResult) -> dict[str, Any]:
    source = {"kind": kind, "name": name}
    return {"environment": wanted.environment, "service": wanted.service, "source": source, **plain_triage(told)}


def read_window(since: str | None, until: str | None, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Read --since and --until. Raises MisuseError for what is no moment and for an end before the beginning."""
    first = None if since is None else read_moment(since, "--since", now)
    last = None if until is None else read_moment(until, "--until", now)
    if first is not None and first >= (last or now):
        raise MisuseError(f"--since ({when(first)}) must be before --until ({when(last or now)})")
    return first, last


def read_moment(text: str, option: str, now: datetime) -> datetime:
    """Read `15m` (ago) or a moment in ISO 8601, UTC where it names no zone. Raises MisuseError for what is neither."""
    found = _AGO.fullmatch(text.strip())
    try:
        if found is not None:
            return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MisuseError(f"{option} is 15m, 2h or 1d (ago), or a moment such as 2026-03-01T12:00:00Z") from error


def _print(told: dict[str, Any]) -> None:
    typer.echo(
        f"{told['failed']} failed, {told['completed']} completed; {told['cause']['cause']}: {told['cause']['reason']}"
    )
    if told["groups"]:
        headers = ("FAILED", "SERVICE", "ERROR", "PATH", "CAUSE", "FIRST", "LAST", "REQUEST", "MESSAGE")
        print_table(headers, [_row(group) for group in told["groups"][:_SHOWN]])
    hidden = sum(group["count"] for group in told["groups"][_SHOWN:]) + told["other"]
    if hidden:
        typer.echo(f"{hidden} more failed in other groups; --json tells those that were kept")
    _print_rest(told)


def _row(group: dict[str, Any]) -> tuple[str, ...]:
    request = next((one["requestId"] or one["invocationId"] for one in group["samples"]), "")
    moments = ((group[name] or "-")[:19] for name in ("first", "last"))
    head = (str(group["count"]), group["service"] or "-", group["error"], group["path"] or "-", group["cause"])
    return tuple(map(printable, (*head, *moments, request or "-", " ".join(group["message"].split())[:80])))


def printable(text: str) -> str:
    """Take what would steer a terminal out of text from a log."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _print_rest(told: dict[str, Any]) -> None:
    impact, lines, platform = told["impact"], told["lines"], told["platform"]
    least = "at least " if impact["at_least"] or not told["complete"] else ""
    typer.echo(
        f"impact: {least}{impact['requests_failed']} requests, {impact['correlation_ids']} correlation ids, "
        f"{impact['clients']} client addresses"
    )
    slow = ", ".join(
        f"{printable(one['path'])} p95 {one['p95_ms']:.0f} ms ({one['count']})" for one in told["paths"][:3]
    )
    typer.echo(f"slowest: {slow or 'no finished invocation'}")
    if platform["memory_exhausted"] or platform["init_errors"]:
        typer.echo(f"Lambda: {platform['memory_exhausted']} out of memory, {platform['init_errors']} failed to start")
    counts = ", ".join(f"{lines[name]} {name}" for name in _TOLD_LINES if lines[name])
    typer.echo(f"lines: {lines['total']}{f' ({counts})' if counts else ''}")
    if not told["complete"]:
        typer.echo(f"UNKNOWN: the log was not read whole: {told['unread']}")
