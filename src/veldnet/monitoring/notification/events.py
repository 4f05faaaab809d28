"""Notification events and the recipients of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, select

from veldnet.domain.alarm_levels import Level
from veldnet.domain.errors import InvalidField
from veldnet.monitoring.alarms.machine import Change
from veldnet.outgoing import AddressRefused, masked, parse_address
from veldnet.store import put, readable
from veldnet.store.schema import notification_settings
from veldnet.texts import Language

# Of alarms of devices and of base stations; of weekly reports, which have no alarms.
SUBSCRIBER, OPERATOR, REPORTS = 1, 2, 3

State = Literal["CLEARED", "UNCLEARED", "WARNING", "MINOR", "MAJOR", "CRITICAL", "ACKED"]
_MOST = 20
# One that a mail server may be handed: no blanks, no control characters, one @.
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


class AlarmEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of an alarm. `subject` is a DevEUI or a base station's id; `cause` the base station behind
    it."""

    change: Change
    type: int
    state: int
    at: int
    subject: str
    name: str
    object: str = ""
    infos: tuple[str, ...] = ()
    occurrence: int = 1
    cause: str | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AlarmEvent)


def encode_event(event: AlarmEvent) -> bytes:
    return _encoder.encode(event)


def decode_event(octets: bytes) -> AlarmEvent:
    return _decoder.decode(octets)


class NotificationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is notified. BASIC: `recipients` hear of every state; ADVANCED: each state has its own recipients,
    also acknowledgements. The webhook hears of everything."""

    mode: Literal["OFF", "BASIC", "ADVANCED"] = "OFF"
    recipients: Annotated[list[str], Meta(max_length=_MOST)] = []
    recipientsByState: dict[State, Annotated[list[str], Meta(max_length=_MOST)]] = {}
    webhook: Annotated[str, Meta(max_length=2000)] | None = None
    # Of the e-mails.
    language: Language = "en"

    def addresses(self, change: Change, state: int) -> list[str]:
        """Who gets an e-mail about a change."""
        if self.mode == "BASIC":
            return self.recipients if change != "acknowledged" else []
        if self.mode == "ADVANCED":
            key = "ACKED" if change == "acknowledged" else Level(state).name
            return self.recipientsByState.get(key, [])  # type: ignore[call-overload,no-any-return]
        return []

    def wants(self, change: Change, state: int) -> bool:
        return self.webhook is not None or bool(self.addresses(change, state))


def check_settings(settings: NotificationSettings, *, mail: bool) -> None:
    """Refuse what cannot work. Raises `InvalidField`."""
    everybody = [*settings.recipients, *(a for listed in settings.recipientsByState.values() for a in listed)]
    for address in everybody:
        if _ADDRESS.fullmatch(address) is None:
            raise InvalidField("{address!r} is not an e-mail address", address=address[:80])
    if settings.mode != "OFF" and not mail:
        raise InvalidField("mode must be OFF: this server sends no e-mail, mail.host is not set")
    if settings.mode == "BASIC" and not settings.recipients:
        raise InvalidField("mode BASIC needs recipients")
    if settings.webhook is not None:
        try:
            parse_address(settings.webhook)
        except AddressRefused as error:
            raise InvalidField(
                "webhook: {address!r} {error}", address=masked(settings.webhook)[:80], error=error
            ) from None


class Recipients:
    """The settings of all who want to hear of alarms, in memory."""

    def __init__(self) -> None:
        self._settings: dict[tuple[int, int], NotificationSettings] = {}

    def load(self, settings: Mapping[tuple[int, int], NotificationSettings]) -> None:
        self._settings = dict(settings)

    def find(self, scope: int, ref: int) -> NotificationSettings | None:
        return self._settings.get((scope, ref))

    def wants_device(self, subscriber_ref: int, change: Change, state: int) -> bool:
        settings = self._settings.get((SUBSCRIBER, subscriber_ref))
        return settings is not None and settings.wants(change, state)

    def wants_base_station(self, operator_ref: int, change: Change, state: int) -> bool:
        settings = self._settings.get((OPERATOR, operator_ref))
        return settings is not None and settings.wants(change, state)


_settings_decoder = msgspec.json.Decoder(NotificationSettings)


def read_all(connection: Connection) -> dict[tuple[int, int], NotificationSettings]:
    columns = notification_settings.c
    rows = connection.execute(select(columns.scope_ref.label("ref"), columns.scope, columns.settings))
    return dict(
        readable(
            "notification settings",
            rows,
            lambda row: ((row.scope, row.ref), _settings_decoder.decode(row.settings)),
        )
    )


def read_settings(connection: Connection, scope: int, ref: int) -> NotificationSettings:
    """The settings of one, the defaults where there are none."""
    columns = notification_settings.c
    text = connection.execute(
        select(columns.settings).where(columns.scope == scope, columns.scope_ref == ref)
    ).scalar()
    return NotificationSettings() if text is None else _settings_decoder.decode(text)


def read_secret(connection: Connection, scope: int, ref: int) -> bytes | None:
    """The sealed secret of a webhook's signature."""
    columns = notification_settings.c
    sealed: bytes | None = connection.execute(
        select(columns.sealed_secret).where(columns.scope == scope, columns.scope_ref == ref)
    ).scalar()
    return sealed


def write_settings(
    connection: Connection,
    scope: int,
    ref: int,
    settings: NotificationSettings,
    sealed_secret: bytes | None = None,
    *,
    keep_secret: bool = False,
) -> None:
    """Put settings in place of those before; with `keep_secret` the webhook's secret stays."""
    row = {
        "scope": scope,
        "scope_ref": ref,
        "settings": msgspec.json.encode(settings).decode(),
        "sealed_secret": sealed_secret,
    }
    put(connection, notification_settings, row, kept=("sealed_secret",) if keep_secret else ())
