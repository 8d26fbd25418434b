"""The settings' documents: the example file loads, and docs/settings.md tells every key with its default."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from namecard_release import alarm_settings as alarm_module
from namecard_release import channel_settings as channels
from namecard_release import dlq_settings as dlq_module
from namecard_release import gate_settings as gate_module
from namecard_release import incident_settings as incident_module
from namecard_release import playbook_settings as playbook_module
from namecard_release import settings as module
from namecard_release import triage_settings as triage_module
from namecard_release.gate_settings import Model
from namecard_release.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent


def test_the_example_loads_and_shows_the_platforms_three_names() -> None:
    loaded = load_settings(ROOT / "deploy" / "namecard-release.example.toml")
    named = {name: (one.stack_suffix, one.context, one.key) for name, one in loaded.environments.items()}
    assert named == {
        "dev": ("development", "development", "dev"),
        "staging": ("staging", "staging", "staging"),
        "prod": ("production", "production", "prod"),
    }
    assert {name: one.requires for name, one in loaded.environments.items()} == {
        "dev": (),
        "staging": (),
        "prod": ("staging",),
    }
    assert {one.database_secret for one in loaded.environments.values()} == {
        f"namecard/database/{key}" for key in ("dev", "staging", "prod")
    }


def test_what_the_example_comments_out_is_valid_too(tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "namecard-release.example.toml").read_text(encoding="utf-8")
    given = re.sub(r"(?m)^ledger_url = .*$", "", text)
    uncommented = re.sub(r"(?m)^# (?=\[+[a-z_.]+\]+$|[a-z_]+ = )", "", given)
    file = tmp_path / "settings.toml"
    file.write_text(uncommented, encoding="utf-8")
    loaded = load_settings(file)
    assert loaded.platform.install.timeout_seconds == 1200
    assert loaded.gates.quality[2].argv[-1] == "test"
    assert loaded.paths.ledger_url.startswith("postgresql+psycopg2://")
    assert loaded.trial.database_url is not None and loaded.environment("prod").api_url is not None


SECTIONS: Mapping[str, type[Model]] = {
    "Top level": Settings,
    "`[platform]`": module.Platform,
    "A command": gate_module.Command,
    "A phase of a gate": gate_module.GatePhase,
    "`[gates]`": gate_module.Gates,
    "A gate's policy": gate_module.GatePolicy,
    "`[environments.<name>]`": module.Environment,
    "`[environments.<name>.post_bake]`": alarm_module.PostBake,
    "`[environments.<name>.deadlines]`": module.PhaseDeadlines,
    "A freeze window": module.Freeze,
    "A rule for a kind of alarm": module.Rule,
    "`[paths]`": module.Paths,
    "`[tools]`": module.Tools,
    "`[dagster]`": module.Dagster,
    "`[aws]`": module.Aws,
    "`[trial]`": module.Trial,
    "`[channels]`": channels.Channels,
    "Where a secret is": channels.SecretSource,
    "`[channels.pagerduty]`": channels.PagerDutyChannel,
    "`[channels.slack]`": channels.SlackChannel,
    "`[channels.notion]`": channels.NotionChannel,
    "`[channels.wiring]`": channels.Wiring,
    "`[triage]`": triage_module.TriageSettings,
    "A rule for a cause": triage_module.TriageRule,
    "`[incidents]`": incident_module.Incidents,
    "Owners of incidents": incident_module.Owners,
    "A rule for a severity": incident_module.SeverityRule,
    "`[dead_letters]`": dlq_module.DeadLetters,
    "A rule about dead letters": dlq_module.DeadLetterRule,
    "`[playbooks]`": playbook_module.PlaybookSettings,
    "`[playbooks.flags.<name>]`": playbook_module.FlagSettings,
}


def read_document() -> dict[str, dict[str, str]]:
    """Read docs/settings.md: for each section, the default's cell of each key in its first table."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = {}
    for part in text.split("\n## ")[1:]:
        table = part.partition("|---|---|---|---|\n")[2].partition("\n\n")[0]
        rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
        found[part.splitlines()[0]] = {row[0].strip("`"): row[2] for row in rows}
    return found


def models(base: type[BaseModel] = Model) -> set[type[BaseModel]]:
    """Give every section's class."""
    return {one for child in base.__subclasses__() for one in {child, *models(child)}}


def test_every_section_is_documented() -> None:
    assert set(read_document()) == set(SECTIONS)
    assert set(SECTIONS.values()) == models()


@pytest.mark.parametrize(("section", "model"), SECTIONS.items(), ids=SECTIONS)
def test_every_key_is_documented_with_its_default(section: str, model: type[Model]) -> None:
    documented = read_document()[section]
    assert list(documented) == list(_in_order(section, model))
    for key, field in model.model_fields.items():
        assert _tells_default(field, documented[key]), f"{section} {key}: {documented[key]}"


def _in_order(section: str, model: type[Model]) -> Mapping[str, Any]:
    # A phase's name comes first for a reader; the class inherits the rest and adds it last.
    fields = dict(model.model_fields)
    return {"name": fields.pop("name"), **fields} if section == "A phase of a gate" else fields


def _tells_default(field: FieldInfo, cell: str) -> bool:
    default = field.default
    if field.is_required():
        return cell == "required"
    if default is None:
        return cell == "none"
    commands = [default] if isinstance(default, gate_module.Command) else default
    if isinstance(commands, tuple | list) and commands and isinstance(commands[0], gate_module.Command):
        return all(" ".join(command.argv) in cell for command in commands)
    if isinstance(default, Model):
        return cell in ("see below", "the platform's scripts")
    plain = str(default) if isinstance(default, Path) else list(default) if isinstance(default, tuple) else default
    return cell == f"`{json.dumps(plain)}`"


def test_the_default_policies_are_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    gates = gate_module.Gates()
    for gate in ("quality", "launch_readiness", "synthetic_monitor", "migration_lint", "migration_plan", "assembly"):
        policy = gates.policy_of(gate)
        age = "no limit" if policy.max_age_seconds is None else f"{policy.max_age_seconds:.0f} ("
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{gate}` | {age}")]
        assert line.endswith(f"| {json.dumps(policy.reuse)} | {json.dumps(policy.waivable)} |")
    other = gates.policy_of("any_other_gate")
    assert (other.max_age_seconds, other.reuse, other.waivable) == (86_400, True, True)


def test_the_default_rules_are_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rules = load_settings(ROOT / "deploy" / "namecard-release.example.toml").environment("staging").alarm_rules()
    for kind, rule in rules.items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{kind}` |")]
        assert line.endswith(f"| `{rule.action}` | {rule.sustain_seconds:.0f} s |")
