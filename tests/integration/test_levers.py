"""The levers against the emulator: read, changed, read again; other variables stay, other code stays out."""

from __future__ import annotations

import io
import threading
import zipfile
from dataclasses import dataclass
from typing import Any

import pytest

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.levers.concurrency import ProvisionedConcurrency, ReservedConcurrency
from namecard_release.adapters.levers.database import ClusterWriter, ProxyConnections
from namecard_release.adapters.levers.flags import FunctionFlags
from namecard_release.domain.mitigations import Lever, Target
from namecard_release.errors import PermanentError
from tests.integration.conftest import Emulator

VALUES = {("cards", "FALLBACK"): frozenset({"on", "off"})}
OTHERS = {"RELEASE_VERSION": "a" * 40, "DB_PASSWORD": "hunter2"}


@dataclass(frozen=True)
class Place:
    """Our clients, and the emulator's own."""

    clients: AwsClients
    functions: Any
    rds: Any


@pytest.fixture(scope="module")
def place(emulator: Emulator) -> Place:
    clients = AwsClients(emulator.region, emulator.endpoint, emulator.env)
    return Place(clients, emulator.client("lambda"), emulator.client("rds"))


def archive(text: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as bundle:
        bundle.writestr("index.py", f"# {text}\ndef handler(event, context):\n    return 1\n")
    return made.getvalue()


def make_function(place: Place, name: str, **variables: str) -> None:
    place.functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/test",
        Handler="index.handler",
        Code={"ZipFile": archive("one")},
        Environment={"Variables": {**OTHERS, **variables}},
    )


def target(lever: Lever, name: str, qualifier: str = "") -> Target:
    return Target("prod", lever, "cards", name, qualifier, "CardsServiceFunction1")


def test_a_reservation_is_read_set_and_given_up(place: Place) -> None:
    make_function(place, "reserved")
    lever, own = ReservedConcurrency(place.clients), target(Lever.RESERVED, "reserved")
    assert lever.read(own).value == "none"
    lever.write(own, "none", "25")
    found = lever.read(own)
    assert found.value == "25" and found.concurrency is not None
    assert found.concurrency.account_unreserved == (found.concurrency.account_limit or 0) - 25
    lever.write(own, "25", "none")
    assert lever.read(own).value == "none"
    assert "ReservedConcurrentExecutions" not in place.functions.get_function_concurrency(FunctionName="reserved")


def test_what_is_provisioned_at_an_alias_is_read_set_and_given_up(place: Place) -> None:
    make_function(place, "provisioned")
    version = place.functions.publish_version(FunctionName="provisioned")["Version"]
    place.functions.create_alias(FunctionName="provisioned", Name="prod-live", FunctionVersion=version)
    lever, own = ProvisionedConcurrency(place.clients), target(Lever.PROVISIONED, "provisioned", "prod-live")
    assert lever.read(own).value == "none"
    lever.write(own, "none", "4")
    told = place.functions.get_provisioned_concurrency_config(FunctionName="provisioned", Qualifier="prod-live")
    assert told["RequestedProvisionedConcurrentExecutions"] == 4
    lever.write(own, "4", "none")
    assert lever.read(own).value == "none"


def test_a_function_that_is_not_there_is_told(place: Place) -> None:
    with pytest.raises(PermanentError, match="read the concurrency of nobody"):
        ReservedConcurrency(place.clients).read(target(Lever.RESERVED, "nobody"))


def flags(place: Place) -> FunctionFlags:
    # The emulator works on an update for a moment, as Lambda does.
    return FunctionFlags(place.clients, VALUES, lambda _: threading.Event().wait(0.2))


def variables(place: Place, name: str, **qualified: str) -> dict[str, str]:
    found: dict[str, str] = place.functions.get_function_configuration(FunctionName=name, **qualified)["Environment"][
        "Variables"
    ]
    return found


def test_a_flag_is_set_and_taken_back_and_every_other_variable_stays(place: Place) -> None:
    make_function(place, "flagged")
    own = target(Lever.FLAG, "flagged", "FALLBACK")
    assert flags(place).read(own).value == "unset"
    flags(place).write(own, "unset", '"on"')
    assert flags(place).read(own).value == '"on"'
    assert variables(place, "flagged") == {**OTHERS, "FALLBACK": "on"}
    flags(place).write(own, '"on"', "unset")
    assert variables(place, "flagged") == OTHERS


