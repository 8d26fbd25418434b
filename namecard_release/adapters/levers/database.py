"""A proxy's share of the database's connections, and a cluster's writer, read and changed. Bounds are the domain's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from namecard_release.adapters.aws_clients import AwsClients
from namecard_release.adapters.aws_errors import aws_errors_told
from namecard_release.domain.mitigation_bounds import Cluster, Member, Reading
from namecard_release.domain.mitigations import Target
from namecard_release.errors import PermanentError, TransientError

_GROUP = "default"
_POLL_SECONDS = 1.0
# Aurora promises less than a minute, mostly; the names of the members change at the end of it.
_FAILOVER_SECONDS = 120.0


class ProxyConnections:
    """A proxy's MaxConnectionsPercent and MaxIdleConnectionsPercent, as `80/40`. Keeps the port `Lever`."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def read(self, target: Target) -> Reading:
        """Read both; a target group that is not available yet is being changed."""
        name = target.resource
        with aws_errors_told(f"read the connections of the proxy {name}"):
            told = self._clients.rds.describe_db_proxy_target_groups(DBProxyName=name, TargetGroupName=_GROUP)
        groups: list[Any] = list(told["TargetGroups"])
        if not groups:
            raise PermanentError(f"the proxy {name} has no target group {_GROUP!r}")
        pool = groups[0].get("ConnectionPoolConfig", {})
        most, idle = pool.get("MaxConnectionsPercent"), pool.get("MaxIdleConnectionsPercent")
        if most is None or idle is None:
            raise TransientError(f"RDS does not tell the connections of the proxy {name}; try again in a moment")
        status = groups[0].get("Status", "available")
        moving = "" if status == "available" else f"the proxy {name} is {status}"
        return Reading(f"{most}/{idle}", moving=moving)

    def write(self, target: Target, before: str, after: str) -> None:
        """Set both; what else its pool is configured with stays as it is (RDS API, ModifyDBProxyTargetGroup)."""
        most, _, idle = after.partition("/")
        pool: Any = {"MaxConnectionsPercent": int(most), "MaxIdleConnectionsPercent": int(idle)}
        with aws_errors_told(f"set the connections of the proxy {target.resource}"):
            self._clients.rds.modify_db_proxy_target_group(
                DBProxyName=target.resource, TargetGroupName=_GROUP, ConnectionPoolConfig=pool
            )


class ClusterWriter:
    """A cluster's writer, by the name of its instance. Keeps the port `Lever`."""

    def __init__(
        self,
        clients: AwsClients,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clients = clients
        self._wait = wait
        self._clock = clock

    def read(self, target: Target) -> Reading:
        """Read the cluster with the state of each instance."""
        cluster = self.cluster(target.resource)
        moving = f"{cluster.name} is failing over" if cluster.status == "failing-over" else ""
        return Reading(cluster.writer, cluster=cluster, moving=moving)

    def cluster(self, name: str) -> Cluster:
        """Read a cluster. Raises PermanentError where there is none of that name."""
        with aws_errors_told(f"describe the cluster {name}"):
            found = self._clients.rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
            told = self._clients.rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [name]}])
        if not found:
            raise PermanentError(f"RDS knows no cluster {name}")
        states = {one["DBInstanceIdentifier"]: one.get("DBInstanceStatus", "") for one in told["DBInstances"]}
        members = tuple(
            Member(
                one["DBInstanceIdentifier"],
                bool(one["IsClusterWriter"]),
                states.get(one["DBInstanceIdentifier"], "unknown"),
                one.get("PromotionTier", 1),
            )
            for one in found[0].get("DBClusterMembers", [])
        )
        return Cluster(name, found[0].get("Status", "unknown"), members)

    def write(self, target: Target, before: str, after: str) -> None:
        """Fail over from one instance to another, where the writer is still the one that was read, and wait for it.

        Raises PermanentError when the writer is another by now.
        """
        now = self.cluster(target.resource)
        if now.writer != before:
            raise PermanentError(f"{now.name} has the writer {now.writer} by now, not {before}: nothing was done")
        with aws_errors_told(f"fail {target.resource} over to {after}"):
            self._clients.rds.failover_db_cluster(DBClusterIdentifier=target.resource, TargetDBInstanceIdentifier=after)
        end = self._clock() + _FAILOVER_SECONDS
        while True:
            now = self.cluster(target.resource)
            if now.writer == after and now.status == "available":
                return
            if self._clock() >= end:
                raise TransientError(
                    f"{target.resource} is {now.status} and its writer {now.writer} {_FAILOVER_SECONDS:.0f} s after "
                    f"the failover to {after} was asked for"
                )
            self._wait(_POLL_SECONDS)
