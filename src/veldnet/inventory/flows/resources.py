"""Connections and flows as the API shows them."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.domain.flows import ConnectionType, Dialect, Driver, MqttVersion, Strategy
from veldnet.domain.resources import Text

Status = Literal["ACTIVE", "ERROR", "WAITING", "DEACTIVATED", "UNUSED"]

# Members that a change can take away.
Removable = Literal[
    "username",
    "password",
    "caCertificate",
    "clientCertificate",
    "clientKey",
    "clientId",
    "topic",
    "downlinkTopic",
    "exchange",
    "applicationId",
    "tenantId",
]

# In place of a secret that is there.
HIDDEN = "*****"


class ConnectionState(msgspec.Struct, kw_only=True):
    """How a connection is: `ACTIVE` works, `ERROR` does not, for the `reason`, and is tried again; `WAITING`
    has not been tried yet; `DEACTIVATED` was switched off. Counts are since the server started: messages
    `delivered`, attempts that `failed`, and downlinks `received`. `pending` messages wait, `undelivered` were
    set aside (see `GET /undelivered`); both are counted up to 10,000."""

    status: Status
    reason: str | None = None
    since: str | None = None
    delivered: int
    failed: int
    received: int
    lastDeliveryTime: str | None = None
    pending: int
    undelivered: int


class Connection(msgspec.Struct):
    """Where and how messages are delivered.

    `type`, how an `address` begins, and which members a type has besides, are listed by
    `GET /connectionKinds`; what only one type has is in `options`. `topic`, `downlinkTopic` and URLs may name
    `{DevEUI}`, `{devEui}`, `{deviceId}`, `{deviceName}`, `{FPort}`, `{event}`, `{message}`, `{customerId}`,
    `{applicationId}` and `{tenantId}`. `password`, `clientKey`, values of `headers` and options that are
    secret are shown as `*****`; sent back like that they stay as they are. Certificates and keys are PEM.
    With `downlinks` the connection takes downlinks, too, where its type can. `clear` names members that lose
    their values, since empty ones count as not given; an empty option loses its value."""

    ref: Text = UNSET
    name: Text = UNSET
    type: ConnectionType | UnsetType = UNSET
    dialect: Dialect | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    address: Text = UNSET
    username: Text = UNSET
    password: Text = UNSET
    caCertificate: Text = UNSET
    clientCertificate: Text = UNSET
    clientKey: Text = UNSET
    mqttVersion: MqttVersion | UnsetType = UNSET
    clientId: Text = UNSET
    qos: int | UnsetType = UNSET
    retain: bool | UnsetType = UNSET
    topic: Text = UNSET
    downlinks: bool | UnsetType = UNSET
    downlinkTopic: Text = UNSET
    exchange: Text = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    options: dict[str, str | int | bool] | UnsetType = UNSET
    clear: list[Removable] | UnsetType = UNSET
    applicationId: Text = UNSET
    tenantId: Text = UNSET
    state: ConnectionState | UnsetType = UNSET
    creationTime: Text = UNSET
    lastUpdateTime: Text = UNSET
    lastUpdateUser: Text = UNSET


class Flow(msgspec.Struct):
    """Which messages go over which connections. A device is chosen if it has all of `tags`, one of
    `deviceProfileIds` and one of `strategies` (`ROUTE` is a routing profile); what is empty chooses all.
    `ports` concern uplinks with a payload. The driver `AUTO` decodes payloads with the decoder of the device
    profile, `RAW` does not; payloads of devices with an HSM group stay encrypted and are never decoded.
    `transformation` is a JMESPath expression that makes the document to send of the one of the dialect;
    `clear` with `transformation` takes it away. `problem` says why what is stored of a flow cannot be read:
    then no message goes over it until it is replaced, with `tags`, `deviceProfileIds` and `strategies`."""

    ref: Text = UNSET
    name: Text = UNSET
    active: bool | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    deviceProfileIds: list[str] | UnsetType = UNSET
    strategies: list[Strategy] | UnsetType = UNSET
    ports: Text = UNSET
    driver: Driver | UnsetType = UNSET
    transformation: str | UnsetType | None = UNSET
    clear: list[Literal["transformation"]] | UnsetType = UNSET
    connectionRefs: list[str] | UnsetType = UNSET
    problem: Text = UNSET
    creationTime: Text = UNSET
    lastUpdateTime: Text = UNSET
    lastUpdateUser: Text = UNSET
