"""The runbook's playbooks: which alarms each is for, its mitigations, and which of them a diagnosis suggests.

Whether a mitigation may be applied is `mitigation_bounds`'; nothing is applied here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from namecard_release.domain.causes import Cause
from namecard_release.domain.incident_evidence import IncidentEvidence
from namecard_release.domain.measures import Measure
from namecard_release.domain.mitigation_bounds import Bounds, Cluster, Flag
from namecard_release.domain.mitigations import MitigationKind

_K = MitigationKind


@dataclass(frozen=True)
class Playbook:
    """One section of the runbook: the kinds of alarms that it answers, what it says, and its mitigations in order."""

    name: str
    section: str
    title: str
    kinds: tuple[str, ...]
    says: tuple[str, ...]
    mitigations: tuple[MitigationKind, ...]


PLAYBOOKS: Mapping[str, Playbook] = {
    one.name: one
    for one in (
        Playbook(
            "lambda-errors",
            "5.1",
            "Lambda error spike",
            ("errors",),
            (
                "verify which function tripped the alarm",
                "read lambda.invocation.failed with requestId and correlationIds",
                "validation error: confirm the upstream contract; dependency outage: enable the flag's fallback",
            ),
            (_K.FLAG, _K.ROLLBACK, _K.ROLL_FORWARD, _K.DEGRADE, _K.CUT),
        ),
        Playbook(
            "throttles",
            "4",
            "Sustained throttles",
            ("throttles",),
            ("scale reserved or provisioned concurrency up while throttles last",),
            (_K.RESERVED, _K.PROVISIONED, _K.CUT, _K.ROLLBACK, _K.ROLL_FORWARD),
        ),
        Playbook(
            "dlq-backlog",
            "5.2",
            "DLQ backlog",
            ("dlq",),
            (
                "sample the letters: namecard-release dlq sample",
                "replay what is recoverable, archive the rest: namecard-release dlq drain",
            ),
            (_K.FLAG, _K.ROLLBACK, _K.ROLL_FORWARD, _K.DEGRADE, _K.CUT),
        ),
        Playbook(
            "database-connections",
            "5.3",
            "Database connection saturation",
            ("db_connections", "proxy_connections"),
            (
                "find the services that log DbConnectionError",
                "scale the proxy's connections, or cut the offending service's concurrency",
                "confirm that Aurora is healthy; fail over if necessary",
            ),
            (_K.PROXY, _K.CUT, _K.FAILOVER, _K.FLAG, _K.ROLLBACK, _K.ROLL_FORWARD),
        ),
        Playbook(
            "api-latency",
            "5.4",
            "Elevated API latency",
            ("api_latency", "latency"),
            (
                "look at the slow endpoints beside the functions' duration alarms",
                "confirm what they depend on: RDS, Textract, enrichment providers",
                "fall back to read replicas or degrade optional enrichment lookups",
            ),
            (_K.DEGRADE, _K.FLAG, _K.PROVISIONED, _K.RESERVED, _K.PROXY, _K.FAILOVER, _K.ROLLBACK, _K.ROLL_FORWARD),
        ),
    )
}


def playbook_for(kind: str) -> Playbook | None:
    """Give the playbook for a kind of alarm, None where the runbook has none."""
    return next((one for one in PLAYBOOKS.values() if kind in one.kinds), None)


@dataclass(frozen=True)
class Known:
    """What a suggestion is made from beside the evidence: declared flags, bounds, cluster, proxy, going back.

    `cluster` and `rollback` are None where they were not read, with the reason; `rollback` is the verdict and its
    reason, `concurrency` a service's reserved and provisioned executions.
    """

    flags: tuple[Flag, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)
    cluster: Cluster | None = None
    cluster_unread: str = ""
    rollback: tuple[str, str] | None = None
    reserved: Mapping[str, int | None] | None = None
    provisioned: Mapping[str, tuple[tuple[str, int], ...]] | None = None
    percent: int | None = None
    percent_unread: str = ""


@dataclass(frozen=True)
class Suggestion:
    """A mitigation that the diagnosis suggests, with why; `to` is empty where a person has to choose."""

    kind: MitigationKind
    service: str
    to: str
    why: str
    flag: str = ""
    alias: str = ""


@dataclass(frozen=True)
class Advice:
    """What a playbook's plan says: suggestions in the order of the runbook, why others are not, and what is UNKNOWN."""

    suggested: tuple[Suggestion, ...]
    passed_over: tuple[tuple[MitigationKind, str], ...]
    unknown: tuple[tuple[str, str], ...]