def test_a_value_that_is_not_declared_is_left_alone_and_not_told(place: Place) -> None:
    make_function(place, "strange", FALLBACK="hunter2")
    found = flags(place).read(target(Lever.FLAG, "strange", "FALLBACK"))
    assert "not declare" in found.blocked and "hunter2" not in repr(found)


def make_live(place: Place, name: str) -> str:
    make_function(place, name, FALLBACK="off")
    version: str = place.functions.publish_version(FunctionName=name)["Version"]
    place.functions.create_alias(FunctionName=name, Name="prod-live", FunctionVersion=version)
    return version


def test_a_flag_behind_an_alias_is_published_and_served(place: Place) -> None:
    first = make_live(place, "live")
    own = target(Lever.FLAG, "live", "FALLBACK")
    assert flags(place).read(own).value == '"off"'
    flags(place).write(own, '"off"', '"on"')
    alias = place.functions.get_alias(FunctionName="live", Name="prod-live")
    assert alias["FunctionVersion"] != first
    assert variables(place, "live", Qualifier=alias["FunctionVersion"]) == {**OTHERS, "FALLBACK": "on"}
    found = flags(place).read(own)
    assert (found.value, found.half, found.blocked) == ('"on"', False, "")
    flags(place).write(own, '"on"', '"off"')
    assert flags(place).read(own).value == '"off"'


def test_half_a_flag_is_seen_and_finished(place: Place) -> None:
    make_live(place, "half")
    own = target(Lever.FLAG, "half", "FALLBACK")
    place.functions.update_function_configuration(
        FunctionName="half", Environment={"Variables": {**OTHERS, "FALLBACK": "on"}}
    )
    found = flags(place).read(own)
    assert (found.value, found.half) == ('"off"', True)
    flags(place).write(own, '"off"', '"on"')
    found = flags(place).read(own)
    assert (found.value, found.half) == ('"on"', False)


def test_a_flag_puts_no_other_code_in_service(place: Place) -> None:
    make_live(place, "other")
    place.functions.update_function_code(FunctionName="other", ZipFile=archive("two"))
    found = flags(place).read(target(Lever.FLAG, "other", "FALLBACK"))
    assert "serves other code than its $LATEST" in found.blocked


def make_cluster(place: Place) -> None:
    place.rds.create_db_cluster(
        DBClusterIdentifier="namecard-prod-aurora",
        Engine="aurora-postgresql",
        MasterUsername="u",
        MasterUserPassword="hunter2hunter2",
        Port=5432,
    )
    for name in ("db-1", "db-2"):
        place.rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier="namecard-prod-aurora",
            Engine="aurora-postgresql",
            DBInstanceClass="db.r6g.large",
        )


def test_a_cluster_fails_over_and_a_stale_writer_is_refused(place: Place) -> None:
    make_cluster(place)
    lever, own = ClusterWriter(place.clients, lambda _: None), target(Lever.WRITER, "namecard-prod-aurora")
    found = lever.read(own)
    assert found.value == "db-1" and found.cluster is not None
    assert {(one.name, one.is_writer) for one in found.cluster.members} == {("db-1", True), ("db-2", False)}
    lever.write(own, "db-1", "db-2")
    assert lever.read(own).value == "db-2"
    with pytest.raises(PermanentError, match="has the writer db-2 by now, not db-1: nothing was done"):
        lever.write(own, "db-1", "db-2")
    with pytest.raises(PermanentError, match="nobody"):
        lever.read(target(Lever.WRITER, "nobody"))


def test_a_proxys_share_is_read_and_set(place: Place, emulator: Emulator) -> None:
    subnets = emulator.client("ec2").describe_subnets()["Subnets"]
    place.rds.create_db_proxy(
        DBProxyName="namecard-prod-proxy",
        EngineFamily="POSTGRESQL",
        RoleArn="arn:aws:iam::000000000000:role/test",
        VpcSubnetIds=[one["SubnetId"] for one in subnets],
        Auth=[{"AuthScheme": "SECRETS", "SecretArn": "arn:aws:secretsmanager:x:1:secret:s", "IAMAuth": "DISABLED"}],
    )
    lever, own = ProxyConnections(place.clients), target(Lever.PROXY, "namecard-prod-proxy")
    assert lever.read(own).value == "100/50"
    lever.write(own, "100/50", "80/40")
    assert lever.read(own).value == "80/40"
    with pytest.raises(PermanentError, match="nobody"):
        lever.read(target(Lever.PROXY, "nobody"))
