"""Whether a device can be moved as it is, and what of it has to stay behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from veldnet.domain.resources import ApplicationSessionKeyRule, VeldnetDevice
from veldnet.inventory import devices
from veldnet.inventory.devices import Moved, NewDevice, Shadow
from veldnet.inventory.names import printable
from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.regions import ChannelPlan, Region
from veldnet.network.core import (
    Arrival,
    MovedRadio,
    MovedSession,
    moved_join_memory,
    moved_state,
    strange_channels,
)

from .model import Device, NotMovable, Profile

_MOST_TEXT = 255
# JoinNonces that the other server may have given since it was asked.
_JOIN_NONCE_MARGIN = 100
_LAST_JOIN_NONCE = 0xFFFFFF
_HALF_OF_COUNTER = 1 << 31
# MAC commands have four bits for a delay, a data rate, a power, repetitions, a duty cycle.
_MOST_IN_FIELD = 15


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all devices of a migration.

    `plan_of` gives the channels that this network has for a profile, `channel_plans` those of its regions,
    `generation` is that of the store, `plan` an existing connectivity plan for all devices. With `shadow` the
    other network goes on answering the devices.
    """

    plan_of: Callable[[Profile], ChannelPlan]
    channel_plans: Mapping[str, ChannelPlan]
    generation: int
    now: float
    counter_jump: int
    with_sessions: bool
    shadow: bool = False
    plan: str | None = None
    routing_profile: str | None = None


class Checked(NamedTuple):
    """A device that can be created; its root keys, by label of their kind, are still to be sealed. `earlier`
    is the device in shadow whose place it takes."""

    device: Device
    new: NewDevice
    moved: Moved
    app_key: AesKey | None
    nwk_key: AesKey | None
    gen_app_key: AesKey | None
    remarks: tuple[str, ...]
    partly: bool
    earlier: Shadow | None = None


def check_device(
    device: Device, profile: Profile, terms: Terms, sessions: Sessions, earlier: Shadow | None = None
) -> Checked:
    """Raises `NotMovable` or a `Refusal` that says why a device cannot be moved."""
    if device.problem or (device.disabled and earlier is None):
        raise NotMovable(device.problem or device.disabled)
    if profile.problem:
        raise NotMovable(profile.problem)
    channel_plan = terms.plan_of(profile)
    if not channel_plan.served:
        region = profile.settings.region
        raise NotMovable(
            f"this network does not serve {region}: add it to network.region or network.more_regions"
        )
    version_11 = profile.settings.version_11
    if device.personalised and version_11:
        raise NotMovable("personalised devices (ABP) of LoRaWAN 1.1 are not served")
    remarks = [*device.remarks]
    session, pending, lost = _sessions(device, version_11, terms, channel_plan, sessions)
    if device.personalised and session is None:
        reason = f": {lost}" if lost else ""
        raise NotMovable(f"a personalised device (ABP) cannot be moved without its session{reason}")
    app_key, nwk_key, keyless = _root_keys(device, version_11)
    if keyless and session is None and pending is None:
        raise NotMovable(f"{keyless}, and there is no session to move either")
    body = _body(device, profile, terms, session, remarks)
    # Keys that another network server had in clear gain nothing from an HSM group.
    new = devices.check_new_device(body, hsm_required=False, abp=device.personalised, key_encrypted=True)
    missing = [text for text in (lost, keyless) if text]
    return Checked(
        device,
        new,
        _moved(device, (session, pending), terms, channel_plan, earlier),
        app_key,
        nwk_key,
        None if version_11 else device.gen_app_key,
        (*missing, *remarks),
        bool(missing),
        earlier,
    )


class Sessions:
    """The sessions that were taken. Two devices with one session cannot be told apart."""

    def __init__(self) -> None:
        self._taken: set[tuple[int, bytes]] = set()

    def take(self, session: MovedSession) -> bool:
        """Whether nobody else has it."""
        key = (int(session.dev_addr), bytes(session.f_nwk_s_int_key))
        if key in self._taken:
            return False
        self._taken.add(key)
        return True


def _sessions(
    device: Device, version_11: bool, terms: Terms, plan: ChannelPlan, sessions: Sessions
) -> tuple[MovedSession | None, MovedSession | None, str]:
    """The session, the one that a join has opened and no uplink has confirmed, and why one was left behind;
    empty where none was."""
    found = (device.session, device.pending)
    if found == (None, None):
        return None, None, device.without_session
    if not terms.with_sessions:
        return None, None, "its session was left behind, as asked for: it joins again"
    kept: list[MovedSession | None] = []
    reason = device.without_session
    for each in found:
        problem = "" if each is None else _session_problem(each, version_11, plan)
        if each is not None and not problem and not sessions.take(each):
            problem = "another device has the same session, DevAddr and NwkSKey"
        kept.append(None if problem else each)
        reason = reason or problem
    return kept[0], kept[1], reason