def advise(playbook: Playbook, evidence: IncidentEvidence, known: Known) -> Advice:
    """Say which of a playbook's mitigations the evidence suggests, and of each other one why it does not.

    An UNKNOWN cause suggests nothing that changes a setting.
    """
    suggested, passed = [], []
    for kind in playbook.mitigations:
        found = _RULES[kind](evidence, known)
        if isinstance(found, str):
            passed.append((kind, found))
        else:
            suggested.append(found)
    unknown = list(evidence.unknown)
    if known.cluster is None and known.cluster_unread:
        unknown.append(("cluster", known.cluster_unread))
    if known.percent is None and known.percent_unread:
        unknown.append(("proxy", known.percent_unread))
    return Advice(tuple(suggested), tuple(passed), tuple(unknown))


_OUTAGE = frozenset({Cause.DEPENDENCY, Cause.TIME_OUT})
_OF_CODE = frozenset({Cause.CODE_DEFECT, Cause.OUT_OF_MEMORY, Cause.VALIDATION})


def _told(evidence: IncidentEvidence) -> str:
    return f"the likely cause is {evidence.cause.cause}: {evidence.cause.reason}"


def _not_for(evidence: IncidentEvidence, what: str) -> str:
    if evidence.cause.cause is Cause.UNKNOWN:
        return f"the cause is UNKNOWN: {evidence.cause.reason or 'nothing was read'}"
    return f"{what}, and the likely cause is {evidence.cause.cause}"


def _find_flag(known: Known, service: str | None, *, degrades: bool) -> Flag | None:
    fit = [one for one in known.flags if bool(one.degrades) is degrades]
    # Where no service is named, what is optional may be switched off anywhere.
    return next((one for one in fit if one.service == service or (degrades and service is None)), None)


def _flag(evidence: IncidentEvidence, known: Known) -> Suggestion | str:
    if evidence.cause.cause not in _OUTAGE:
        return _not_for(evidence, "a fallback helps when a dependency is out")
    flag = _find_flag(known, evidence.service, degrades=False)
    if flag is None:
        return f"no fallback flag of {evidence.service or 'an unknown service'} is declared in playbooks.flags"
    return Suggestion(_K.FLAG, flag.service, "on", _told(evidence), flag.name)


def _degrade(evidence: IncidentEvidence, known: Known) -> Suggestion | str:
    if evidence.cause.cause not in _OUTAGE | {Cause.SLOW}:
        return _not_for(evidence, "degrading helps when an optional dependency is slow or out")
    flag = _find_flag(known, evidence.service, degrades=True)
    if flag is None:
        return f"no flag that degrades something optional of {evidence.service or 'any service'} is declared"
    return Suggestion(_K.DEGRADE, flag.service, "on", f"{flag.degrades} is optional; {_told(evidence)}", flag.name)


def _rollback(evidence: IncidentEvidence, known: Known) -> Suggestion | str:
    if evidence.promotion_id is None:
        return "no promotion is linked to the incident: the release is not what changed"
    if known.rollback is not None and known.rollback[0] != "SAFE":
        return f"going back is {known.rollback[0]}: {known.rollback[1]}"
    verdict = "its verdict is told by its plan" if known.rollback is None else f"SAFE: {known.rollback[1]}"
    return Suggestion(_K.ROLLBACK, "", "", f"{evidence.promotion_id} came before the alarm; {verdict}")


def _roll_forward(evidence: IncidentEvidence, known: Known) -> Suggestion | str:
    if evidence.promotion_id is None and evidence.cause.cause not in _OF_CODE:
        return _not_for(evidence, "a new release helps when the code is at fault")
    if evidence.promotion_id is not None and (known.rollback is None or known.rollback[0] == "SAFE"):
        return "going back is quicker, and not known to be unsafe"
    why = (
        f"going back is {known.rollback[0]}"
        if known.rollback is not None and evidence.promotion_id
        else _told(evidence)
    )
    return Suggestion(_K.ROLL_FORWARD, "", "", f"{why}; promote the commit that fixes it")


def _reserved(evidence: IncidentEvidence, known: Known) -> Suggestion | str:
    service = evidence.service
    if evidence.cause.cause is not Cause.THROTTLING or service is None:
        return _not_for(evidence, "more reserved concurrency helps a throttled function")
    counts = [one for one in evidence.measures.value or () if one.measure is Measure.THROTTLES and one.of == service]
    if counts and not counts[0].unread and not counts[0].total:
        return f"no invocation of {service} was throttled in that time"
    return _more_reserved(evidence, known, service)


