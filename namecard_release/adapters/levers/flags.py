"""Feature flags of functions: one environment variable, read and changed where it serves. No other variable is told.

A function behind an alias is served from a published version: its flag is changed in the function, published, and the
alias pointed to that version. It is refused where that would put other code in service (AWS Lambda Developer Guide,
"Manage Lambda function versions": a version is code and configuration together).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.mitigation_bounds import Reading
from namecard_release.domain.mitigations import UNSET, Target
from namecard_release.errors import PermanentError, TransientError

_OTHER = "a value that the settings do not declare"
_LATEST = "$LATEST"
_POLL_SECONDS = 0.2
_UPDATE_SECONDS = 30.0


@dataclass(frozen=True)
class _Served:
    """An alias with the version that it points to."""

    alias: str
    version: str
    revision: str
    weighs: bool
    configuration: Mapping[str, Any]


class FunctionFlags:
    """Flags that the settings declare; `values` are those of each (service, variable) that may be told and changed.

    Keeps the port `Lever`: a value is `unset` or a JSON string.
    """

    def __init__(
        self,
        clients: AwsClients,
        values: Mapping[tuple[str, str], frozenset[str]],
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._clients = clients
        self._values = values
        self._wait = wait

    def read(self, target: Target) -> Reading:
        """Read the value that serves; one that the settings do not declare blocks, and is not told."""
        latest, served = self._configuration(target.resource), self._served(target.resource)
        own = self._value(target, latest)
        values = [self._value(target, one.configuration) for one in served] or [own]
        moving = "" if _is_settled(latest) else f"{target.resource} is being updated"
        half = any(one != values[0] for one in (*values, own))
        return Reading(values[0], blocked=_blocked(target, latest, served, (*values, own)), moving=moving, half=half)

    def write(self, target: Target, before: str, after: str) -> None:
        """Set the variable, publish where aliases serve, and point them there; each part is left out where it is so."""
        latest = self._configuration(target.resource)
        if self._value(target, latest) != after:
            self._set(target, latest, after)
            latest = self._wait_for(target.resource)
        stale = [one for one in self._served(target.resource) if self._value(target, one.configuration) != after]
        if not stale:
            return
        version = self._publish(target.resource, latest)
        for one in stale:
            self._point(target.resource, one, version)

    def _value(self, target: Target, configuration: Mapping[str, Any]) -> str:
        found = configuration.get("Environment", {}).get("Variables", {}).get(target.qualifier)
        if found is None:
            return UNSET
        known = self._values.get((target.service, target.qualifier), frozenset())
        return json.dumps(found) if found in known else _OTHER

    def _configuration(self, name: str, version: str = _LATEST) -> Mapping[str, Any]:
        qualified = {} if version == _LATEST else {"Qualifier": version}
        with aws_errors_told(f"describe the function {name}"):
            told: Any = self._clients.functions.get_function_configuration(FunctionName=name, **qualified)
        configuration: Mapping[str, Any] = told
        return configuration

    def _served(self, name: str) -> list[_Served]:
        with aws_errors_told(f"list the aliases of the function {name}"):
            listed: Any = self._clients.functions.list_aliases(FunctionName=name)["Aliases"]
        return [
            _Served(
                one["Name"],
                one["FunctionVersion"],
                one.get("RevisionId", ""),
                bool(one.get("RoutingConfig", {}).get("AdditionalVersionWeights")),
                self._configuration(name, one["FunctionVersion"]),
            )
            for one in listed
            if one["FunctionVersion"] != _LATEST
        ]

    def _set(self, target: Target, latest: Mapping[str, Any], after: str) -> None:
        # The whole environment is written: the others stay as they were read, guarded by the revision.
        variables = dict(latest.get("Environment", {}).get("Variables", {}))
        variables.pop(target.qualifier, None)
        if after != UNSET:
            variables[target.qualifier] = json.loads(after)
        update: Any = self._clients.functions.update_function_configuration
        with aws_errors_told(f"set {target.qualifier} of {target.resource}"):
            update(FunctionName=target.resource, Environment={"Variables": variables}, RevisionId=latest["RevisionId"])

    def _wait_for(self, name: str) -> Mapping[str, Any]:
        waited = 0.0
        while True:
            found = self._configuration(name)
            if found.get("LastUpdateStatus") == "Failed":
                why = found.get("LastUpdateStatusReason", "no reason")
                raise PermanentError(f"Lambda could not set the flag of {name}: {why}")
            if _is_settled(found):
                return found
            if waited >= _UPDATE_SECONDS:
                raise TransientError(f"{name} is not updated after {_UPDATE_SECONDS:.0f} s")
            self._wait(_POLL_SECONDS)
            waited += _POLL_SECONDS

    def _publish(self, name: str, latest: Mapping[str, Any]) -> str:
        # Guarded by the digest: what somebody else deployed in between is not published.
        with aws_errors_told(f"publish a version of {name}"):
            made = self._clients.functions.publish_version(
                FunctionName=name, CodeSha256=latest["CodeSha256"], Description="namecard-release: a flag"
            )
        return made["Version"]

    def _point(self, name: str, one: _Served, version: str) -> None:
        update: Any = self._clients.functions.update_alias
        guard = {"RevisionId": one.revision} if one.revision else {}
        with aws_errors_told(f"point {name}:{one.alias} to version {version}"):
            update(FunctionName=name, Name=one.alias, FunctionVersion=version, **guard)


def _is_settled(configuration: Mapping[str, Any]) -> bool:
    return bool(configuration.get("LastUpdateStatus", "Successful") != "InProgress")


def _blocked(target: Target, latest: Mapping[str, Any], served: list[_Served], values: tuple[str, ...]) -> str:
    if _OTHER in values:
        return f"{target.qualifier} of {target.service} has {_OTHER}: it is left alone"
    if any(one.weighs for one in served):
        return f"an alias of {target.service} is split between two versions: end that first"
    if any(one.configuration.get("CodeSha256") != latest.get("CodeSha256") for one in served):
        return f"{target.service} serves other code than its $LATEST, which a flag would put in service: promote first"
    return ""
