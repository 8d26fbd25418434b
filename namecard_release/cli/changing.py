"""Commands that change something: promote, rollback, holds. They ask the running Dagster, so that runs show there."""

from __future__ import annotations

import getpass
import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from namecard_release.cli import people
from namecard_release.cli.output import FAILED, GOOD, UNKNOWN, exit_codes, note, print_json, when
from namecard_release.cli.reading import (
    JsonOption,
    SettingsOption,
    plain_promotion,
    read_ledger,
    read_settings,
    resolve,
)
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.domain.release import short
from namecard_release.errors import MisuseError, PermanentError, RefusedError, TransientError
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.ports import PipelineControl
from namecard_release.redaction import redact
from namecard_release.settings import Settings

EnvOption = Annotated[str, typer.Option("--env", help="The environment.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait for the end: the bake of a promotion included.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for the ledger.")]
ActorOption = Annotated[str | None, typer.Option("--actor", help="Who; your login by default.")]

if TYPE_CHECKING:
    from namecard_release.workflow.rolling_back import RollbackPlan

_UNTOLD = "asked for on the command line"
_ENDS = frozenset({"SUCCEEDED", "FAILED", "HELD", "ROLLED_BACK", "SUPERSEDED", "ABORTED"})
_RUN_ENDS = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
_POLL_SECONDS = 0.1
# The ledger is read in each turn, Dagster asked in every tenth.
_TURNS_PER_QUESTION = 10
# How long the run-status sensors may take to write the end of a run into the ledger.
_LEDGER_SECONDS = 40.0
# How long Dagster may take to run again what it says it will.
_RETRY_SECONDS = 120.0


