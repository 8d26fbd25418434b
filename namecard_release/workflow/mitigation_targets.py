"""A request checked against the settings, and the one setting that it is about. Changing it is `mitigating`'s."""

from __future__ import annotations

from dataclasses import replace

from namecard_release.domain.approvals import is_named
from namecard_release.domain.incident_evidence import WatchedFunction
from namecard_release.domain.mitigation_bounds import Bounds, Flag, Refused, Why
from namecard_release.domain.mitigations import LEVERS, OF_A_SERVICE, RELEASES, Lever, MitigationKind, Request, Target
from namecard_release.domain.playbooks import PLAYBOOKS, Playbook, explain_misuse
from namecard_release.errors import MisuseError, PermanentError, RefusedError, ReleaseError, TransientError
from namecard_release.mitigation_port import Lever as LeverPort
from namecard_release.mitigation_port import Levers
from namecard_release.settings import Settings
from namecard_release.workflow.pipeline import Pipeline


def find_playbook(name: str) -> Playbook:
    """Give a playbook by its name. Raises MisuseError for an unknown one."""
    found = PLAYBOOKS.get(name)
    if found is None:
        raise MisuseError(f"unknown playbook {name!r}: there are {', '.join(PLAYBOOKS)}")
    return found


def check_service(settings: Settings, service: str) -> None:
    """Raise MisuseError for a service that the platform does not have."""
    if service not in settings.platform.services:
        raise MisuseError(f"unknown service {service!r}: there are {', '.join(settings.platform.services)}")


def check_request(pipeline: Pipeline, request: Request, *, reasoned: bool = True) -> Request:
    """Check what can be checked without AWS, and give the request with its flag's service.

    Raises MisuseError for what is malformed: unknown environment, playbook, mitigation, service or flag, no name.
    """
    settings = pipeline.settings
    settings.environment(request.environment)
    wrong = explain_misuse(request.kind, find_playbook(request.playbook))
    if wrong is not None:
        raise MisuseError(wrong)
    if request.kind in RELEASES:
        raise MisuseError(f"{request.kind} goes through the command or the job of its name, not as a mitigation")
    if reasoned and (not is_named(request.actor) or not request.reason.strip()):
        raise MisuseError("a mitigation has a name and a reason: they are kept in the audit trail")
    if request.incident is not None:
        _check_incident(pipeline, request.incident, request.environment)
    lever = LEVERS[request.kind]
    if lever is Lever.FLAG:
        flag = find_flag(settings, request)
        if request.service not in ("", flag.service):
            raise MisuseError(f"the flag {flag.name} is one of {flag.service}, not of {request.service}")
        return replace(request, service=flag.service)
    if lever in OF_A_SERVICE:
        if not request.service:
            raise MisuseError(f"{request.kind} is about one service: name it with --service")
        check_service(settings, request.service)
    elif request.service:
        raise MisuseError(f"{request.kind} is about the whole environment: leave --service out")
    return request


def find_flag(settings: Settings, request: Request) -> Flag:
    """Give the flag that is asked for. Raises MisuseError where none of that name and kind is declared."""
    degrading = request.kind is MitigationKind.DEGRADE
    fit = [one for one in settings.playbooks.declared_flags() if bool(one.degrades) is degrading]
    found = next((one for one in fit if one.name == request.flag), None)
    if found is None:
        names = ", ".join(one.name for one in fit)
        said = f"there are {names}: name one with --flag" if names else "declare one in [playbooks.flags.<name>]"
        raise MisuseError(f"no flag {request.flag!r} for {request.kind}; {said}")
    return found


def _check_incident(pipeline: Pipeline, incident: str, environment: str) -> None:
    case = pipeline.ledger.case(incident)
    if case is None:
        raise MisuseError(f"the ledger knows no incident {incident}")
    if case.incident.fingerprint.environment != environment:
        raise MisuseError(f"{incident} is one of {case.incident.fingerprint.environment}, not of {environment}")


def find_target(pipeline: Pipeline, request: Request) -> Target:
    """Find the setting that a checked request is about.

    Raises PermanentError where the stacks have no such function, and as every call of AWS.
    """
    lever, settings = LEVERS[request.kind], pipeline.settings
    key = settings.environment(request.environment).key
    if lever is Lever.PROXY:
        return Target(request.environment, lever, "", settings.playbooks.proxy.replace("{key}", key))
    if lever is Lever.WRITER:
        return Target(request.environment, lever, "", settings.playbooks.cluster.replace("{key}", key))
    function = find_function(pipeline, request.environment, request.service)
    target = Target(request.environment, lever, request.service, function.name, "", function.logical_id)
    if lever is Lever.FLAG:
        return replace(target, qualifier=find_flag(settings, request).variable)
    if lever is Lever.PROVISIONED:
        return replace(target, qualifier=request.alias or _find_alias(pipeline, target))
    return target


def find_function(pipeline: Pipeline, environment: str, service: str) -> WatchedFunction:
    """Find a service's function in the stacks. Raises PermanentError where there is none."""
    site = pipeline.site(environment)
    if site.signals is None:
        raise PermanentError(f"nothing is configured to read the stacks of {environment}")
    parts = site.signals.inventory.parts(site.settings.stack_names, (service,))
    if not parts.functions:
        raise PermanentError(
            f"the stacks {', '.join(site.settings.stack_names)} have no function of {service}; "
            "see 'namecard-release status' for what is deployed"
        )
    return parts.functions[0]


def _find_alias(pipeline: Pipeline, target: Target) -> str:
    reading = lever_of(pipeline.levers(target.environment), target.lever).read(target)
    known = () if reading.concurrency is None else reading.concurrency.provisioned
    if len(known) != 1:
        names = ", ".join(name for name, _ in known) or "none"
        raise MisuseError(f"name the alias with --alias; provisioned at {target.service} are: {names}")
    return known[0][0]


def lever_of(levers: Levers, lever: Lever) -> LeverPort:
    """Give one of an environment's levers."""
    return {
        Lever.RESERVED: levers.reserved,
        Lever.PROVISIONED: levers.provisioned,
        Lever.PROXY: levers.proxy,
        Lever.WRITER: levers.writer,
        Lever.FLAG: levers.flag,
    }[lever]


def bounds_of(pipeline: Pipeline) -> Bounds:
    """Give the settings' bounds."""
    return pipeline.settings.playbooks.bounds()


def refusal(refused: Refused) -> ReleaseError:
    """Make the error of a refusal: misuse for what was asked for, transient for what was not read."""
    kinds: dict[Why, type[ReleaseError]] = {Why.OUT_OF_BOUNDS: MisuseError, Why.UNREAD: TransientError}
    return kinds.get(refused.why, RefusedError)(refused.reason)
