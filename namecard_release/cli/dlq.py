"""`dlq sample|replay|archive|drain|show`: the dead letters of an environment on the command line."""

from __future__ import annotations

import getpass
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from namecard_release.cli.ending import ended_cleanly
from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, exit_codes, print_json, print_table, when
from namecard_release.cli.reading import JsonOption, SettingsOption, read_settings
from namecard_release.domain.dead_letter_plans import JournalState, Mode
from namecard_release.domain.gates import Verdict
from namecard_release.errors import MisuseError
from namecard_release.redaction import redact

if TYPE_CHECKING:
    from namecard_release.ledger.sql_ledger import SqlLedger
    from namecard_release.workflow.dead_letter_orders import Ask
    from namecard_release.workflow.dead_letters import Desk, Planned, Sample
    from namecard_release.workflow.draining import Done

dlq = typer.Typer(
    help="Dead letters: sample, replay, archive, drain, show. Exit codes: 0 all done, 1 a person is needed or it "
    "failed, 2 misuse, 3 letters are left or something did not answer.",
    no_args_is_help=True,
)

EnvOption = Annotated[str, typer.Option("--env", help="The environment.")]
FilterOption = Annotated[
    str | None,
    typer.Option("--filter", help="JMESPath over a letter as 'dlq sample --json' shows it: service=='auth'"),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the audit trail; a plan needs none.")]
ActorOption = Annotated[str | None, typer.Option("--actor", help="Who; your login by default.")]
PlanOption = Annotated[
    bool, typer.Option("--plan-only", help="Show what would be done with the first 100; do nothing.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many letters at most.")]
RateOption = Annotated[float | None, typer.Option("--rate", min=0.01, help="Replays a second; else the settings'.")]
FixOption = Annotated[
    str, typer.Option("--hold-until-fixed", help="A commit: nothing is sent until a release with it SUCCEEDED here.")
]
_PLAN_LIMIT = 100
_CODES = {Verdict.PASSED: GOOD, Verdict.FAILED: FAILED, Verdict.UNKNOWN: UNKNOWN}


@dataclass(frozen=True)
class _Words:
    """What every command that acts is told."""

    env: str
    mode: Mode
    limit: int | None
    expression: str | None
    insist: bool = False
    rate: float | None = None
    reason: str = ""
    actor: str | None = None
    fix: str = ""
    archived: str = ""


@dlq.command("sample")
def sample(
    env: EnvOption,
    expression: FilterOption = None,
    limit: LimitOption = 10,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Look at letters without taking them: decoded, secrets masked, with what a drain would do with each."""
    with exit_codes():
        seen = _look(settings, _Words(env, Mode.DRAIN, limit, expression))
        _print_sample(seen, json)


@dlq.command("replay")
def replay(
    env: EnvOption,
    reason: ReasonOption = "",
    expression: FilterOption = None,
    limit: LimitOption = 1000,
    every: Annotated[bool, typer.Option("--all", help="Whatever the rules think; poison excepted.")] = False,
    rate: RateOption = None,
    fix: FixOption = "",
    archived: Annotated[
        str, typer.Option("--archived", help="An object of the archive: its letters, not the queue's.")
    ] = "",
    plan_only: PlanOption = False,
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Send letters back to the functions that failed, archived and journaled first; the others stay in the queue."""
    words = _Words(env, Mode.REPLAY, limit, expression, every, rate, reason, actor, fix, archived)
    if archived and plan_only:
        with exit_codes():
            _print_archived(_open(settings, env)[0], words, json)
        return
    _act(settings, words, plan_only, json)


@dlq.command("archive")
def archive(
    env: EnvOption,
    reason: ReasonOption = "",
    expression: FilterOption = None,
    limit: LimitOption = 1000,
    every: Annotated[bool, typer.Option("--all", help="Also what a replay might recover.")] = False,
    plan_only: PlanOption = False,
    read: Annotated[str | None, typer.Option("--read", help="Read an object of the archive back.")] = None,
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Put letters that no replay recovers into the archive, and out of the queue; --read reads an object back."""
    if read is not None:
        with exit_codes():
            _print_object(_open(settings, env)[0], read, json)
        return
    _act(settings, _Words(env, Mode.ARCHIVE, limit, expression, every, None, reason, actor), plan_only, json)


@dlq.command("drain")
def drain(
    env: EnvOption,
    reason: ReasonOption = "",
    expression: FilterOption = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Else the settings' drain_limit.")] = None,
    rate: RateOption = None,
    fix: FixOption = "",
    plan_only: PlanOption = False,
    actor: ActorOption = None,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Replay what may work, archive what will not, quarantine poison, until the queue is empty or the limit reached."""
    words = _Words(env, Mode.DRAIN, limit, expression, False, rate, reason, actor, fix)
    _act(settings, words, plan_only, json)


@dlq.command("show")
def show(
    env: EnvOption,
    key: Annotated[str | None, typer.Option("--key", help="A replay key or message id.")] = None,
    state: Annotated[JournalState | None, typer.Option("--state", help="Only letters of this state.")] = None,
    limit: LimitOption = 50,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Tell from the journal what became of letters, newest first; with --key also what the archive keeps of them."""
    with exit_codes():
        desk, _ = _open(settings, env)
        found = desk.ports.journal.entries(env, None if state is None else str(state), key, limit)
        kept = _find_kept(desk, key, sorted({one.archive for one in found})) if key is not None else []
    if json:
        print_json({"letters": found, "archived": kept})
        return
    headers = ("INTENDED", "STATE", "SERVICE", "ERROR", "REPLAY", "KEY", "ARCHIVE")
    rows = [
        (
            *(when(one.intended_at), str(one.state), one.service, one.error_name or "-"),
            *(str(one.attempt), one.replay_key, one.archive),
        )
        for one in found
    ]
    print_table(headers, rows)
    for one in kept:
        print_json(one)


def _find_kept(desk: Desk, key: str, objects: list[str]) -> list[dict[str, object]]:
    from namecard_release.adapters.dead_letters.showing import show_line

    lines = [line for name in objects for line in desk.ports.archive.read(name)]
    return [show_line(line) for line in lines if key in (line.replay_key, line.letter.message_id)]


def _print_object(desk: Desk, key: str, json: bool) -> None:
    from namecard_release.adapters.dead_letters.showing import show_line

    lines = desk.ports.archive.read(key)
    if json:
        print_json({"object": key, "letters": [show_line(line) for line in lines]})
        return
    headers = ("FILED", "SERVICE", "ERROR", "ACTION", "MESSAGE", "KEY", "REASON")
    rows = [
        (
            *(when(one.filed_at), one.service, one.letter.error_name or one.letter.error_message[:40] or "-"),
            *(one.action, one.letter.message_id, one.replay_key, one.reason[:80]),
        )
        for one in lines
    ]
    print_table(headers, rows)


def _print_archived(desk: Desk, words: _Words, json: bool) -> None:
    from namecard_release.adapters.dead_letters.showing import show_letter
    from namecard_release.workflow.archived_letters import look_into

    plans = look_into(desk, _ask(words, words.limit or _PLAN_LIMIT).order, words.archived)
    if json:
        shown = [
            {
                **show_letter(one.letter),
                "would": {
                    "action": "keep" if one.target is None else "replay",
                    "reason": one.reason,
                    "replay_key": one.key,
                    "attempt": one.attempt,
                    "function": None if one.target is None else one.target.function,
                },
            }
            for one in plans
        ]
        print_json({"object": words.archived, "letters": shown})
        return
    headers = ("SERVICE", "ERROR", "WOULD", "REPLAY", "KEY", "REASON")
    rows = [
        (
            *(one.service, one.letter.error_name or one.letter.error_message[:40] or "-"),
            *("keep" if one.target is None else "replay", str(one.attempt or "-"), one.key or "-", one.reason[:100]),
        )
        for one in plans
    ]
    print_table(headers, rows)


def _act(path: SettingsOption, words: _Words, plan_only: bool, json: bool) -> None:
    with exit_codes(), ended_cleanly():
        if plan_only:
            _print_sample(_look(path, words), json)
            return
        if not words.reason.strip():
            raise MisuseError("say why with --reason: it is kept in the audit trail; --plan-only needs none")
        done = _carry_out(path, words)
    if json:
        print_json(done)
    else:
        _print_done(done)
    raise typer.Exit(_CODES.get(done.verdict, UNKNOWN))


def _look(path: SettingsOption, words: _Words) -> Sample:
    from namecard_release.workflow.dead_letter_orders import look

    desk, ledger = _open(path, words.env)
    return look(desk, ledger, _ask(words, min(words.limit or desk.settings.drain_limit, _PLAN_LIMIT)))


def _carry_out(path: SettingsOption, words: _Words) -> Done:
    from namecard_release.workflow.dead_letter_orders import carry_out

    desk, ledger = _open(path, words.env)
    return carry_out(desk, ledger, _ask(words, words.limit or desk.settings.drain_limit))


def _ask(words: _Words, limit: int) -> Ask:
    from namecard_release.workflow.dead_letter_orders import Ask
    from namecard_release.workflow.dead_letters import Order
    from namecard_release.workflow.people import Word

    actor = redact(getpass.getuser() if words.actor is None else words.actor).strip()
    word = Word(words.env, actor, redact(words.reason), datetime.now(UTC))
    order = Order(words.mode, limit, f"cli-{uuid.uuid4().hex[:12]}", words.expression, words.insist, words.rate)
    return Ask(order, word, words.fix, words.archived)


def _open(path: SettingsOption, env: str) -> tuple[Desk, SqlLedger]:
    from namecard_release.dlq_composition import build_desk
    from namecard_release.ledger.open import open_ledger

    loaded = read_settings(path)
    loaded.environment(env)
    ledger = open_ledger(loaded.paths.ledger_url)
    return build_desk(loaded, env, ledger), ledger


def _print_sample(seen: Sample, json: bool) -> None:
    if json:
        letters = [_plain(one) for one in seen.planned]
        print_json({"queue": seen.queue, "depth": seen.depth, "looked_at": seen.seen, "letters": letters})
        return
    depth = seen.depth
    typer.echo(f"{seen.queue}: {depth.visible} to be had, {depth.hidden} hidden, {depth.delayed} delayed (about)")
    headers = ("SENT", "SERVICE", "ERROR", "CLASS", "WOULD", "REPLAY", "KEY", "REASON")
    rows = [
        (
            *(when(one.letter.sent_at), one.service, one.letter.error_name or one.letter.error_message[:40] or "-"),
            *(str(one.classification.recovery), str(one.plan.action), str(one.plan.attempt or "-"), one.plan.key),
            one.plan.reason[:100],
        )
        for one in seen.planned
    ]
    print_table(headers, rows)


def _plain(one: Planned) -> dict[str, object]:
    from namecard_release.adapters.dead_letters.showing import show_letter

    plan = one.plan
    return {
        **show_letter(one.letter),
        "service": one.service,
        "class": {
            "recovery": str(one.classification.recovery),
            "rule": one.classification.rule,
            "reason": one.classification.reason,
        },
        "would": {
            "action": str(plan.action),
            "reason": plan.reason,
            "replay_key": plan.key,
            "attempt": plan.attempt,
            "function": None if plan.target is None else plan.target.function,
        },
    }


def _print_done(done: Done) -> None:
    typer.echo(f"{done.verdict}: {done.reason} ({done.seconds:.1f} s)")
    for reason, number in done.reasons:
        typer.echo(f"  left {number}: {reason}")
    for key in done.archives[:20]:
        typer.echo(f"  archived in {key}")
