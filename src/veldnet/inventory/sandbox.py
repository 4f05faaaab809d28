"""Creates sample data: an operator, a subscriber, a user, a project, and what they use."""

from __future__ import annotations

import re
import secrets

import msgspec
from sqlalchemy import Connection, func, select

from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.lorawan import GatewayEui
from veldnet.store import lock_table
from veldnet.store.schema import operators, subscribers

from . import accounts, base_stations, offers

# The codes of the operators that are made here.
_CODE = re.compile(r"sandbox[0-9]*-ope")

PROFILES = (
    ("LORA/GenericA.1_ETSI_Rx2-SF12", "LoRaWAN 1.0 class A, RX2 at SF12", ProfileSettings(rx2DataRate=0)),
    ("LORA/GenericA.1_ETSI_Rx2-SF9", "LoRaWAN 1.0 class A, RX2 at SF9", ProfileSettings(rx2DataRate=3)),
    (
        "LORA/GenericA.1.0.4_ETSI_Rx2-SF12",
        "LoRaWAN 1.0.4 class A, RX2 at SF12",
        ProfileSettings(loRaWANMacVersion="1.0.4", rx2DataRate=0),
    ),
    (
        "LORA/GenericB.1.0.3_ETSI_Rx2-SF12",
        "LoRaWAN 1.0.3 class B, RX2 at SF12",
        ProfileSettings(loRaWANMacVersion="1.0.3", loRaWANClass="B", rx2DataRate=0),
    ),
    (
        "LORA/GenericC.1_ETSI_Rx2-SF9",
        "LoRaWAN 1.0 class C, RX2 at SF9",
        ProfileSettings(loRaWANClass="C", rx2DataRate=3),
    ),
    (
        "LORA/GenericA.1.1_ETSI_Rx2-SF12",
        "LoRaWAN 1.1 class A or C, RX2 at SF12",
        ProfileSettings(loRaWANMacVersion="1.1", regionalParameterVersion="RP2-1.0.4", rx2DataRate=0),
    ),
)


class Sandbox(msgspec.Struct, frozen=True):
    """What `veldnet sandbox` prints, but for the addresses. Password and secret are shown this once."""

    customer_id: str
    thingpark_username: str
    thingpark_password: str
    client_id: str
    client_secret: str
    connectivity_plan_id: str
    device_profile_id: str
    hsm_group_id: str
    base_station_id: str
    base_station_eui: str
    operator_username: str
    operator_password: str


def _new_customer_id(connection: Connection) -> str:
    """A customer id that nobody has."""
    highest = connection.execute(select(func.max(subscribers.c.ref))).scalar() or 0
    number = 100_000_001 + int(highest)
    taken = select(subscribers.c.ref)
    while connection.execute(taken.where(subscribers.c.customer_id == str(number))).first() is not None:
        number += 1
    return str(number)


def is_sandbox(connection: Connection) -> bool:
    """Whether all there is was made by `create_sandbox`."""
    codes = connection.execute(select(operators.c.code)).scalars()
    return all(_CODE.fullmatch(code) for code in codes)


def create_sandbox(
    connection: Connection, password: str, password_hash: str, gateway_eui: GatewayEui | None = None
) -> Sandbox:
    """Write a sandbox; each call makes a new one with an operator of its own."""
    lock_table(connection, operators)
    number = int(connection.execute(select(func.count()).select_from(operators)).scalar_one()) + 1
    code = "sandbox-ope" if number == 1 else f"sandbox{number}-ope"
    operator = accounts.create_operator(connection, code, f"Sandbox operator {number}")
    customer_id = _new_customer_id(connection)
    subscriber = accounts.create_subscriber(connection, operator, customer_id, f"Sandbox customer {number}")
    username = f"sandbox{'' if number == 1 else number}@veldnet.example"
    accounts.create_subscriber_user(connection, subscriber, username, password_hash, "Sandbox User", "admin")
    operator_username = f"operator{'' if number == 1 else number}@veldnet.example"
    accounts.create_operator_user(
        connection, operator, operator_username, password_hash, "Sandbox Operator", "rw"
    )
    credentials = accounts.create_project(connection, f"Sandbox project {number}")
    plan_id = f"{code}-cs/sandbox"
    settings = PlanSettings(
        downlinkSentIndication=True,
        reportDeviceBatteryLevel=True,
        reportDeviceMargin=True,
        maxDestinationPerRoute=5,
        allowClassB=True,
        # Room for whoever tries things out; a plan without this has ThingPark's 10 and 1 an hour.
        uplinkRate=3600,
        uplinkBucketSize=1000,
        downlinkRate=3600,
        downlinkBucketSize=1000,
    )
    plan = offers.create_connectivity_plan(connection, operator, plan_id, "Sandbox plan", settings)
    offers.grant_connectivity_plan(connection, subscriber, plan, 1000)
    for profile_id, name, profile in PROFILES:
        offers.create_device_profile(connection, operator, profile_id, name, profile)
    group = offers.create_hsm_group(connection, operator, "Sandbox HSM group")
    eui = gateway_eui if gateway_eui is not None else GatewayEui(0x0059AC0000000000 | secrets.randbits(40))
    facts = base_stations.StationFacts(
        name=f"Sandbox base station {number}", latitude=52.0907, longitude=5.1214, altitude=30
    )
    station = base_stations.create_base_station(connection, operator, eui, facts)
    return Sandbox(
        customer_id=customer_id,
        thingpark_username=username,
        thingpark_password=password,
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        connectivity_plan_id=plan_id,
        device_profile_id=PROFILES[0][0],
        hsm_group_id=group,
        base_station_id=station.id,
        base_station_eui=station.gateway_eui,
        operator_username=operator_username,
        # One password for both: a sandbox is nobody's secret, and hashing takes its time.
        operator_password=password,
    )
