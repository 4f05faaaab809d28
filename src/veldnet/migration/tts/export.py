"""The export of The Things Stack as a `Source`: devices with their sessions and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from veldnet.lorawan import AesKey, DevEui, InvalidIdentifier, JoinEui
from veldnet.migration.model import (
    BaseStation,
    Damaged,
    Device,
    Group,
    Integration,
    NotMovable,
    Profile,
    Unmoved,
)
from veldnet.migration.tags import application_tag
from veldnet.network.core import MovedSession

from .device import EndDevice, MacState, Session
from .groups import read_group
from .objects import Found, read_objects, repeated_member
from .others import read_gateway, read_webhook
from .profiles import model_of, profile_of
from .sessions import clear_key, read_session

T = TypeVar("T")

_BATCH = 500
_decoder = msgspec.json.Decoder(EndDevice)


class _Ids(msgspec.Struct, frozen=True):
    gateway_id: str = ""
    webhook_id: str = ""


class _Kind(msgspec.Struct, frozen=True):
    ids: _Ids = _Ids()
    multicast: bool = False

    @property
    def apart(self) -> bool:
        return self.multicast or bool(self.ids.gateway_id or self.ids.webhook_id)


_kind = msgspec.json.Decoder(_Kind)


class TheThingsStack:
    """Devices of one or more applications, and what else there is of them, in files."""

    name = "The Things Stack"

    def __init__(self, paths: Sequence[Path]) -> None:
        """Looks through the files, so that nothing is written of one that is damaged. Raises `Damaged`."""
        self._paths = paths
        self._count = 0
        self._stations: list[Found] = []
        self._webhooks: list[Found] = []
        self._groups: list[Found] = []
        for found in self._objects():
            kind = _kind_of(found.octets)
            if kind.ids.gateway_id:
                self._stations.append(found)
            elif kind.ids.webhook_id:
                self._webhooks.append(found)
            elif kind.multicast:
                self._groups.append(found)
            else:
                self._count += 1
        if not (self._count or self._stations or self._webhooks or self._groups):
            raise Damaged(f"{', '.join(path.name for path in paths)}: there is no end device")
        self._profiles: dict[str, Profile] = {}

    def _objects(self) -> Iterator[Found]:
        for path in self._paths:
            yield from read_objects(path)

    def count(self) -> int | None:
        return self._count

    def profile(self, key: str) -> Profile:
        return self._profiles[key]

    def devices(self) -> Iterator[Sequence[Device]]:
        batch: list[Device] = []
        for place, octets in self._objects():
            found = self._device(place, octets)
            if found is None:
                continue
            batch.append(found)
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _device(self, place: str, octets: bytes) -> Device | None:
        """None for what is no device, and read apart."""
        if _kind_of(octets).apart:
            return None
        try:
            found = _decoder.decode(octets)
        except (msgspec.DecodeError, RecursionError) as error:
            return Device(eui=place, problem=f"it is no end device of The Things Stack v3: {error}")
        twice = repeated_member(octets)
        if twice is not None:
            return Device(eui=found.ids.dev_eui or place, name=found.name, problem=_twice(twice))
        eui, name = found.ids.dev_eui, found.name or found.ids.device_id
        if found.dev_id or found.lorawan_device is not None:
            problem = "it is of The Things Network v2, which ttn-lw-migrate turns into the form of v3"
            return Device(eui=found.dev_id or place, problem=problem)
        try:
            eui = str(DevEui.parse(eui))
        except InvalidIdentifier:
            problem = "it has no DevEUI" if not eui else "its DevEUI does not have 16 hexadecimal digits"
            return Device(eui=found.ids.device_id or place, name=name, problem=problem)
        try:
            return self._movable(found, eui, name)
        except NotMovable as error:
            return Device(eui=eui, name=name, problem=str(error))

    def _movable(self, found: EndDevice, eui: str, name: str) -> Device:
        model = model_of(found)
        if model.key not in self._profiles:
            self._profiles[model.key] = profile_of(model)
        version_11 = model.version == "1.1"
        session, pending, lost = _sessions(found, version_11)
        app_key, nwk_key = _root_keys(found, version_11)
        location = found.locations.get("user")
        attributes = (f"{key}={value}" for key, value in found.attributes.items())
        application = found.ids.application_ids.get("application_id", "")
        return Device(
            eui=eui,
            name=name,
            description=found.description,
            profile=model.key,
            join_eui=_join_eui(found.ids.join_eui),
            device_class="C" if found.supports_class_c else "B" if found.supports_class_b else "A",
            personalised=not found.supports_join,
            app_key=app_key,
            nwk_key=nwk_key,
            session=session,
            pending=pending,
            last_join_nonce=found.last_join_nonce,
            dev_nonces=(*found.used_dev_nonces, *([found.last_dev_nonce] if found.last_dev_nonce else [])),
            tags=(*([application_tag(application)] if application else []), *attributes),
            latitude=None if location is None else location.latitude,
            longitude=None if location is None else location.longitude,
            remarks=_remarks(found),
            without_session=lost,
        )

    def base_stations(self) -> Sequence[BaseStation | Unmoved]:
        return [_or_unmoved(each, read_gateway) for each in self._stations]

    def groups(self) -> Sequence[Group | Unmoved]:
        return [_or_unmoved(each, read_group) for each in self._groups]

    def integrations(self) -> Sequence[Integration]:
        found = []
        for each in self._webhooks:
            try:
                twice = repeated_member(each.octets)
                if twice is not None:
                    raise NotMovable(_twice(twice))
                found.append(read_webhook(each.octets))
            except NotMovable as error:
                found.append(Integration(name=each.place, tag="", problem=str(error)))
        return found


def _kind_of(octets: bytes) -> _Kind:
    try:
        return _kind.decode(octets)
    except (msgspec.DecodeError, RecursionError):
        return _Kind()


def _or_unmoved(found: Found, read: Callable[[bytes], T]) -> T | Unmoved:
    try:
        twice = repeated_member(found.octets)
        if twice is not None:
            raise NotMovable(_twice(twice))
        return read(found.octets)
    except NotMovable as error:
        return Unmoved(found.place, "", str(error))


def _twice(member: str) -> str:
    return f"{member[:40]} is there twice, and only one of both can be right"


def _join_eui(text: str) -> str | None:
    """All zeros is a JoinEUI there; devices that have another one are refused."""
    try:
        return str(JoinEui.parse(text)) if text else None
    except InvalidIdentifier:
        raise NotMovable("its JoinEUI does not have 16 hexadecimal digits") from None


def _sessions(found: EndDevice, version_11: bool) -> tuple[MovedSession | None, MovedSession | None, str]:
    """The session in use, the one that a join has opened, and why one of them stays behind."""
    reason = ""

    def read(session: Session | None, state: MacState | None, *, confirmed: bool) -> MovedSession | None:
        nonlocal reason
        if session is None:
            return None
        try:
            return read_session(
                session, state, version_11=version_11, confirmed=confirmed, joined=found.supports_join
            )
        except NotMovable as error:
            reason = reason or str(error)
            return None

    current = read(found.session, found.mac_state, confirmed=True)
    return current, read(found.pending_session, found.pending_mac_state, confirmed=False), reason


def _root_keys(found: EndDevice, version_11: bool) -> tuple[AesKey | None, AesKey | None]:
    keys = found.root_keys
    if keys is None:
        return None, None
    nwk_key = clear_key(keys.nwk_key, "the NwkKey") if version_11 else None
    return clear_key(keys.app_key, "the AppKey"), nwk_key


def _remarks(found: EndDevice) -> tuple[str, ...]:
    remarks = []
    if found.resets_join_nonces:
        remarks.append(
            "its JoinNonces were reset there (resets_join_nonces); here no DevNonce is taken twice"
        )
    return tuple(remarks)
