"""The program `namecard-release`: its commands put together. What each does is in the module beside this one, and how
the program is entered in `entry`."""

from __future__ import annotations

import typer

from namecard_release.cli import (
    alarms,
    audit,
    changing,
    checking,
    dlq,
    drift,
    gates,
    incidents,
    logs,
    migrations,
    outbox,
    people,
    playbooks,
    policy,
    reading,
    requests,
    sandboxing,
)

app = typer.Typer(
    name="namecard-release",
    help="Release and operate NameCard: promote, roll back, read verdicts, check readiness.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(changing.promote)
app.command()(changing.rollback)
app.command()(people.approve)
app.command()(reading.status)
app.command()(reading.history)
app.command()(checking.doctor)
app.command()(drift.drift)
app.add_typer(gates.gates, name="gates")
app.add_typer(migrations.migrations, name="migrations")
app.add_typer(policy.policy, name="policy")
app.add_typer(changing.holds, name="holds")
app.add_typer(people.approvals, name="approvals")
app.add_typer(people.automation, name="automation")
app.add_typer(audit.audit, name="audit")
app.add_typer(outbox.outbox, name="outbox")
app.add_typer(alarms.alarms, name="alarms")
app.add_typer(logs.logs, name="logs")
app.add_typer(dlq.dlq, name="dlq")
app.add_typer(requests.requests, name="requests")
app.add_typer(incidents.incident, name="incident")
app.add_typer(playbooks.playbook, name="playbook")
app.add_typer(sandboxing.sandbox, name="sandbox")
