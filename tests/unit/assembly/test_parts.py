"""Alarms of parts of the installation that every node has one of."""

from __future__ import annotations

from veldnet.assembly.parts import over_nodes
from veldnet.monitoring import Module

FINE, AWAY = Module("hsm", "m1", None), Module("hsm", "m1", "no token")


def _problems(**nodes: Module) -> str | None:
    (found,) = over_nodes({node: [module] for node, module in nodes.items()})
    assert found.title == "hsm/m1"
    return found.problem


def test_a_module_is_one_part_that_names_the_nodes_where_it_does_not_work() -> None:
    assert _problems(a=FINE, b=FINE) is None
    assert _problems(a=AWAY, b=AWAY) == "no token"
    assert _problems(a=FINE, b=AWAY) == "node b: no token"
    broken = Module("hsm", "m1", "wrong PIN")
    assert _problems(c=broken, a=FINE, b=AWAY) == "node b: no token; node c: wrong PIN"
    # What only one node has is a part, too.
    titles = [part.title for part in over_nodes({"a": [FINE], "b": [FINE, Module("", "certificate", None)]})]
    assert titles == ["hsm/m1", "certificate"]
