"""The nodes that serve this installation together."""

from __future__ import annotations

from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.cluster import ClusterStatus, cluster_status
from veldnet.domain.scope import OperatorScope


@OPERATOR.get(
    "/cluster", "getCluster", "Operator", "The nodes that serve the network together, and their partitions."
)
async def get_cluster(services: Services, operator: OperatorScope) -> ClusterStatus:
    """The nodes: whether each lives, what it serves, how far it is behind, and what is wrong with it. One
    process that serves alone has none."""
    return await services.read(cluster_status)
