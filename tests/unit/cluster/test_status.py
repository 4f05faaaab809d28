"""What nodes say of themselves, for those who ask in any language."""

from __future__ import annotations

import msgspec

from veldnet.cluster import NodeReport
from veldnet.cluster.status import status_of
from veldnet.store.nodes import ClusterView, Node
from veldnet.texts import Text, in_language, pack


def test_problems_of_a_node_are_read_in_another_language() -> None:
    problem = Text("the lease of this node could not be renewed: {error}", error="no route")
    status = msgspec.json.encode(NodeReport(problems=(pack(problem), "plain"))).decode()
    node = Node("a", 1, 1, "0.1.0", frozenset(), {}, 0, 0, 2000, status)
    (shown,) = status_of(ClusterView(1000, (node,), {})).nodes
    assert shown.problems == [problem, "plain"]
    assert [in_language(each, "nl") for each in shown.problems] == [
        "De lease van deze node kon niet worden verlengd: no route",
        "plain",
    ]
