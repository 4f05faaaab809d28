"""A database as ChirpStack v4 (4.16) has it, with rows of our own."""

from __future__ import annotations

import json
import uuid
from typing import Any

import psycopg

from tests import postgresql
from veldnet.migration.chirpstack import session_pb2 as pb

# The tables that are read, with the types that ChirpStack gives them.
_TABLES = """
CREATE TABLE tenant (
    id uuid PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), name varchar(100) NOT NULL);
CREATE TABLE application (
    id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant, name varchar(100) NOT NULL,
    description text NOT NULL DEFAULT '', tags jsonb NOT NULL DEFAULT '{}');
CREATE TABLE application_integration (
    application_id uuid NOT NULL REFERENCES application, kind varchar(20) NOT NULL,
    configuration jsonb NOT NULL, PRIMARY KEY (application_id, kind));
CREATE TABLE device_profile (
    id uuid PRIMARY KEY, tenant_id uuid REFERENCES tenant, name varchar(100) NOT NULL,
    region varchar(10) NOT NULL, mac_version varchar(10) NOT NULL,
    reg_params_revision varchar(20) NOT NULL, adr_algorithm_id varchar(100) NOT NULL DEFAULT 'default',
    payload_codec_runtime varchar(20) NOT NULL DEFAULT 'NONE',
    payload_codec_script text NOT NULL DEFAULT '', uplink_interval integer NOT NULL DEFAULT 3600,
    device_status_req_interval integer NOT NULL DEFAULT 0, supports_otaa boolean NOT NULL DEFAULT true,
    supports_class_b boolean NOT NULL DEFAULT false, supports_class_c boolean NOT NULL DEFAULT false,
    tags jsonb NOT NULL DEFAULT '{}', region_config_id varchar(100),
    allow_roaming boolean NOT NULL DEFAULT false, rx1_delay smallint NOT NULL DEFAULT 0,
    abp_params jsonb, class_b_params jsonb, class_c_params jsonb, relay_params jsonb);
CREATE TABLE device (
    dev_eui bytea PRIMARY KEY, application_id uuid NOT NULL REFERENCES application,
    device_profile_id uuid NOT NULL REFERENCES device_profile, name varchar(100) NOT NULL,
    description text NOT NULL DEFAULT '', latitude double precision, longitude double precision,
    dev_addr bytea, enabled_class char(1) NOT NULL DEFAULT 'A',
    skip_fcnt_check boolean NOT NULL DEFAULT false, is_disabled boolean NOT NULL DEFAULT false,
    tags jsonb NOT NULL DEFAULT '{}', variables jsonb NOT NULL DEFAULT '{}', join_eui bytea NOT NULL,
    secondary_dev_addr bytea, device_session bytea, f_cnt_up bigint NOT NULL DEFAULT 0);
CREATE TABLE device_keys (
    dev_eui bytea PRIMARY KEY REFERENCES device, nwk_key bytea NOT NULL, app_key bytea NOT NULL,
    dev_nonces jsonb NOT NULL DEFAULT '{}', join_nonce int NOT NULL DEFAULT 0,
    gen_app_key bytea NOT NULL);
CREATE TABLE gateway (
    gateway_id bytea PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant, name varchar(100) NOT NULL,
    latitude double precision NOT NULL, longitude double precision NOT NULL, altitude real NOT NULL);
CREATE TABLE multicast_group (
    id uuid PRIMARY KEY, application_id uuid NOT NULL REFERENCES application, name varchar(100) NOT NULL,
    region varchar(10) NOT NULL, mc_addr bytea NOT NULL, mc_nwk_s_key bytea NOT NULL,
    mc_app_s_key bytea NOT NULL, f_cnt bigint NOT NULL, group_type char(1) NOT NULL,
    dr smallint NOT NULL, frequency bigint NOT NULL,
    class_b_ping_slot_periodicity smallint NOT NULL DEFAULT 0,
    class_c_scheduling_type varchar(20) NOT NULL);
CREATE TABLE multicast_group_device (
    multicast_group_id uuid NOT NULL REFERENCES multicast_group,
    dev_eui bytea NOT NULL REFERENCES device, PRIMARY KEY (multicast_group_id, dev_eui));
"""
NO_KEY = bytes(16)


class ChirpStackDatabase:
    """Rows by keyword; what is not given is what ChirpStack begins with."""

    def __init__(self, tenant: str = "Water board") -> None:
        self._name = postgresql.server().create()
        self.url = postgresql.server().url(self._name)
        self._connection = psycopg.connect(self.url, autocommit=True)
        self._connection.execute(_TABLES)
        self.tenant = self.add("tenant", id=uuid.uuid4(), name=tenant)
        self.application = self.add("application", id=uuid.uuid4(), tenant_id=self.tenant, name="Meters")

    def add(self, table: str, **values: Any) -> Any:
        """Insert a row; returns its first value, which is its key."""
        names = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        encoded = [json.dumps(value) if isinstance(value, dict) else value for value in values.values()]
        self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})".encode(), encoded)
        return next(iter(values.values()))

    def run(self, statement: str) -> None:
        self._connection.execute(statement.encode())

    def profile(self, name: str, **values: Any) -> Any:
        given = {"region": "EU868", "mac_version": "1.0.3", "reg_params_revision": "A"} | values
        return self.add("device_profile", id=uuid.uuid4(), tenant_id=self.tenant, name=name, **given)

    def device(self, eui: str, profile: Any, *, session: pb.Session | None = None, **values: Any) -> bytes:
        octets = bytes.fromhex(eui)
        given = {
            "application_id": self.application,
            "name": f"Meter {eui[-4:]}",
            "join_eui": bytes.fromhex("0059AC0000000001"),
            "device_session": None if session is None else session.SerializeToString(),
        }
        self.add("device", dev_eui=octets, device_profile_id=profile, **(given | values))
        return octets

    def keys(self, eui: bytes, nwk_key: bytes, app_key: bytes = NO_KEY, **values: Any) -> None:
        given = {"gen_app_key": NO_KEY} | values
        self.add("device_keys", dev_eui=eui, nwk_key=nwk_key, app_key=app_key, **given)

    def dump(self) -> bytes:
        """As pg_dump writes it, without owners."""
        return postgresql.server().dump(self._name)

    def close(self) -> None:
        self._connection.close()
        postgresql.server().drop(self._name)


def session(dev_addr: int, version: int, *keys: bytes, **values: Any) -> pb.Session:
    """A session with its network keys (one of LoRaWAN 1.0.x has it three times) and the AppSKey."""
    network = keys[:-1] if len(keys) == 4 else keys[:1] * 3
    return pb.Session(
        dev_addr=dev_addr.to_bytes(4, "big"),
        mac_version=version,
        f_nwk_s_int_key=network[0],
        s_nwk_s_int_key=network[1],
        nwk_s_enc_key=network[2],
        app_s_key=pb.KeyEnvelope(aes_key=keys[-1]),
        **({"rx1_delay": 1, "rx2_frequency": 869_525_000, "nb_trans": 1, "dr": 5} | values),
    )
