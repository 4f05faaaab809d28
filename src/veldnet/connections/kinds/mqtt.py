"""Messages over a broker of the application's, MQTT 3.1.1 and 5.

A message is delivered when the broker has acknowledged it; with QoS 0 when it is written.
"""

from __future__ import annotations

from typing import Any

from veldnet.connections.fields import CERTIFICATES, CLIENT_ID, DOWNLINKS, PASSWORD, TOPIC, USERNAME
from veldnet.connections.kept import LONGEST_DOWNLINK, KeptConnection
from veldnet.connections.kind import Field, Kind, Preset, Scheme
from veldnet.connections.model import Outcome, Outgoing
from veldnet.domain.flows import topic_filter
from veldnet.outgoing import (
    Address,
    ConnectionFailed,
    FewerAtOnce,
    MqttClient,
    MqttMessage,
    MqttOptions,
    TooLong,
)
from veldnet.texts import Text

_MOST_TOPIC = 65_000
_WEBSOCKETS = ("ws", "wss")
# Seconds for which a broker of MQTT 5 keeps downlinks of a connection that is away.
_KEPT_FOR = 86_400
# Unacknowledged messages, where the broker does not ask for fewer.
_IN_FLIGHT = 20
# Answers of MQTT 5 that speak of the moment, not of the message.
_NOT_NOW = (0x97, 0x88, 0x89, 0x93)


class MqttConnection(KeptConnection):
    """A connection to a broker."""

    @property
    def kind(self) -> Kind:
        return KIND

    _client: MqttClient | None = None
    _in_flight = _IN_FLIGHT

    async def session(self, address: Address, hosts: list[str]) -> None:
        self._client = MqttClient(self._options(address), self)
        try:
            await self._client.run(hosts, address.port)
        except FewerAtOnce as fewer:
            self._in_flight = fewer.most
        finally:
            self.down()
            self._client = None

    def _options(self, address: Address) -> MqttOptions:
        connection = self.connection
        settings = connection.settings
        topics = self.downlink_topics if settings.downlinks else ()
        filters = tuple(topic_filter(topic, connection.known) for topic in topics)
        # The broker keeps downlinks while the connection is away where the session has a name. With QoS 2 it
        # would take new messages for those of before, whose numbers they have.
        kept = settings.downlinks and bool(settings.client_id) and settings.qos < 2
        return MqttOptions(
            client_id=settings.client_id,
            version=settings.version,
            username=settings.username,
            password=connection.secrets.password,
            tls=self.tls(address) if address.scheme in KIND.secure_beginnings else None,
            websocket=address.text if address.scheme in _WEBSOCKETS else "",
            filters=filters,
            filter_qos=1,
            kept_for=_KEPT_FOR if kept else 0,
            # A downlink is acknowledged once it is in the queue of its device.
            manual=True,
            in_flight=self._in_flight,
            timeout=self.around.connect_timeout,
        )

    async def send(self, message: Outgoing, topic: str, where: str) -> Outcome:
        settings = self.connection.settings
        if not topic or len(topic.encode()) > _MOST_TOPIC:
            return Outcome(False, "Error", Text("the topic is empty or too long"), where, refusal="never")
        assert self._client is not None
        try:
            reason = await self._client.publish(topic, message.body, settings.qos, retain=settings.retain)
        except TooLong as error:
            words = Text("the broker takes messages of {most} octets at most", most=error.most)
            return Outcome(False, "Error", words, where, refusal="never")
        return _judged(reason, where)

    def give_up(self, why: str) -> None:
        # What has no acknowledgement takes up one of few places, as long as the session lasts.
        if self._client is not None:
            self._client.end(ConnectionFailed(why))

    def message(self, message: MqttMessage) -> None:
        # One that is retained would be sent again with each connection.
        if message.retained or len(message.payload) > LONGEST_DOWNLINK or not message.topic:
            message.done()
            return
        self.took(message.topic, message.payload, message.done)


def _judged(reason: Any, where: str) -> Outcome:
    """What an acknowledgement means; brokers of MQTT 3.1.1 give no reasons."""
    if reason is None or not reason.is_failure:
        return Outcome(True, "Ok", None, where, None if reason is None else str(reason))
    refusal = "busy" if reason.value in _NOT_NOW else "message"
    words = Text("the broker refused the message: {reason}", reason=str(reason))
    return Outcome(False, "Error", words, where, refusal=refusal)


KIND = Kind(
    type="MQTT",
    title="MQTT",
    schemes=(
        Scheme("mqtt", 1883),
        Scheme("mqtts", 8883, tls=True),
        Scheme("ws", 80, path=True),
        Scheme("wss", 443, tls=True, path=True),
    ),
    example="mqtts://broker.example.com:8883",
    fields=(
        USERNAME,
        PASSWORD,
        TOPIC,
        *DOWNLINKS,
        Field("mqttVersion", "CHOICE", Text("Version"), default="5", choices=("5", "3.1.1")),
        Field("qos", "NUMBER", "QoS", default=1, choices=("0", "1", "2"), most=2),
        CLIENT_ID,
        Field("retain", "BOOLEAN", Text("Have the broker keep the last message (retained)"), default=False),
        *CERTIFICATES,
    ),
    make=MqttConnection,
    presets=(
        Preset(
            "aws-iot",
            "AWS IoT Core",
            Text(
                "Create a thing with a certificate whose policy allows to connect as this client, and to "
                "publish and subscribe to these topics; give its certificate and key, and as authority "
                "AmazonRootCA1.pem."
            ),
            "mqtts://PREFIX-ats.iot.REGION.amazonaws.com:8883",
            {
                "clientId": "veldnet",
                "qos": 1,
                "topic": "lorawan/{DevEUI}/uplink",
                "downlinks": True,
                "downlinkTopic": "lorawan/{DevEUI}/downlink",
            },
        ),
        Preset(
            "azure-iot-hub",
            "Azure IoT Hub",
            Text(
                "Register a device named veldnet with an X.509 certificate, and give that and its key. All "
                "messages come from it; submit downlinks to the API."
            ),
            "mqtts://HUB.azure-devices.net:8883",
            {
                "mqttVersion": "3.1.1",
                "clientId": "veldnet",
                "username": "HUB.azure-devices.net/veldnet/?api-version=2021-04-12",
                "qos": 1,
                "topic": "devices/veldnet/messages/events/",
            },
        ),
        Preset(
            "hivemq-cloud",
            "HiveMQ Cloud",
            Text(
                "Create credentials that may publish and subscribe, and give them as user name and password."
            ),
            "mqtts://CLUSTER.s1.eu.hivemq.cloud:8883",
            {"downlinks": True, "clientId": "veldnet"},
        ),
    ),
)
