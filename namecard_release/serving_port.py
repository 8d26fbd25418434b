"""What the fast path and the drift check need from the outside and of the ledger, as Protocols."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

# Protocols are read by the type checker alone: nobody who imports one waits for the whole domain.
if TYPE_CHECKING:
    from namecard_release.domain.assembly import Assembly
    from namecard_release.domain.drift import StackDrift
    from namecard_release.domain.fast_path import Purpose, Step, StepRecord, StepState
    from namecard_release.domain.serving import Serving


class CodeSwitch(Protocol):
    """Functions and aliases, read and changed without CloudFormation."""

    def read(self, assembly: Assembly, stacks: Sequence[str]) -> Serving:
        """Read what CloudFormation believes of the stacks, what the assembly has, and each function side by side.

        What cannot be read of one function is told in it. Raises TransientError or PermanentError for a stack.
        """
        ...

    def take(self, step: Step) -> None:
        """Take one step and wait until it is in force.

        Raises TransientError for one that AWS did not end in time, PermanentError for one that it refused: somebody
        else changed the function since it was read, the code's archive is gone, a permission is missing.
        """
        ...

    def holds_code(self, assembly: Assembly) -> bool:
        """Tell whether CloudFormation believes that every function of the assembly has its code. Raises as `read`."""
        ...


class DriftReader(Protocol):
    """What a stack made beside its functions and alarms, and CloudFormation's own word about a stack."""

    def queue_exists(self, name: str) -> bool:
        """Tell whether a queue is there. Raises TransientError or PermanentError when that cannot be read."""
        ...

    def dashboard_exists(self, name: str) -> bool:
        """Tell whether a dashboard is there. Raises as `queue_exists`."""
        ...

    def detect(self, stack: str) -> StackDrift:
        """Have CloudFormation compare a stack with what is there, and wait for the end of that.

        UNKNOWN with its reason where it cannot be had. Raises nothing.
        """
        ...


class StepLedger(Protocol):
    """The steps of fast paths: each is written down before it is taken, and again when it has ended."""

    def intend_steps(
        self, promotion_id: str, purpose: Purpose, steps: Sequence[Step], at: datetime
    ) -> tuple[StepRecord, ...]:
        """Keep steps as INTENDED, in one transaction, and give them with their numbers."""
        ...

    def end_step(self, number: int, state: StepState, reason: str, at: datetime) -> None:
        """Record how a step ended; one that has ended stays as it is."""
        ...

    def steps(self, promotion_id: str) -> tuple[StepRecord, ...]:
        """Give a promotion's steps in the order in which they were intended."""
        ...
