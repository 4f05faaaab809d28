"""The tables, one definition for SQLite and PostgreSQL.

Times are Unix milliseconds. Frame and delivery ids are time-ordered (see `ids`), so cutting a day off the
journal is a range of the primary key. All other numbers are given by the store and never given again, also
not after the row is gone (`sqlite_autoincrement`; PostgreSQL's identity columns do so by themselves): other
rows, messages and the audit log go on mentioning them. Hexadecimal identifiers are stored as upper-case text
where people look them up, as integers where the hot path does.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy import (
    Text as AnyText,
)

from .rows import HOURLY_COUNTERS, FrameRow
from .transactions import transaction_number

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Texts are compared by their code points, as SQLite does, whatever the language of the database.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")

# SQLite gives a table a rowid alias only for the type INTEGER.
Ref = BigInteger().with_variant(Integer(), "sqlite")

operators = Table(
    "operators",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    sqlite_autoincrement=True,
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("customer_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    # Gives no service, and nothing new can be made with it, until the operator resumes it.
    Column("suspended", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,
)

users = Table(
    "users",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref"), nullable=False, index=True),
    Column("username", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    # `admin` may manage users too, `rw` may change things, `ro` may only look.
    Column("role", Text, nullable=False, server_default="rw"),
    Column("email", Text, index=True),
    # Of e-mails and of what the server says; without a choice, what the browser prefers.
    Column("language", Text),
    sqlite_autoincrement=True,
)

# How the server presents itself, where its operator has set it; one row.
branding = Table(
    "branding",
    metadata,
    # One row, numbered 1.
    Column("ref", Ref, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("colour", Text, nullable=False),
    # Without a logo that of the settings; an empty one is the built-in one.
    Column("logo", LargeBinary),
    Column("logo_type", Text),
)

# People of the operator itself; they see all its subscribers.
operator_users = Table(
    "operator_users",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False, index=True),
    Column("username", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("email", Text, index=True),
    Column("language", Text),
    # Whether the user may run commands and open shells on base stations.
    Column("station_access", Boolean, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)


def _holder(*, unique: bool = False) -> tuple[Column[int], Column[int]]:
    """Whose a row is: a subscriber's user or an operator's. It goes with its user."""
    return (
        Column("user_ref", ForeignKey("users.ref", ondelete="CASCADE"), index=True, unique=unique or None),
        Column(
            "operator_user_ref",
            ForeignKey("operator_users.ref", ondelete="CASCADE"),
            index=True,
            unique=unique or None,
        ),
    )


# Who is signed in to the console; one of the two kinds of user. Only the digest of the cookie is kept.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_holder(),
    Column("used_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False, server_default="0"),
    # The browser and the address that signed in, and through which identity provider.
    Column("agent", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Column("provider", Text, nullable=False, server_default=""),
    # Whether the second factor was shown.
    Column("verified", Boolean, nullable=False, server_default="0"),
)

# People that a subscriber has asked to become its users. Of the link's token only the digest is kept.
invitations = Table(
    "invitations",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("invited_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# Links that set another password; only the digest of the token is kept.
password_resets = Table(
    "password_resets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_holder(),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

# Personal API keys; only the digest is kept, and the beginning to recognise a key by.
api_keys = Table(
    "api_keys",
    metadata,
    Column("ref", Ref, primary_key=True),
    *_holder(),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("beginning", Text, nullable=False),
    # `read`, `write` or `admin`.
    Column("scope", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    sqlite_autoincrement=True,
)

# Second factors (TOTP): the secret as the vault seals it, and the last step whose code was taken.
second_factors = Table(
    "second_factors",
    metadata,
    Column("ref", Ref, primary_key=True),
    *_holder(unique=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    # Null until the first code has shown that the user has the secret.
    Column("confirmed_at", BigInteger),
    Column("last_step", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# Passkeys (WebAuthn): the public key as COSE, and the authenticator's counter when it was used last.
passkeys = Table(
    "passkeys",
    metadata,
    Column("ref", Ref, primary_key=True),
    *_holder(),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    # What authenticators know the user by: random, and the same for all passkeys of a user.
    Column("handle", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    # How browsers reach it, separated by commas.
    Column("transports", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    # Its counter went back, so there is a copy of it somewhere.
    Column("copied", Boolean, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

# Codes in place of the second factor, each good for once.
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    *_holder(),
)

# As whom users sign in at identity providers (OpenID Connect).
identities = Table(
    "identities",
    metadata,
    Column("ref", Ref, primary_key=True),
    *_holder(),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # What the provider calls the person, for display alone.
    Column("shown", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("issuer", "subject"),
    sqlite_autoincrement=True,
)

# What a person has set for the console, as one JSON object; `account` is `user-3` or `operator-2`.
preferences = Table(
    "preferences",
    metadata,
    Column("account", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("name", Text, nullable=False),
    Column("client_id", Text, nullable=False, unique=True),
    Column("secret_hash", Text, nullable=False),
    Column("user_ref", ForeignKey("users.ref", ondelete="SET NULL")),
    Column("activated_at", BigInteger),
    # Whose developers made it; those of the command line belong to whoever activates them.
    Column("subscriber_ref", BigInteger),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("project_ref", ForeignKey("projects.ref", ondelete="CASCADE")),
    Column("user_ref", ForeignKey("users.ref", ondelete="CASCADE")),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

connectivity_plans = Table(
    "connectivity_plans",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("communication_type", Text, nullable=False),
    Column("settings", Text, nullable=False),
    # Gives no service, and nothing new can be made with it, until the operator resumes it.
    Column("suspended", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("operator_ref", "id"),
    sqlite_autoincrement=True,
)

plan_grants = Table(
    "plan_grants",
    metadata,
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False),
    Column("plan_ref", ForeignKey("connectivity_plans.ref", ondelete="CASCADE"), nullable=False),
    Column("granted", Integer, nullable=False),
    Column("used", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("subscriber_ref", "plan_ref"),
)

device_profiles = Table(
    "device_profiles",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type_mac", Text, nullable=False),
    Column("settings", Text, nullable=False),
    # Gives no service, and nothing new can be made with it, until the operator resumes it.
    Column("suspended", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("operator_ref", "id"),
    sqlite_autoincrement=True,
)

hsm_groups = Table(
    "hsm_groups",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    # Name of the vault in the settings; empty for the default one.
    Column("vault", Text, nullable=False, server_default=""),
    # Gives no service, and nothing new can be made with it, until the operator resumes it.
    Column("suspended", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("operator_ref", "id"),
    sqlite_autoincrement=True,
)

routing_profiles = Table(
    "routing_profiles",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    # The built-in empty profile of the strategy NOAS.
    Column("is_dummy", Boolean, nullable=False),
    Column("hsm_group_ref", ForeignKey("hsm_groups.ref")),
    sqlite_autoincrement=True,
)

# The AS transport key of a routing profile, sealed by the vault of its HSM group; by two while devices move.
as_transport_keys = Table(
    "as_transport_keys",
    metadata,
    Column("routing_profile_ref", ForeignKey("routing_profiles.ref", ondelete="CASCADE"), nullable=False),
    Column("vault", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("routing_profile_ref", "vault"),
)

# Exchange keys for encrypted root keys: RSA key pairs, and AES keys that a customer shares.
exchange_keys = Table(
    "exchange_keys",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("vault", Text, nullable=False),
    # RSA or AES.
    Column("form", Text, nullable=False),
    Column("version", Integer, nullable=False),
    # PEM; empty for AES.
    Column("public_key", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    # The customer who shares an AES key.
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE")),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("vault", "form", "version"),
    sqlite_autoincrement=True,
)

routes = Table(
    "routes",
    metadata,
    Column("routing_profile_ref", ForeignKey("routing_profiles.ref", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("source_ports", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("as_id", Text),
    Column("sealed_as_key", LargeBinary),
    Column("max_deviation", Integer),
    Column("addresses", Text, nullable=False),
    PrimaryKeyConstraint("routing_profile_ref", "position"),
)

devices = Table(
    "devices",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref"), nullable=False),
    Column("dev_eui", Text, nullable=False, unique=True),
    Column("join_eui", Text),
    Column("name", Text, nullable=False),
    Column("activation_type", Text, nullable=False),
    Column("device_class", Text, nullable=False),
    Column("profile_ref", ForeignKey("device_profiles.ref"), nullable=False),
    Column("plan_ref", ForeignKey("connectivity_plans.ref")),
    Column("routing_profile_ref", ForeignKey("routing_profiles.ref")),
    Column("processing_strategy", Text),
    Column("hsm_group_ref", ForeignKey("hsm_groups.ref")),
    Column("sealed_app_key", LargeBinary),
    # LoRaWAN 1.1 has a second root key.
    Column("sealed_nwk_key", LargeBinary),
    Column("motion_indicator", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    # 0 INIT, 1 ACTIVE, 2 RF_CNX_ERROR.
    Column("health", Integer, nullable=False, server_default="0"),
    # Members that the network does not act upon, as one JSON object.
    Column("details", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    Index("ix_devices_subscriber_ref_ref", "subscriber_ref", "ref"),
    Index("ix_devices_subscriber_ref_health_ref", "subscriber_ref", "health", "ref"),
    Index("ix_devices_routing_profile_ref", "routing_profile_ref"),
    # Searching and sorting read these alone, not the rows.
    Index("ix_devices_subscriber_ref_name", "subscriber_ref", "name", "dev_eui"),
    Index("ix_devices_subscriber_ref_dev_eui", "subscriber_ref", "dev_eui"),
    # The last four digits of the DevEUI: labels show the end.
    Index("ix_devices_eui_end", text("substr(dev_eui, 13)"), "subscriber_ref", "dev_eui"),
    Index(
        "ix_devices_position",
        "subscriber_ref",
        "latitude",
        "longitude",
        "health",
        sqlite_where=text("latitude IS NOT NULL"),
        postgresql_where=text("latitude IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

# Functions that read payloads: JavaScript, or a format that is built in.
decoders = Table(
    "decoders",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    # JAVASCRIPT or CAYENNE_LPP.
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    # Units of the readings by their names, as one JSON object.
    Column("units", Text, nullable=False, server_default="{}"),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Which decoder a subscriber uses for the devices of a profile.
decoder_bindings = Table(
    "decoder_bindings",
    metadata,
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False),
    Column("profile_ref", ForeignKey("device_profiles.ref", ondelete="CASCADE"), nullable=False),
    Column("decoder_ref", ForeignKey("decoders.ref", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("subscriber_ref", "profile_ref"),
)

# Imports of devices, and what they created, so that they can be undone.
imports = Table(
    "imports",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("undone_at", BigInteger),
    sqlite_autoincrement=True,
)

# Devices by tag, for filters; the tags of a device are in its details.
device_tags = Table(
    "device_tags",
    metadata,
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False),
    Column("tag", Text, nullable=False),
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("subscriber_ref", "tag", "device_ref"),
    sqlite_with_rowid=False,
)

imported_devices = Table(
    "imported_devices",
    metadata,
    Column("import_ref", ForeignKey("imports.ref", ondelete="CASCADE"), nullable=False),
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("import_ref", "device_ref"),
    sqlite_with_rowid=False,
)

# Makers of devices with their models and codecs, as an operator has imported them.
catalogue_makers = Table(
    "catalogue_makers",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref", ondelete="CASCADE"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("website", Text, nullable=False),
    # The LoRa Alliance's number of the maker, and what its numbers of profiles stand for, as JSON.
    Column("number", Integer),
    Column("profile_numbers", Text, nullable=False),
    Column("imported_at", BigInteger, nullable=False),
    UniqueConstraint("operator_ref", "id"),
    Index("ix_catalogue_makers_operator_ref_number", "operator_ref", "number"),
    sqlite_autoincrement=True,
)

catalogue_models = Table(
    "catalogue_models",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("maker_ref", ForeignKey("catalogue_makers.ref", ondelete="CASCADE"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    # Names and description in lower case, which are searched.
    Column("search", Text, nullable=False),
    # How the model starts with each firmware in each region, as JSON.
    Column("variants", Text, nullable=False),
    UniqueConstraint("maker_ref", "id"),
    sqlite_autoincrement=True,
)

catalogue_codecs = Table(
    "catalogue_codecs",
    metadata,
    Column("maker_ref", ForeignKey("catalogue_makers.ref", ondelete="CASCADE"), nullable=False),
    Column("id", Text, nullable=False),
    # JAVASCRIPT or CAYENNE_LPP.
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("maker_ref", "id"),
)

# When the root keys of a device were entered again, and by whom; the keys themselves are replaced.
device_key_changes = Table(
    "device_key_changes",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    # The members that were given, with commas between.
    Column("keys", Text, nullable=False),
    Column("session_reset", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

device_states = Table(
    "device_states",
    metadata,
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), primary_key=True),
    Column("dev_addr", BigInteger, index=True),
    # The address of the session that a join opened and no uplink has confirmed yet.
    Column("pending_dev_addr", BigInteger, index=True),
    Column("state", LargeBinary),
    # DevNonces used, and JoinNonces given: written by joins only.
    Column("join_memory", LargeBinary),
    # 1 while a downlink waits that needs no uplink (class B and C); a starting server asks for these.
    Column("unsolicited", Integer),
    # A, B or C: the class the device is in since its last frame.
    Column("current_class", Text),
    # What monitoring keeps of the device: statistics and the state of its alarms.
    Column("monitoring", LargeBinary),
    # When monitoring must look at a device that stays silent; never later than that, often earlier.
    Column("check_at", BigInteger),
    Index(
        "ix_device_states_unsolicited",
        "device_ref",
        sqlite_where=text("unsolicited IS NOT NULL"),
        postgresql_where=text("unsolicited IS NOT NULL"),
    ),
    Index(
        "ix_device_states_check_at",
        "check_at",
        sqlite_where=text("check_at IS NOT NULL"),
        postgresql_where=text("check_at IS NOT NULL"),
    ),
)

# What base stations of a kind hear and how they send.
base_station_profiles = Table(
    "base_station_profiles",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("settings", Text, nullable=False),
    UniqueConstraint("operator_ref", "id"),
    sqlite_autoincrement=True,
)

base_stations = Table(
    "base_stations",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("gateway_eui", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("altitude", Float),
    Column("last_seen_at", BigInteger),
    # dBm at the antenna connector, and dBi.
    Column("max_tx_power", Integer),
    Column("antenna_gain", Float),
    # Frames that could not be read, and what was wrong with others that were taken all the same.
    Column("refused_frames", BigInteger, nullable=False, server_default="0"),
    Column("last_refusal", Text),
    Column("last_refusal_at", BigInteger),
    Column("irregular_frames", BigInteger, nullable=False, server_default="0"),
    Column("last_irregularity", Text),
    Column("last_irregularity_at", BigInteger),
    # Where more than one base station with the EUI is alive.
    Column("duplicate_addresses", Text),
    # Seconds that its clock is ahead of ours, where it is wrong.
    Column("clock_error", Float),
    # Where its downlinks went last, and when that was proven.
    Column("downlink_host", Text),
    Column("downlink_port", Integer),
    Column("downlink_version", Integer),
    Column("downlink_heard_at", BigInteger),
    Column("profile_ref", ForeignKey("base_station_profiles.ref")),
    Index("ix_base_stations_profile_ref", "profile_ref"),
    sqlite_autoincrement=True,
)

# Tokens that base stations prove themselves by: only what is compared, never the token.
base_station_tokens = Table(
    "base_station_tokens",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("base_station_ref", ForeignKey("base_stations.ref", ondelete="CASCADE"), nullable=False),
    # SHA-256.
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_base_station_tokens_base_station_ref", "base_station_ref"),
    sqlite_autoincrement=True,
)

# What base stations report of themselves at CUPS, the last of each.
cups_contacts = Table(
    "cups_contacts",
    metadata,
    Column("base_station_ref", ForeignKey("base_stations.ref", ondelete="CASCADE"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("station", Text),
    Column("model", Text),
    Column("package", Text),
    Column("cups_uri", Text),
    Column("lns_uri", Text),
    # CRC-32 over its credentials.
    Column("cups_sum", BigInteger, nullable=False),
    Column("lns_sum", BigInteger, nullable=False),
    # CRC-32 of the keys that it takes updates from, as JSON.
    Column("keys", Text, nullable=False),
    # token, certificate or none.
    Column("proof", Text, nullable=False),
)

# The internal certificate authorities; the newest issues.
authorities = Table(
    "authorities",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("name", Text, nullable=False),
    # DER.
    Column("certificate", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Certificates that they have issued: of base stations, and of servers, which have no base station.
certificates = Table(
    "certificates",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("authority_ref", ForeignKey("authorities.ref"), nullable=False),
    Column("base_station_ref", ForeignKey("base_stations.ref", ondelete="CASCADE")),
    # Hexadecimal, as TLS names it.
    Column("serial", Text, nullable=False, unique=True),
    # EUI, or names of the server.
    Column("name", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", BigInteger),
    Column("revoked_by", Text),
    Index("ix_certificates_base_station_ref", "base_station_ref"),
    sqlite_autoincrement=True,
)

# Certificates of other authorities that are not to be taken any more, by number.
revoked_serials = Table(
    "revoked_serials",
    metadata,
    Column("serial", Text, primary_key=True),
    Column("revoked_at", BigInteger, nullable=False),
    Column("revoked_by", Text, nullable=False),
)

# What base stations are to have, by CUPS; one of each kind.
base_station_updates = Table(
    "base_station_updates",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("base_station_ref", ForeignKey("base_stations.ref", ondelete="CASCADE"), nullable=False),
    # cupsUri, lnsUri, credentials or firmware.
    Column("kind", Text, nullable=False),
    # The URI, the kind of credentials, or the version of the firmware.
    Column("value", Text, nullable=False),
    # Credentials as the vault has sealed them, until the base station has used them.
    Column("sealed", LargeBinary),
    # The token or certificate that is to replace older ones.
    Column("token_ref", BigInteger),
    Column("certificate_ref", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("fetched_at", BigInteger),
    Column("confirmed_at", BigInteger),
    # Firmware: how often it was handed out, and when that was given up.
    Column("firmware_ref", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failed_at", BigInteger),
    UniqueConstraint("base_station_ref", "kind"),
    sqlite_autoincrement=True,
)

# Firmware that operators have for their base stations.
firmware = Table(
    "firmware",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    # As Station reports it.
    Column("model", Text, nullable=False),
    # What Station reports as its package once it has it.
    Column("version", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    # SHA-512.
    Column("digest", LargeBinary, nullable=False),
    # Whether all its parts are stored.
    Column("complete", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_firmware_operator_ref", "operator_ref"),
    sqlite_autoincrement=True,
)

# Its content, some parts in each transaction; those of removed firmware go some at a time as well.
firmware_parts = Table(
    "firmware_parts",
    metadata,
    Column("firmware_ref", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

# Signatures of firmware, one for each key that base stations check them with.
firmware_signatures = Table(
    "firmware_signatures",
    metadata,
    Column("firmware_ref", ForeignKey("firmware.ref", ondelete="CASCADE"), primary_key=True),
    # CRC-32 of the key, as Station reports it.
    Column("key_sum", BigInteger, primary_key=True, autoincrement=False),
    Column("signature", LargeBinary, nullable=False),
)

# Ids of base stations that were removed: statistics and frames mention them, so no other one gets them.
retired_base_stations = Table(
    "retired_base_stations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("retired_at", BigInteger, nullable=False),
)

unknown_base_stations = Table(
    "unknown_base_stations",
    metadata,
    Column("gateway_eui", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("datagrams", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
)

frames = Table(
    "frames",
    metadata,
    Column("id", BigInteger, nullable=False),
    Column("device_ref", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("fcnt", BigInteger),
    Column("fport", Integer),
    Column("size", Integer, nullable=False),
    # Tenths of a dB(m).
    Column("rssi", Integer),
    Column("snr", Integer),
    Column("data_rate", Integer),
    Column("base_station", BigInteger),
    Column("copies", Integer, nullable=False),
    # When the frame was on air, where its id does not tell: late frames, and after the clock was set back.
    Column("at", BigInteger),
    # Bits: 1 late, 2 over the limit of its regulator.
    Column("flags", Integer, nullable=False, server_default="0"),
    # FCntUp's distance to the uplink before; NULL for the first of a session.
    Column("gap", Integer),
    # Tenths of a millisecond on air.
    Column("airtime", Integer),
    # LoRa's spreading factor.
    Column("sf", Integer),
    # Every copy where there are several, eight octets each; see `copies`.
    Column("heard", LargeBinary),
    Column("subscriber_ref", BigInteger),
    Column("plan_ref", BigInteger),
    # DevStatusAns, with the uplink that brought it.
    Column("battery", Integer),
    Column("margin", Integer),
    # The frames of a device lie side by side: a week of them is a page or two of the disk, not one each.
    PrimaryKeyConstraint("device_ref", "id"),
    Index("ix_frames_id", "id", unique=True),
    sqlite_with_rowid=False,
    # By days; see `store.postgres.days`.
    postgresql_partition_by="RANGE (id)",
)
# In the order of a frame row's fields.
FRAME_COLUMNS = tuple(frames.c[name] for name in FrameRow.__struct_fields__)

frame_bodies = Table(
    "frame_bodies",
    metadata,
    Column("frame_id", BigInteger, nullable=False),
    # 0 is the record, later parts are copies that came after the deduplication window.
    Column("part", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("frame_id", "part"),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (frame_id)",
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Ref, primary_key=True, autoincrement=False),
    Column("frame_id", BigInteger, nullable=False),
    Column("device_ref", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("queue", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # 0 pending, 1 undelivered: set aside for `reason`.
    Column("state", Integer, nullable=False),
    Column("last_error", Text),
    Column("message", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_attempt_at", BigInteger),
    Column("next_attempt_at", BigInteger),
    # The address of the last attempt.
    Column("address", Text),
    Column("reason", Text),
    Index("ix_deliveries_queue", "device_ref", "queue", "state", "id"),
    Index("ix_deliveries_state_id", "state", "id"),
)

delivery_results = Table(
    "delivery_results",
    metadata,
    Column("frame_id", BigInteger, nullable=False),
    Column("delivery_id", BigInteger, nullable=False),
    Column("result", LargeBinary, nullable=False),
    PrimaryKeyConstraint("frame_id", "delivery_id"),
    sqlite_with_rowid=False,
)

# Downlinks of application servers from the queue to their end, by the id of their submission. `state`: 1
# queued, 2 sending, 3 sent, 4 acknowledged, 5 not acknowledged, 6 failed, 7 cancelled.
downlinks = Table(
    "downlinks",
    metadata,
    Column("id", Ref, primary_key=True, autoincrement=False),
    Column("device_ref", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("state", Integer, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("fport", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    # NULL where only the size was kept.
    Column("payload", LargeBinary),
    Column("confirmed", Boolean, nullable=False),
    Column("fcnt", BigInteger),
    Column("priority", Integer, nullable=False),
    # Meant for the session that a join opened and no uplink has confirmed yet.
    Column("after_join", Boolean, nullable=False),
    Column("expires_at", BigInteger),
    Column("correlation_id", Text),
    Column("sending_at", BigInteger),
    Column("sent_at", BigInteger),
    # What the journal says of the transmission.
    Column("frame_id", BigInteger),
    Column("base_station", BigInteger),
    Column("slot", Integer),
    # Slots and ThingPark's codes of failure, `RX1:A3 RX2:DA`.
    Column("causes", Text),
    Column("reason", Text),
    # The uplink that acknowledged a confirmed one, or did not.
    Column("answered_at", BigInteger),
    Column("answer_frame_id", BigInteger),
    Index("ix_downlinks_subscriber_ref_id", "subscriber_ref", "id"),
    Index("ix_downlinks_subscriber_ref_state_id", "subscriber_ref", "state", "id"),
    Index("ix_downlinks_device_ref_id", "device_ref", "id"),
)

# What changed in the inventory, so that a running server takes it up, also when another process wrote it.
changes = Table(
    "changes",
    metadata,
    Column("seq", Ref, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("ref", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # By which the log is read in an order that skips nothing; see `store.transactions`.
    Column("txn", BigInteger, nullable=False, server_default=transaction_number()),
    Index("ix_changes_txn_seq", "txn", "seq", info={"engine": "postgresql"}).ddl_if(dialect="postgresql"),
    sqlite_autoincrement=True,
)

# Who may write for a partition: a commit under an older epoch is refused.
leases = Table(
    "leases",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    # The number of the owner in the identifiers that it gives.
    Column("process", Integer, nullable=False, server_default="0"),
)

# The highest id of frames, deliveries and notifications that each process gave: the next one is above all of
# them, also where the rows that had them are gone.
id_marks = Table(
    "id_marks",
    metadata,
    Column("process", Integer, primary_key=True, autoincrement=False),
    Column("last_id", BigInteger, nullable=False),
)

# Where the clock was set back: from `first_id` on, ids are ahead of the clock by so many milliseconds.
id_steps = Table(
    "id_steps",
    metadata,
    Column("first_id", BigInteger, primary_key=True, autoincrement=False),
    Column("ahead", BigInteger, nullable=False),
)

# Devices of a subscriber in each state of health, by blocks of their refs; triggers on `devices` keep it (see
# `store.triggers`): a count is the sum of its parts. So health is counted, and a page far behind is found,
# without walking through all devices before.
DEVICE_BLOCK_BITS = 12


def _appended_index(table: str) -> Index:
    """What transactions of PostgreSQL have appended and nobody has added up."""
    index = Index(
        f"ix_{table}_appended", "part", postgresql_where=text("part <> 0"), info={"engine": "postgresql"}
    )
    return index.ddl_if(dialect="postgresql")


device_counts = Table(
    "device_counts",
    metadata,
    Column("subscriber_ref", BigInteger, nullable=False),
    # The ref without its lowest bits.
    Column("block", BigInteger, nullable=False),
    Column("health", Integer, nullable=False),
    # 0, or the transaction that has appended this.
    Column("part", BigInteger, nullable=False, server_default="0"),
    Column("devices", BigInteger, nullable=False),
    PrimaryKeyConstraint("subscriber_ref", "block", "health", "part"),
    _appended_index("device_counts"),
    sqlite_with_rowid=False,
)


# Devices that have been heard, by the hour since 1970 of their last uplink and by their mean error rate in
# percent, as they were when the chore that orders devices came past. Moving an index with each uplink would
# cost a tenth of all that an uplink takes. The property tells since when nothing in it has been older.
ORDERED_AT = "devices_ordered_at"
device_order = Table(
    "device_order",
    metadata,
    Column(
        "device_ref",
        Ref,
        ForeignKey("devices.ref", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("heard_hour", Integer, nullable=False),
    Column("lost_percent", Integer, nullable=False),
    Index("ix_device_order_heard_hour", "subscriber_ref", "heard_hour", "device_ref"),
    Index("ix_device_order_lost_percent", "subscriber_ref", "lost_percent", "device_ref"),
)


# Devices that have a place, by cells of a hundredth of a degree; triggers on `devices` keep it in the same
# way. So the map of a whole country is drawn without looking at each device.
CELLS_A_DEGREE = 100
device_cells = Table(
    "device_cells",
    metadata,
    Column("subscriber_ref", BigInteger, nullable=False),
    # Cells from the south pole and from the date line.
    Column("row", Integer, nullable=False),
    Column("col", Integer, nullable=False),
    Column("health", Integer, nullable=False),
    Column("part", BigInteger, nullable=False, server_default="0"),
    Column("devices", BigInteger, nullable=False),
    PrimaryKeyConstraint("subscriber_ref", "row", "col", "health", "part"),
    _appended_index("device_cells"),
    sqlite_with_rowid=False,
)


# What base stations hear of a subscriber's devices, by cells; see `store.coverage`. `esp` in dBm.
coverage = Table(
    "coverage",
    metadata,
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    # Cells from the south pole and from the date line.
    Column("row", Integer, nullable=False),
    Column("col", Integer, nullable=False),
    Column("base_station", BigInteger, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("esp", Float, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("subscriber_ref", "level", "row", "col", "base_station"),
    Index("ix_coverage_last_at", "last_at"),
    sqlite_with_rowid=False,
)

# How base stations hear each device; see `store.coverage`. `margin` in dB, NULL where it is not known.
hearing = Table(
    "hearing",
    metadata,
    Column("device_ref", BigInteger, nullable=False),
    Column("base_station", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("weight", Float, nullable=False),
    Column("margin", Float),
    Column("last_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("device_ref", "base_station"),
    Index("ix_hearing_base_station", "base_station"),
    Index("ix_hearing_last_at", "last_at"),
    sqlite_with_rowid=False,
)

# What base stations are worth to the devices of an operator, as counted last.
base_station_worth = Table(
    "base_station_worth",
    metadata,
    Column("operator_ref", BigInteger, nullable=False),
    Column("base_station", BigInteger, nullable=False),
    Column("computed_at", BigInteger, nullable=False),
    Column("devices", BigInteger, nullable=False),
    Column("only", BigInteger, nullable=False),
    Column("weak", BigInteger, nullable=False),
    Column("best", BigInteger, nullable=False),
    Column("improved", BigInteger, nullable=False),
    PrimaryKeyConstraint("operator_ref", "base_station"),
    sqlite_with_rowid=False,
)

# The weekly reports on base stations, as JSON; `mailed_at` is NULL while nobody got one.
coverage_reports = Table(
    "coverage_reports",
    metadata,
    Column("operator_ref", BigInteger, nullable=False),
    Column("begin_at", BigInteger, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("mailed_at", BigInteger),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("operator_ref", "begin_at"),
)

# What was measured at base stations by hours since 1970, as MessagePack; milliseconds for which they were
# watched, and of these away.
base_station_hours = Table(
    "base_station_hours",
    metadata,
    Column("base_station", BigInteger, nullable=False),
    Column("hour", BigInteger, nullable=False),
    Column("observed", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("measures", LargeBinary, nullable=False),
    PrimaryKeyConstraint("base_station", "hour"),
    # For retention; and for how long all were there, without what was measured.
    Index("ix_base_station_hours_hour", "hour", "base_station", "observed", "down"),
    sqlite_with_rowid=False,
)

# When base stations were away; `ended_at` is NULL while they are.
base_station_outages = Table(
    "base_station_outages",
    metadata,
    Column("base_station", BigInteger, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    PrimaryKeyConstraint("base_station", "began_at"),
    Index("ix_base_station_outages_ended_at", "ended_at"),
    sqlite_with_rowid=False,
)


def _alarm_columns() -> list[Column[Any]]:
    """What an alarm says: state 1 CLEARED to 6 CRITICAL, and up to five details."""
    return [
        Column("type", Integer, nullable=False),
        Column("object", Text, nullable=False),
        Column("state", Integer, nullable=False),
        Column("occurrence", Integer, nullable=False),
        Column("acked", Boolean, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("acked_at", BigInteger),
        Column("ack_author", Text),
        *(Column(f"info{number}", Text) for number in range(1, 6)),
    ]


alarms = Table(
    "alarms",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("device_ref", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    *_alarm_columns(),
    # The frame that raised it, and the base station whose failure is behind it.
    Column("frame_id", BigInteger),
    Column("cause", Text),
    # Recipients hear nothing of it until then; who wanted that.
    Column("muted_until", BigInteger),
    Column("muted_by", Text),
    # The user who looks after it.
    Column("assignee_ref", BigInteger),
    UniqueConstraint("device_ref", "type", "object"),
    Index("ix_alarms_subscriber_ref_updated_at_ref", "subscriber_ref", "updated_at", "ref"),
    # Devices in the order of their alarms read this alone.
    Index(
        "ix_alarms_unacknowledged",
        "subscriber_ref",
        "device_ref",
        "state",
        sqlite_where=text("acked IS 0"),
        postgresql_where=text("acked IS false"),
    ),
    sqlite_autoincrement=True,
)

# What people have written about an alarm.
alarm_comments = Table(
    "alarm_comments",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("alarm_ref", ForeignKey("alarms.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)

# What an alarm was before it was cleared.
alarm_history = Table(
    "alarm_history",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("device_ref", BigInteger, nullable=False),
    Column("cleared_at", BigInteger, nullable=False),
    *_alarm_columns(),
    Index("ix_alarm_history_device_ref_cleared_at", "device_ref", "cleared_at"),
    Index("ix_alarm_history_cleared_at", "cleared_at"),
    sqlite_autoincrement=True,
)

base_station_alarms = Table(
    "base_station_alarms",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("base_station", BigInteger, nullable=False),
    *_alarm_columns(),
    UniqueConstraint("base_station", "type", "object"),
    sqlite_autoincrement=True,
)

# Modules of vaults that cannot work; by the name of vault and module.
module_alarms = Table(
    "module_alarms",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("module", Text, nullable=False),
    *_alarm_columns(),
    UniqueConstraint("module", "type", "object"),
    sqlite_autoincrement=True,
)

# Totals by the hour: `scope` 1 subscriber, 2 connectivity plan, 3 base station. Sums of levels are in tenths
# of a dB(m), of error rates in ten-thousandths, of airtime in tenths of a millisecond.
hourly_statistics = Table(
    "hourly_statistics",
    metadata,
    Column("scope", Integer, nullable=False),
    Column("scope_ref", BigInteger, nullable=False),
    # Hours since 1970.
    Column("hour", Integer, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in HOURLY_COUNTERS),
    PrimaryKeyConstraint("scope", "scope_ref", "hour"),
    Index("ix_hourly_statistics_hour", "hour"),
    sqlite_with_rowid=False,
)

# Who is notified of alarms: `scope` 1 a subscriber, of devices; 2 an operator, of base stations.
notification_settings = Table(
    "notification_settings",
    metadata,
    Column("scope", Integer, nullable=False),
    Column("scope_ref", BigInteger, nullable=False),
    Column("settings", Text, nullable=False),
    Column("sealed_secret", LargeBinary),
    PrimaryKeyConstraint("scope", "scope_ref"),
)

# Alarm changes that recipients have not been told of yet.
notifications = Table(
    "notifications",
    metadata,
    Column("id", Ref, primary_key=True, autoincrement=False),
    Column("scope", Integer, nullable=False),
    Column("scope_ref", BigInteger, nullable=False),
    Column("event", LargeBinary, nullable=False),
)

# Who changed what.
audit = Table(
    "audit",
    metadata,
    Column("id", Ref, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subscriber_ref", BigInteger),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("operator_ref", BigInteger),
    # The device that was changed, where it was one.
    Column("device_ref", BigInteger),
    Index("ix_audit_subscriber_ref_id", "subscriber_ref", "id"),
    Index(
        "ix_audit_device_ref_id",
        "device_ref",
        "id",
        sqlite_where=text("device_ref IS NOT NULL"),
        postgresql_where=text("device_ref IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

properties = Table(
    "properties",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
