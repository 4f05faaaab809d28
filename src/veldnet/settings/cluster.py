"""Settings of several nodes on one PostgreSQL."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import about

Role = Literal["gateways", "network", "delivery", "api"]
ROLES: tuple[Role, ...] = ("gateways", "network", "delivery", "api")


class ClusterSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Several nodes that serve one installation; needs PostgreSQL (store.url) and NATS."""

    nats: Annotated[
        str,
        about(
            "NATS servers between the nodes, nats://HOST:PORT or tls://HOST:PORT, with USER:PASSWORD@ or "
            "TOKEN@ before HOST where NATS asks for it, separated by commas; empty: one server alone."
        ),
    ] = ""
    name: Annotated[
        str,
        about(
            "Name of the cluster, the same on all nodes; a database and its copy on one NATS need two names."
        ),
    ] = "veldnet"
    node: Annotated[str, about("Name of this node within the cluster; empty is the host name.")] = ""
    roles: Annotated[
        tuple[Role, ...],
        about(
            "What this node does: gateways (base stations), network (devices), delivery (messages to "
            "application servers), api (API and console)."
        ),
    ] = ROLES
    credentials: Annotated[
        str, about("File of NATS credentials (.creds), or of the seed of a user's nkey.")
    ] = ""
    ca: Annotated[str, about("CA certificates of NATS in PEM, where it has a private CA.")] = ""
    certificate: Annotated[str, about("Client certificate for NATS in PEM.")] = ""
    key: Annotated[str, about("Private key of the client certificate.")] = ""
