"""`logs endpoints`: the API's endpoints ranked by p95, with what each depends on. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from namecard_release.cli.gates_running import read_optional_settings
from namecard_release.cli.output import UNKNOWN, exit_codes, print_json, print_table
from namecard_release.cli.reading import JsonOption, SettingsOption, read_settings
from namecard_release.cli.triaging import printable, read_window
from namecard_release.domain.endpoints import AccessTable, Endpoint
from namecard_release.domain.incident_evidence import Part
from namecard_release.domain.log_events import Access, Cut
from namecard_release.domain.triage import Triage
from namecard_release.errors import MisuseError, TransientError
from namecard_release.redaction import redact
from namecard_release.triage_settings import TriageSettings

_SHOWN = 20


def endpoints(
    env: Annotated[str | None, typer.Option("--env", help="The environment.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="From when: 15m, 2h, 1d ago, or ISO 8601 (UTC).")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Until when, as --since; now.")] = None,
    file: Annotated[
        list[str] | None, typer.Option("--file", help="Read these access and function logs (- is stdin), and no AWS.")
    ] = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Rank endpoints by p95, from access logs or, where those tell no time, functions' logs; exit 3: not all read."""
    with exit_codes():
        window = read_window(since, until, datetime.now(UTC))
        told = _rank_files(file, *window, settings) if file else _rank_groups(env, *window, settings)
        ranked = told.value
        if ranked is None:
            raise TransientError(told.unread)
    if json:
        print_json(
            {"complete": not told.unread, "unread": told.unread or None, "endpoints": [asdict(o) for o in ranked]}
        )
    else:
        print_table(_HEADERS, [_row(one) for one in ranked[:_SHOWN]])
        if told.unread:
            typer.echo(f"UNKNOWN: not all was read: {told.unread}")
    if told.unread:
        raise typer.Exit(UNKNOWN)


def _rank_files(
    names: Sequence[str], since: datetime | None, until: datetime | None, settings: Path | None
) -> Part[tuple[Endpoint, ...]]:
    from namecard_release.adapters.log_files import read_log_file

    own = read_optional_settings(settings)
    dependencies = (TriageSettings() if own is None else own.triage).dependencies_of()
    table, triage, unread = AccessTable(redact), Triage(since, until, clean=redact), list[str]()
    for event in (event for name in names for event in read_log_file(name, "", since, until)):
        if isinstance(event, Access):
            table.add(event)
        elif isinstance(event, Cut):
            unread.append(event.reason)
        else:
            triage.add(event)
    return Part(table.endpoints(triage.result().paths, dependencies), "; ".join(unread))


def _rank_groups(
    env: str | None, since: datetime | None, until: datetime | None, settings: Path | None
) -> Part[tuple[Endpoint, ...]]:
    if env is None or since is None:
        raise MisuseError("give --env and --since, or --file to read logs on this machine")
    loaded = read_settings(settings)
    environment = loaded.environment(env)
    from namecard_release.composition import build_signals
    from namecard_release.workflow.signal_reading import read_endpoints, read_logs

    signals, end = build_signals(loaded, env), until or datetime.now(UTC)
    parts = signals.inventory.parts(environment.stack_names, loaded.platform.services)
    triage = read_logs(signals, parts.functions, since, end, loaded.triage.cause_rules())
    times = () if triage.value is None else triage.value.paths
    dependencies: Mapping[str, Sequence[str]] = loaded.triage.dependencies_of()
    ranked = read_endpoints(signals, parts, times, dependencies, since, end)
    unread = triage.unread if triage.value is None else triage.value.unread
    return Part(ranked.value, "; ".join(text for text in (ranked.unread, unread) if text))


_HEADERS = ("P95 MS", "P50 MS", "REQUESTS", "FAILED", "ENDPOINT", "SERVICE", "DEPENDS ON", "TIMED BY")


def _row(one: Endpoint) -> tuple[str, ...]:
    times = ("-" if ms is None else f"{ms:.0f}" for ms in (one.p95_ms, one.p50_ms))
    counts = (str(one.count), "-" if one.failed is None else str(one.failed))
    words = (one.route, one.service or "-", ", ".join(one.dependencies) or "-", one.timed_by or "-")
    return tuple(map(printable, (*times, *counts, *words)))
