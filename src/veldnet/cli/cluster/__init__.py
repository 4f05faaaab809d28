"""`veldnet cluster`: the nodes that serve a database together."""

from __future__ import annotations

import typer

from veldnet.cli.options import Data, Json
from veldnet.cli.output import print_json, print_table, report
from veldnet.cli.running import read_beside_servers
from veldnet.cluster import NodeView, cluster_status

cluster = typer.Typer(help="The nodes that serve a database together.", no_args_is_help=True)


@cluster.callback()
def _group() -> None:
    """The nodes that serve a database together."""


@cluster.command("status")
def status_command(data: Data = None, as_json: Json = False) -> None:
    """List the nodes: versions, roles, partitions, lag, last hand-over."""
    status = read_beside_servers(data, cluster_status)
    if as_json:
        print_json(status)
        return
    if not status.cluster:
        report("no nodes serve this database, one process does or none; cluster.nats has several serve it")
        return
    print_table(
        f"Nodes, {status.time}",
        (
            "Node",
            "State",
            "Version",
            "Roles",
            "Partitions",
            "Lag",
            "Base stations",
            "Last hand-over",
            "Problems",
        ),
        [_row(node) for node in status.nodes],
    )
    if status.unserved:
        report(f"no node serves {len(status.unserved)} partitions: {_ranges(status.unserved)}")
    if len(status.versions) > 1:
        report(f"nodes run {len(status.versions)} versions: {', '.join(status.versions)}")


def _row(node: NodeView) -> tuple[str, ...]:
    state = f"silent for {node.secondsSinceSeen:.0f} s"
    if node.alive:
        state = "leads" if node.leads else "serves"
    return (
        node.name,
        state,
        node.version,
        ", ".join(node.roles),
        f"{len(node.partitions)}: {_ranges(node.partitions)}" if node.partitions else "0",
        f"{node.lagSeconds:.1f} s",
        str(node.baseStations),
        node.lastHandover or "",
        "; ".join(node.problems),
    )


def _ranges(numbers: list[int]) -> str:
    """Numbers in order, those in a row as one."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)
