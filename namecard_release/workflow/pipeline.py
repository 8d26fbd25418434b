"""What every step is given: the settings and the ports. Building adapters does not belong here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from namecard_release.domain.messages import Channel
from namecard_release.domain.promotion import PromotionPhase
from namecard_release.errors import RefusedError
from namecard_release.incident_port import Acknowledgements, AlarmQueue
from namecard_release.ledger_port import ReleaseLedger
from namecard_release.mitigation_port import Levers, no_levers
from namecard_release.outbox_port import Outbox, Sender
from namecard_release.ports import (
    AssemblyStore,
    CheckoutReader,
    Clock,
    Cloud,
    CommandRunner,
    Deployer,
    Prober,
    RehearsalServer,
    Repository,
    SqlLinter,
    SqlReader,
    TargetDatabase,
    Tools,
    TrialServer,
)
from namecard_release.serving_port import CodeSwitch, DriftReader
from namecard_release.settings import Environment, Settings
from namecard_release.signals_port import Signals
from namecard_release.workflow.dead_letters import Desk, no_desk


@dataclass(frozen=True)
class Site:
    """One environment with the ports that reach it."""

    name: str
    settings: Environment
    cloud: Cloud
    target: TargetDatabase
    deployer: Deployer
    switch: CodeSwitch
    drift: DriftReader
    signals: Signals | None = None
    pushes: AlarmQueue | None = None


@dataclass(frozen=True)
class Pipeline:
    """The settings, the shared ports, and a way to an environment's own (`site`, remembered by its maker)."""

    settings: Settings
    repository: Repository
    runner: CommandRunner
    store: AssemblyStore
    ledger: ReleaseLedger
    trial: TrialServer
    prober: Prober
    clock: Clock
    site: Callable[[str], Site]
    sql: SqlReader
    linter: SqlLinter
    checkouts: CheckoutReader
    rehearsal: RehearsalServer
    tools: Tools
    outbox: Outbox
    senders: Mapping[Channel, Sender] = field(default_factory=dict)
    dead_letters: Callable[[str], Desk] = no_desk
    levers: Callable[[str], Levers] = no_levers
    acknowledgements: Acknowledgements | None = None


class StoppedError(RefusedError):
    """A promotion ends here in a phase that its ledger row already tells."""

    def __init__(self, phase: PromotionPhase, reason: str) -> None:
        super().__init__(f"{phase}: {reason}")
        self.phase = phase
        self.reason = reason