def _more_reserved(evidence: IncidentEvidence, known: Known, service: str) -> Suggestion | str:
    limits = evidence.concurrency.value
    if limits is None:
        return f"its concurrency is UNKNOWN: {evidence.concurrency.unread or 'not read'}"
    if limits.reserved is None:
        return f"{service} has no reservation: it is throttled by the account's limit; cut another or raise the quota"
    if limits.account_unreserved is None:
        return "the account's limits are UNKNOWN, and are not guessed"
    room = limits.account_unreserved + limits.reserved - known.bounds.least_unreserved
    to = min(2 * limits.reserved, room, int(known.bounds.most_factor * limits.reserved))
    if to <= limits.reserved:
        return f"the account has no room: {limits.account_unreserved} are unreserved"
    return Suggestion(_K.RESERVED, service, str(to), f"{evidence.cause.reason}; the account has room for {room}")


def _provisioned(evidence: IncidentEvidence, known: Known) -> Suggestion | str:
    service = evidence.service
    if service is None or evidence.cause.cause not in (Cause.THROTTLING, Cause.SLOW):
        return _not_for(evidence, "provisioned concurrency helps against cold starts and throttles")
    own = (known.provisioned or {}).get(service, ())
    if not own:
        return f"{service} has no provisioned concurrency, or it was not read"
    alias, now = own[0]
    reserved = (known.reserved or {}).get(service)
    others = sum(number for name, number in own if name != alias)
    to = 2 * now if reserved is None else min(2 * now, reserved - others)
    if to <= now:
        return f"all of the {reserved} that are reserved are provisioned already"
    return Suggestion(_K.PROVISIONED, service, str(to), f"{now} are provisioned at {alias}", alias=alias)


def _cut(evidence: IncidentEvidence, known: Known) -> Suggestion | str:
    service = evidence.service
    if evidence.cause.cause is not Cause.DATABASE_CONNECTIONS:
        return _not_for(evidence, "a cut spares the database from one service")
    if service is None:
        return "no service is known to be the offending one"
    now = (known.reserved or {}).get(service)
    if now is None:
        return f"{service} has no reservation, or it was not read: choose a value and --to it"
    if now // 2 < known.bounds.least_concurrency:
        return f"{service} has {now} reserved: there is nothing left to cut"
    return Suggestion(_K.CUT, service, str(now // 2), f"{service} could not connect most often; {now} are reserved")


def _proxy(evidence: IncidentEvidence, known: Known) -> Suggestion | str:
    if evidence.cause.cause is not Cause.DATABASE_CONNECTIONS:
        return _not_for(evidence, "more of the proxy's connections help when it is saturated")
    if known.percent is None:
        return f"the proxy's share is UNKNOWN: {known.percent_unread or 'not read'}"
    most = min(known.bounds.most_percent, 100)
    if known.percent >= most:
        return f"the proxy takes {known.percent} % already"
    database = [one for one in evidence.measures.value or () if one.measure is Measure.DB_CONNECTIONS]
    seen = "" if not database or database[0].most is None else f"; the database had {database[0].most:.0f}"
    return Suggestion(_K.PROXY, "", str(min(known.percent + 10, most)), f"it takes {known.percent} %{seen}")


def _failover(evidence: IncidentEvidence, known: Known) -> Suggestion | str:
    cluster = known.cluster
    if cluster is None:
        return f"the cluster's health is UNKNOWN: {known.cluster_unread or 'not read'}"
    if not cluster.trouble:
        return f"{cluster.name} is healthy, its writer is {cluster.writer}"
    fit = [one for one in cluster.members if not one.is_writer and one.status == "available"]
    if not cluster.writer or not fit:
        return f"there is nothing to fail over to or from: {cluster.trouble}"
    return Suggestion(_K.FAILOVER, "", "", f"{cluster.trouble}; its writer is {cluster.writer}")


_RULES: Mapping[MitigationKind, Callable[[IncidentEvidence, Known], Suggestion | str]] = {
    _K.FLAG: _flag,
    _K.DEGRADE: _degrade,
    _K.ROLLBACK: _rollback,
    _K.ROLL_FORWARD: _roll_forward,
    _K.RESERVED: _reserved,
    _K.PROVISIONED: _provisioned,
    _K.CUT: _cut,
    _K.PROXY: _proxy,
    _K.FAILOVER: _failover,
}


def explain_misuse(request_kind: MitigationKind, playbook: Playbook) -> str | None:
    """Say why a mitigation is none of a playbook's, None where it is."""
    if request_kind in playbook.mitigations:
        return None
    return f"{request_kind} is no mitigation of {playbook.name}; there are {_list(playbook.mitigations)}"


def _list(kinds: Sequence[MitigationKind]) -> str:
    return ", ".join(str(one) for one in kinds)
