"""Three ways back from release C to release B: this pipeline's, cdk alone, and the runbook's, which is `runbook`.

Both first ways are measured in turns from the same state: C deployed, B's assembly published before, no migration
between them, so the migrator's custom resource does the same in each.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.bench import ENVIRONMENT, Bench, tell
from benchmarks.runs import read_run
from benchmarks.status import timed
from namecard_release.domain.assembly import Assembly
from namecard_release.domain.promotion import Promotion, PromotionPhase
from namecard_release.errors import PermanentError
from namecard_release.workflow.deploying import find_assembly


@dataclass(frozen=True)
class Rollback:
    """One rollback by the command line, from asking to the program's end, and its seconds part by part.

    `deploy` is from DEPLOYING to VERIFYING, of which `cdk` is the program's own (to a tenth), None when not told.
    """

    seconds: float
    ask_to_run: float
    run_to_first_step: float
    first_step_to_deploy: float
    deploy: float
    verify: float
    told_after: float
    cdk: float | None


def roll_back(bench: Bench) -> Rollback:
    """Ask for a rollback on the command line and wait for its end; C must be what runs."""
    tell("roll back to B by the command line")
    asked = time.time()
    told = json.loads(bench.call("rollback", "--env", ENVIRONMENT, "--reason", "benchmark", "--wait", "--json"))
    ended = time.time()
    promotion, run = bench.promotion_of(told["run"]), read_run(bench, told["run"])
    if promotion.release != bench.release("B"):
        raise PermanentError(f"the rollback went to {promotion.release}, not to B")
    phases = (PromotionPhase.DEPLOYING, PromotionPhase.VERIFYING, PromotionPhase.SUCCEEDED)
    deploying, verifying, succeeded = (bench.moment_of(promotion, phase) for phase in phases)
    moments = (asked, run.created, run.first_step, deploying, verifying, succeeded, ended)
    to_run, to_step, to_deploy, deploy, verify, after = (round(b - a, 3) for a, b in pairwise(moments))
    return Rollback(round(ended - asked, 3), to_run, to_step, to_deploy, deploy, verify, after, run.deploy_seconds)


def deploy_bare(bench: Bench, assembly: Assembly) -> float:
    """Deploy a kept assembly with cdk alone and give the seconds. Raises PermanentError when cdk fails."""
    tell(f"cdk deploy {assembly.release[:8]} alone")
    site = bench.pipeline.site(ENVIRONMENT)
    codes: list[int | None] = []
    stacks = site.settings.stack_names
    seconds = timed(lambda: codes.append(site.deployer.deploy(assembly, stacks).exit_code))
    if codes != [0]:
        raise PermanentError(f"cdk deploy of {assembly.release[:8]} ended as {codes[0]}")
    return seconds


def find_kept(bench: Bench, promotion: Promotion) -> Assembly:
    """Find the assembly that a promotion deployed."""
    return find_assembly(bench.pipeline, promotion, ENVIRONMENT)