def promote(
    env: EnvOption,
    commit: Annotated[str, typer.Option("--commit", help="The release: a commit, branch or tag.")],
    wait: WaitOption = False,
    reason: ReasonOption = _UNTOLD,
    actor: ActorOption = None,
    override_freeze: Annotated[
        bool, typer.Option("--override-freeze", help="Promote although the environment is frozen; give --reason.")
    ] = False,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Promote a release to an environment."""
    with exit_codes():
        loaded = read_settings(settings)
        override = _read_override(override_freeze, reason)
        who = redact(actor or getpass.getuser())
        run_id, sha = request_promotion(loaded, env, commit, who, redact(reason), override)
        note(f"promotion of {short(sha)} to {env}: run {loaded.dagster.url}/runs/{run_id}")
        needed = loaded.environment(env).approvals
        if needed:
            note(f"{env} asks for {needed} approvals: 'namecard-release status' tells whether it waits for any")
        ended = wait_for_end(loaded, run_id, env) if wait else None
    _tell(run_id, ended, json)


def _read_override(wanted: bool, reason: str) -> str | None:
    if not wanted:
        return None
    if reason == _UNTOLD or not reason.strip():
        raise MisuseError("--override-freeze needs --reason: it is kept in the audit trail")
    return redact(reason)


def request_promotion(
    settings: Settings, env: str, commit: str, actor: str, reason: str, override: str | None = None
) -> tuple[str, str]:
    """Launch a promotion's run and give its id and the release's SHA; `override` is why a freeze does not count.

    Raises MisuseError or RefusedError before anything is touched.
    """
    from namecard_release.composition import build_control, build_pipeline
    from namecard_release.workflow.promoting import check_entry

    settings.environment(env)
    sha = resolve(settings, commit)
    closed = check_entry(build_pipeline(settings), env, sha, override)
    if closed is not None:
        raise RefusedError(f"{short(sha)} is not promoted to {env}: {closed}")
    control = build_control(settings)
    control.add_release(sha)
    tags = {"dagster/partition": sha, "namecard/actor": actor, "namecard/reason": reason}
    if override is not None:
        tags["namecard/override-freeze"] = override
    return control.launch(f"promote_{env}_job", tags, {}), sha


def rollback(
    env: EnvOption,
    to: Annotated[str | None, typer.Option("--to", help="The release to go back to; the last good one else.")] = None,
    wait: WaitOption = False,
    reason: ReasonOption = "asked for on the command line",
    actor: ActorOption = None,
    accept_schema_risk: Annotated[
        bool, typer.Option("--accept-schema-risk", help="Roll back although the verdict is not SAFE.")
    ] = False,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="Tell the verdict and what lies between; launch nothing.")
    ] = False,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Roll an environment back to a release that was verified there, as it was built."""
    with exit_codes():
        loaded = read_settings(settings)
        if plan_only:
            _tell_rollback_plan(loaded, env, to, wait or accept_schema_risk, json)
        who = redact(actor or getpass.getuser())
        run_id = request_rollback(loaded, env, to, who, redact(reason), accept_schema_risk)
        note(f"rollback of {env}: run {loaded.dagster.url}/runs/{run_id}")
        ended = wait_for_end(loaded, run_id, env) if wait else None
    _tell(run_id, ended, json)


def _tell_rollback_plan(settings: Settings, env: str, to: str | None, launching: bool, json: bool) -> None:
    from namecard_release.cli.rollback_plan import tell_plan

    if launching:
        raise MisuseError("--plan-only launches nothing: leave --wait and --accept-schema-risk out")
    tell_plan(plan_rollback_of(settings, env, to), json)


def plan_rollback_of(settings: Settings, env: str, to: str | None) -> RollbackPlan:
    """Plan a rollback to a release, or to the last good one. Raises as `plan_rollback` does."""
    from namecard_release.composition import build_pipeline
    from namecard_release.workflow.rolling_back import plan_rollback

    settings.environment(env)
    sha = None if to is None else resolve(settings, to)
    return plan_rollback(build_pipeline(settings), env, sha)


def request_rollback(settings: Settings, env: str, to: str | None, actor: str, reason: str, accepted: bool) -> str:
    """Launch a rollback's run and give its id; `accepted` is that a person takes the schema's risk.

    Raises MisuseError or RefusedError before anything is touched.
    """
    from namecard_release.composition import build_control
    from namecard_release.workflow.rolling_back import refuse_unsafe

    plan = plan_rollback_of(settings, env, to)
    note(f"rollback to {short(plan.target.release)} is {plan.safety.safety}: {plan.safety.reason}")
    refuse_unsafe(plan, accepted)
    config = {"environment": env, "to": plan.target.release, "reason": reason, "accept_schema_risk": accepted}
    tags = {"namecard/environment": env, "namecard/actor": actor, "namecard/reason": reason}
    run_config = {"ops": {"rollback_deployment": {"config": config}}}
    return build_control(settings).launch("rollback_job", tags, run_config)


def wait_for_end(settings: Settings, run_id: str, environment: str) -> Promotion:
    """Follow a run's promotion to its end, each move told on stderr, through the runs that go on with it.

    Raises PermanentError when its run ended without any promotion, TransientError when the ledger tells no end.
    """
    from namecard_release.composition import build_control

    ledger, follower = read_ledger(settings), _Follower(build_control(settings), run_id)
    told, turn = 0, 0
    pause = threading.Event()
    while True:
        promotion = _promotion_of(ledger, environment, run_id)
        if promotion is not None:
            told = _tell_moves(ledger, promotion, told)
            if promotion.phase in _ENDS and not follower.is_resumed(promotion):
                return promotion
        if turn % _TURNS_PER_QUESTION == 0 and _has_a_run(promotion):
            follower.check_run(promotion)
        turn += 1
        pause.wait(_POLL_SECONDS)


def _has_a_run(promotion: Promotion | None) -> bool:
    # None of these has a run that could tell anything: a bake, what waits for people, and what is to be run again.
    if promotion is None:
        return True
    return promotion.phase not in _ENDS | {PromotionPhase.BAKING} and promotion.waiting is None


class _Follower:
    """The run that a promotion is at; another one may go on with it, when it was killed or when people let it."""

    def __init__(self, control: PipelineControl, run_id: str) -> None:
        self._control = control
        self._run_id = run_id
        self._over_since: float | None = None
        self._failed: tuple[str, float] | None = None

    def is_resumed(self, ended: Promotion) -> bool:
        """Tell whether an ended promotion is about to go on: Dagster says that it runs its run again, and soon will."""
        if ended.phase is not PromotionPhase.FAILED:
            return False
        if self._failed is None or self._failed[0] != ended.run_id:
            if not self._will_be_retried(ended.run_id):
                return False
            self._failed = ended.run_id, time.monotonic()
            note("  its process died: Dagster runs it again")
        return time.monotonic() - self._failed[1] < _RETRY_SECONDS

    def _will_be_retried(self, run_id: str) -> bool:
        try:
            return self._control.will_be_retried(run_id)
        except (TransientError, PermanentError):
            # Then what the ledger says is all that is known.
            return False

    def check_run(self, promotion: Promotion | None) -> None:
        """Raise the error of a run that is over for longer than the ledger needs to be told of it."""
        if promotion is not None and promotion.run_id not in ("", self._run_id):
            self._run_id, self._over_since = promotion.run_id, None
        status = self._control.run_status(self._run_id)
        if status not in _RUN_ENDS:
            self._over_since = None
            return
        self._over_since = self._over_since or time.monotonic()
        if time.monotonic() - self._over_since < _LEDGER_SECONDS:
            return
        if promotion is None:
            raise PermanentError(f"run {self._run_id} ended as {status} without a promotion: open it in the UI")
        told = f"run {self._run_id} ended as {status}, yet the ledger says {promotion.phase}"
        raise TransientError(f"{told}: is the Dagster daemon running?")


def _promotion_of(ledger: ReleaseLedger, environment: str, run_id: str) -> Promotion | None:
    from namecard_release.workflow.promoting import is_promotion_of

    return next((p for p in ledger.history(environment, limit=1000) if is_promotion_of(p.id, run_id)), None)


def _tell_moves(ledger: ReleaseLedger, promotion: Promotion, told: int) -> int:
    moves = ledger.moves(promotion.id)
    for at, phase, why in moves[told:]:
        note(f"  {when(at)}  {phase}  {why}".rstrip())
    return len(moves)


def _tell(run_id: str, ended: Promotion | None, json: bool) -> None:
    if json:
        print_json({"run": run_id, "promotion": None if ended is None else plain_promotion(ended)})
    elif ended is not None:
        typer.echo(f"{ended.environment} {short(ended.release)}: {ended.phase}")
    if ended is not None:
        raise typer.Exit(_code(ended.phase))


def _code(phase: PromotionPhase) -> int:
    if phase is PromotionPhase.SUCCEEDED:
        return GOOD
    return UNKNOWN if phase is PromotionPhase.HELD else FAILED


holds = typer.Typer(help="Releases that are held back from an environment.", no_args_is_help=True)
holds.command("place")(people.place)
holds.command("release")(people.release)


@holds.command("list")
def list_holds(settings: SettingsOption = None, json: JsonOption = False) -> None:
    """List the holds that are open."""
    with exit_codes():
        found = read_ledger(read_settings(settings)).holds()
    if json:
        print_json({"holds": found})
        return
    for hold in found:
        typer.echo(
            f"{hold.environment}  {short(hold.release)}  since {when(hold.since)} by {hold.actor}: {hold.reason}"
        )
