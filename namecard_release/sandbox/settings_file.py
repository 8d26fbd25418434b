"""The settings file of the sandbox: the pipeline drives it as it would drive a real platform, by settings alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from namecard_release.sandbox.alarm_queues import queue_name
from namecard_release.sandbox.emulator_process import ACCOUNT, REGION, client_environment
from namecard_release.sandbox.processes import LOOPBACK
from namecard_release.sandbox.state import ENVIRONMENTS, SandboxState
from namecard_release.sandbox.toolchain import Toolchain
from namecard_release.settings import Platform, load_settings

# Short enough to watch, long enough for an alarm to go off.
BAKE_SECONDS = {"dev": 10, "staging": 15, "prod": 15}
# The scenarios run the release's real handlers in their own process, against the database of DB_*.
REHEARSAL = ("pnpm", "run", "test:e2e:api:local")
REQUIRES: Mapping[str, Sequence[str]] = {"dev": (), "staging": (), "prod": ("staging",)}


def aws_environment(state: SandboxState) -> dict[str, str]:
    """Return what reaches the emulator; CDK keeps accounts by access key, so it gets a home of its own.

    No profile of the user is read.
    """
    cdk = {"CDK_HOME": str(state.root / "cdk"), "CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true"}
    nobodys = str(state.root / "cdk" / "no-profile")
    profiles = {"AWS_CONFIG_FILE": nobodys, "AWS_SHARED_CREDENTIALS_FILE": nobodys}
    return {**client_environment(state.emulator_port or 0), **profiles, **cdk}


def write_settings(state: SandboxState, tools: Toolchain) -> Path:
    """Write the file, mode 0600 for it holds passwords, and read it back.

    Raises MisuseError when the settings' schema refuses it.
    """
    file = state.settings_file
    file.touch(mode=0o600)
    file.chmod(0o600)
    heading = "# Written by 'namecard-release sandbox up'; changes are lost at the next one.\n"
    file.write_text(heading + to_toml(content(state, tools)), encoding="utf-8")
    load_settings(file)
    return file


def content(state: SandboxState, tools: Toolchain) -> dict[str, Any]:
    """Return the settings as nested tables."""
    return {
        "platform": _platform(state),
        "paths": {
            "work": str(state.root / "work"),
            "store": str(state.root / "assemblies"),
            "ledger_url": state.ledger_url,
        },
        "tools": {"cdk": list(tools.cdk), "path": list(tools.folders)},
        "dagster": {"url": state.ui_url},
        "aws": {"endpoint_url": state.endpoint, "env": aws_environment(state)},
        "incidents": {"queues": {name: queue_name(name) for name in ENVIRONMENTS}},
        "trial": {"database_url": state.database_url("test")},
        "environments": {name: _environment(state, name) for name in ENVIRONMENTS},
    }


def to_toml(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """Write nested tables of text, numbers and lists of text or of tables as TOML."""
    lines = [f"{json.dumps(key)} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    heading = [f"[{'.'.join(json.dumps(part) for part in path)}]"] if path and lines else []
    own = "\n".join([*heading, *lines, ""]) if lines else ""
    below = [to_toml(value, (*path, key)) for key, value in table.items() if isinstance(value, Mapping)]
    return "\n".join(part for part in [own, *below] if part)


def _value(value: Any) -> str:
    if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        return f"[{', '.join(_value(one) for one in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_value(one)}' for key, one in value.items())} }}"
    # TOML's basic strings, numbers and arrays are written as JSON writes them.
    return json.dumps(value, ensure_ascii=False)


def _platform(state: SandboxState) -> dict[str, Any]:
    repository = str(state.repository)
    synth = Platform(repository=repository).synth
    # The password goes by the environment: command lines are there for everyone to read.
    # Validating the template against its schema doubles the time of a synthesis and says the same each time.
    env = {"NAMECARD_DB_PASSWORD": state.postgres.password if state.postgres else "", "CDK_VALIDATION": "false"}
    rehearsal = [{"argv": list(REHEARSAL), "timeout_seconds": 120}]
    return {"repository": repository, "synth": {"argv": list(synth.argv), "env": env}, "rehearsal": rehearsal}


def _database_context(state: SandboxState, name: str) -> dict[str, str]:
    url = urlsplit(state.database_url(name))
    return {
        "dbHost": url.hostname or LOOPBACK,
        "dbPort": str(url.port or 5432),
        "dbUser": str(url.username),
        "dbName": url.path.removeprefix("/"),
    }


def _environment(state: SandboxState, name: str) -> dict[str, Any]:
    return {
        "account": ACCOUNT,
        "region": REGION,
        "stack_suffix": name,
        "context": name,
        "key": name,
        "database_url": state.database_url(name),
        "bake_seconds": BAKE_SECONDS[name],
        "requires": list(REQUIRES[name]),
        "rehearsal": "never" if name == "dev" else "on_doubt",
        "rehearsal_proves": name != "dev",
        # On a busy machine the cold starts after a deploy alone are over the API's latency budget.
        "alarms": {"api_latency": {"action": "note"}},
        "synth_context": {**_database_context(state, name), "httpApiBase": f"{state.endpoint}/_aws/execute-api"},
    }
