"""The nodes that serve this installation together."""

from __future__ import annotations

from veldnet.api.errors import language_of
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.cluster import ClusterStatus, cluster_status
from veldnet.domain.scope import OperatorScope
from veldnet.texts import in_language


@OPERATOR.get(
    "/cluster", "getCluster", "Operator", "The nodes that serve the network together, and their partitions."
)
async def get_cluster(request: Request, services: Services, operator: OperatorScope) -> ClusterStatus:
    """The nodes: whether each lives, what it serves, how far it is behind, and what is wrong with it. One
    process that serves alone has none."""
    status = await services.read(cluster_status)
    language = language_of(request)
    for node in status.nodes:
        node.problems = [in_language(each, language) for each in node.problems]
    return status
