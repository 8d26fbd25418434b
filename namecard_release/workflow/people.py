"""What people say: approvals, holds, pauses. Each needs a name and a reason, and is in the audit trail by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from namecard_release.domain.approvals import Approval, ApprovalState, explain_no_approver, is_named, judge_approvals
from namecard_release.domain.freezes import describe_freeze, find_freeze
from namecard_release.domain.pauses import Pause, explain_held
from namecard_release.domain.promotion import EVERY_RELEASE, Hold
from namecard_release.domain.release import short
from namecard_release.domain.waivers import read_expiry
from namecard_release.errors import MisuseError, RefusedError
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.settings import Settings
from namecard_release.workflow.waiting import list_waiting

_LONGEST_PAUSE = timedelta(days=365)


@dataclass(frozen=True)
class Word:
    """Who says something about an environment, why, and when."""

    environment: str
    actor: str
    reason: str
    at: datetime


def approve_release(settings: Settings, ledger: ReleaseLedger, word: Word, release: str) -> ApprovalState:
    """Keep an approval of a release (full SHA) and tell how far that gets it.

    Raises MisuseError without name or reason or where no approval is asked for, RefusedError for who may not.
    """
    _check(settings, word)
    rule = settings.environment(word.environment).approval_rule()
    if rule.needed == 0:
        raise MisuseError(f"{word.environment} asks for no approval: see environments.{word.environment}.approvals")
    requesters = [p.actor for p in list_waiting(ledger, word.environment) if p.release == release]
    why = explain_no_approver(rule, word.actor, requesters)
    if why is not None:
        raise RefusedError(f"{short(release)} is not approved for {word.environment}: {why}")
    until = word.at + rule.lasts
    ledger.approve(Approval(word.environment, release, word.actor, word.reason, word.at, until))
    given = ledger.approvals(word.environment, release)
    # With no promotion yet it is not known whose own approval will not count.
    asked = requesters[0] if requesters else "whoever asks"
    return judge_approvals(rule, word.environment, release, asked, given, word.at)


def revoke_approval(
    settings: Settings, ledger: ReleaseLedger, word: Word, release: str, approver: str
) -> tuple[Approval, ...]:
    """Revoke a person's approvals of a release (empty: one's own). Raises RefusedError when none is in force."""
    _check(settings, word)
    whose = approver.strip() or word.actor
    revoked = ledger.revoke_approvals(word.environment, release, whose, word.actor, word.reason, word.at)
    if not revoked:
        raise RefusedError(f"no approval of {short(release)} for {word.environment} by {whose} is in force")
    return revoked


def place_hold(settings: Settings, ledger: ReleaseLedger, word: Word, release: str | None) -> Hold:
    """Hold a release, or with None the whole environment. Raises RefusedError when it is held already."""
    _check(settings, word)
    hold = Hold(word.environment, release or EVERY_RELEASE, word.reason, word.actor, word.at)
    if not ledger.hold(hold):
        what = word.environment if release is None else f"{short(release)} in {word.environment}"
        raise RefusedError(f"{what} is held already: see 'namecard-release holds list'")
    return hold


def release_hold(settings: Settings, ledger: ReleaseLedger, word: Word, release: str | None) -> None:
    """Release a hold of a release, or with None of the whole environment. Raises RefusedError when there is none."""
    settings.environment(word.environment)
    if not is_named(word.actor):
        raise MisuseError("to release a hold, say who does it")
    if not ledger.release_hold(word.environment, release or EVERY_RELEASE, word.actor, word.at, word.reason):
        what = f"{word.environment} as a whole is not held"
        raise RefusedError(what if release is None else f"{short(release)} is not held in {word.environment}")


def pause_automation(settings: Settings, ledger: ReleaseLedger, word: Word, until: str) -> Pause:
    """Pause automation until a moment (ISO 8601 with its zone, or a length such as 2h), empty: until it is resumed.

    A pause in force is replaced by this one. Raises MisuseError for a moment that makes no sense.
    """
    _check(settings, word)
    try:
        end = read_expiry(until, word.at, _LONGEST_PAUSE) if until else None
    except ValueError as error:
        raise MisuseError(f"until: {error}") from error
    return ledger.pause(Pause(word.environment, word.reason, word.actor, word.at, end))


def resume_automation(settings: Settings, ledger: ReleaseLedger, word: Word) -> None:
    """End the pause of automation. Raises RefusedError when none is in force."""
    settings.environment(word.environment)
    if not is_named(word.actor):
        raise MisuseError("to resume automation, say who does it")
    if not ledger.resume(word.environment, word.actor, word.reason, word.at):
        raise RefusedError(f"automation of {word.environment} is not paused")


def why_held(ledger: ReleaseLedger, environment: str, now: datetime) -> str | None:
    """Say why people keep an environment from rolling back by itself, or None."""
    return explain_held(ledger.pauses(environment), ledger.holds(environment), environment, now)


def why_frozen(settings: Settings, environment: str, now: datetime) -> str | None:
    """Say which freeze keeps releases out of an environment and until when, or None."""
    freeze = find_freeze(settings.environment(environment).freeze_windows(now), now)
    return None if freeze is None else describe_freeze(freeze)


def _check(settings: Settings, word: Word) -> None:
    settings.environment(word.environment)
    if not is_named(word.actor):
        raise MisuseError("nobody is named: say who this is by actor, or launch it with the tag namecard/actor")
    if not word.reason.strip():
        raise MisuseError("a reason is needed: it is kept in the audit trail")
