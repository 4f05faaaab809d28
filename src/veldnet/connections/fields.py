"""Fields that several types of connection have, each a member of the API."""

from __future__ import annotations

from veldnet.texts import Text

from .kind import Field

USERNAME = Field("username", "TEXT", Text("User name"))
PASSWORD = Field("password", "SECRET", Text("Password"))
_PEM = Text("In PEM format")
CERTIFICATES = (
    Field(
        "caCertificate",
        "LINES",
        Text("Certificates of authorities"),
        Text("In PEM format; those of the system if empty"),
        shown="SECURE",
    ),
    Field("clientCertificate", "LINES", Text("Client certificate"), _PEM, shown="SECURE"),
    Field("clientKey", "SECRET_LINES", Text("Key of the client certificate"), _PEM, shown="SECURE"),
)
_TEMPLATE = Text("Leave empty for that of the dialect; may name {DevEUI}, {event} and others")
TOPIC = Field("topic", "TEXT", Text("Topic"), _TEMPLATE, most=512)
# Of messages that go to one place; the topics of MQTT with dots.
SUBJECT = Field("topic", "TEXT", Text("Subject"), _TEMPLATE, most=512)
DOWNLINKS = (
    Field("downlinks", "BOOLEAN", Text("Take downlinks over this connection"), default=False),
    Field("downlinkTopic", "TEXT", Text("Topic of downlinks"), _TEMPLATE, shown="DOWNLINKS", most=512),
)
CLIENT_ID = Field(
    "clientId",
    "TEXT",
    Text("Client ID"),
    Text("Has the other side keep downlinks while the connection is away"),
    most=64,
)
