"""Parts of the installation that alarms are raised of: modules of vaults, certificates, backups. Each node
tells of its own; the one that leads raises the alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from veldnet.cluster import PartReport, report_of
from veldnet.monitoring import BACKUP, CERTIFICATE, Module
from veldnet.texts import Text, unpack

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform


def own_parts(platform: Platform) -> list[Module]:
    """Those of this process."""
    parts = [Module(vault, module.name, module.problem) for vault, module in platform.vault.modules()]
    if platform.certificate is not None:
        parts.append(Module("", "certificate", platform.certificate.problem, CERTIFICATE))
    problem = platform.stations.certificate_problem()
    return [*parts, Module("", "base station certificates", problem, CERTIFICATE)]


def reported(parts: Sequence[Module]) -> tuple[PartReport, ...]:
    """As a node tells of them."""
    return tuple(PartReport(part.vault, part.name, part.kind, part.packed) for part in parts)


def parts_of(platform: Platform) -> list[Module]:
    """Those of all nodes, and what is done once for all."""
    own, cluster = own_parts(platform), platform.cluster
    if cluster is not None:
        others = {
            node.name: [
                Module(
                    part.vault, part.name, None if part.problem is None else unpack(part.problem), part.kind
                )
                for part in report_of(node).parts
            ]
            for node in cluster.partitions.view.living
            if node.name != cluster.name
        }
        own = over_nodes({cluster.name: own} | others)
    if platform.backups is not None:
        own.append(Module("", "backups", platform.backups.problem, BACKUP))
    return own


def over_nodes(nodes: Mapping[str, Sequence[Module]]) -> list[Module]:
    """Each part once, with the nodes at which something is wrong with it."""
    found: dict[str, list[tuple[str, Module]]] = {}
    for node, parts in sorted(nodes.items()):
        for part in parts:
            found.setdefault(part.title, []).append((node, part))
    return [replace(each[0][1], problem=_problem(each)) for each in found.values()]


def _problem(parts: Sequence[tuple[str, Module]]) -> str | None:
    wrong = [(node, part.problem) for node, part in parts if part.problem is not None]
    if not wrong:
        return None
    words: str | None = None
    for node, problem in wrong:
        at = Text("node {node}: {problem}", node=node, problem=problem)
        words = at if words is None else Text("{one}; {other}", one=words, other=at)
    # The same at all nodes is what they share.
    return wrong[0][1] if len(wrong) == len(parts) and len({each[1] for each in wrong}) == 1 else words