def _session_problem(session: MovedSession, version_11: bool, plan: ChannelPlan) -> str:
    if session.version_11 != version_11:
        return "its session is of another LoRaWAN version than its profile: it joins again"
    counters = (session.fcnt_up or 0, session.n_fcnt_down, session.a_fcnt_down, session.confirmed_fcnt)
    if any(not 0 <= counter < _HALF_OF_COUNTER for counter in counters):
        return "a frame counter of its session cannot be right: it joins again"
    region, radio = plan.region, session.radio
    if radio.rx2_data_rate is not None and radio.rx2_data_rate not in region.downlink:
        return f"RX2 of its session has a data rate that {region.name} lacks: it joins again"
    if radio.rx2_frequency and region.sub_band(radio.rx2_frequency) is None:
        return f"RX2 of its session is outside {region.name}: it joins again"
    if not 0 <= radio.rx1_dr_offset <= region.max_rx1_dr_offset:
        return f"its session has an RX1 offset that {region.name} lacks: it joins again"
    if not _sound(radio, region):
        return "a radio parameter of its session cannot be right: it joins again"
    if version_11 and strange_channels(plan, radio):
        return (
            "its session uses channels that network.extra_channels does not have at the same index, which "
            "the MIC of LoRaWAN 1.1 covers: add them, or it joins again"
        )
    return ""


def _sound(radio: MovedRadio, region: Region) -> bool:
    """Whether parameters have values that a network can have negotiated."""
    fields = (
        radio.rx1_delay or 1,
        radio.tx_power,
        radio.nb_trans,
        radio.max_duty_cycle,
        radio.max_eirp_code or 0,
    )
    rates = (radio.data_rate, radio.ping_data_rate)
    frequencies = (radio.ping_frequency, *(hertz for _index, hertz in radio.dl_frequencies))
    return (
        all(0 <= field <= _MOST_IN_FIELD for field in fields)
        and all(rate is None or 0 <= rate <= _MOST_IN_FIELD for rate in rates)
        and all(not hertz or region.sub_band(hertz) is not None for hertz in frequencies)
        and all(index < region.max_channels for index in radio.enabled or ())
    )


def _root_keys(device: Device, version_11: bool) -> tuple[AesKey | None, AesKey | None, str]:
    """AppKey, NwkKey, and what is missing; empty where nothing is. Raises `WeakKey`."""
    if device.personalised:
        return None, None, ""
    found = (device.app_key, device.nwk_key if version_11 else None)
    for key, name in zip(found, ("the AppKey", "the NwkKey"), strict=True):
        if key is not None:
            devices.check_root_key(key.hex(), name)
    if device.app_key is None:
        return *found, "there is no AppKey: it cannot join again until one is entered"
    if version_11 and device.nwk_key is None:
        return *found, "there is no NwkKey: it cannot join again until one is entered"
    return *found, ""


def _body(
    device: Device, profile: Profile, terms: Terms, session: MovedSession | None, remarks: list[str]
) -> VeldnetDevice:
    body = VeldnetDevice(
        EUI=device.eui,
        name=printable(device.name).strip()[:_MOST_TEXT] or UNSET,
        activationType="ABP" if device.personalised else "OTAA",
        deviceClass=device.device_class,
        deviceProfileId=profile.id,
        connectivityPlanId=terms.plan or profile.plan.id,
        applicationEUI=UNSET if device.join_eui is None else device.join_eui,
    )
    if terms.routing_profile is not None:
        body.routingProfileId = terms.routing_profile
    if device.description.strip():
        body.administrativeInfo = _description(device.description, remarks)
    tags = [tag for tag in dict.fromkeys(device.tags) if devices.is_tag(tag)][: devices.MOST_TAGS]
    if len(tags) < len(set(device.tags)):
        remarks.append("some of its tags are too long or too many, or have ; | or a comma")
    if tags:
        body.tags = tags
    if device.latitude is not None and device.longitude is not None:
        body.geoLatitude, body.geoLongitude = device.latitude, device.longitude
    if device.personalised and session is not None:
        _personalise(body, session)
    return body


def _description(text: str, remarks: list[str]) -> str:
    shown = printable(text).strip()
    if len(shown) > _MOST_TEXT:
        remarks.append(f"its description was cut to {_MOST_TEXT} characters")
    return shown[:_MOST_TEXT]


def _personalise(body: VeldnetDevice, session: MovedSession) -> None:
    body.networkAddress = str(session.dev_addr)
    body.networkSessionKey = session.f_nwk_s_int_key.hex()
    if session.app_s_key is not None:
        body.applicationSessionKeyRules = [ApplicationSessionKeyRule(session.app_s_key.hex(), "*")]


def _moved(
    device: Device,
    sessions: tuple[MovedSession | None, MovedSession | None],
    terms: Terms,
    channel_plan: ChannelPlan,
    earlier: Shadow | None,
) -> Moved:
    session, pending = sessions
    arrival = Arrival(channel_plan, terms.generation, terms.now, terms.counter_jump)
    state = None
    if session is not None or pending is not None:
        heard = None if earlier is None else earlier.state
        state = moved_state(arrival, session, pending, personalised=device.personalised, heard=heard)
    memory = None
    if not device.personalised:
        last = min(max(device.last_join_nonce, 0) + _JOIN_NONCE_MARGIN, _LAST_JOIN_NONCE)
        known = None if earlier is None else earlier.join_memory
        memory = moved_join_memory(last, device.dev_nonces, terms.generation, known)
    return Moved(state, _address(session), _address(pending), memory, terms.shadow)


def _address(session: MovedSession | None) -> DevAddr | None:
    return None if session is None else session.dev_addr
