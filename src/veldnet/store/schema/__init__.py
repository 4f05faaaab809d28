"""The tables, one definition for SQLite and PostgreSQL: a file for each subject, each listed here.

Times are Unix milliseconds. Frame and delivery ids are time-ordered (see `ids`), so cutting a day off the
journal is a range of the primary key. All other numbers are given by the store and never given again, also
not after the row is gone (`sqlite_autoincrement`; PostgreSQL's identity columns do so by themselves): other
rows, messages and the audit log go on mentioning them. Hexadecimal identifiers are stored as upper-case text
where people look them up, as integers where the hot path does.
"""

from .accounts import (
    api_keys,
    branding,
    identities,
    invitations,
    operator_users,
    operators,
    passkeys,
    password_resets,
    preferences,
    projects,
    recovery_codes,
    second_factors,
    sessions,
    subscribers,
    tokens,
    users,
)
from .alarms import (
    alarm_comments,
    alarm_history,
    alarms,
    base_station_alarms,
    module_alarms,
    notification_settings,
    notifications,
)
from .audit import audit
from .base_station_history import base_station_hours, base_station_outages
from .base_station_updates import (
    base_station_updates,
    cups_contacts,
    firmware,
    firmware_parts,
    firmware_signatures,
)
from .base_stations import (
    base_station_profiles,
    base_station_tokens,
    base_stations,
    retired_base_stations,
    unknown_base_stations,
)
from .campaigns import campaign_devices, campaign_events, campaigns
from .catalogue import catalogue_codecs, catalogue_makers, catalogue_models
from .certificates import authorities, certificates, revoked_serials
from .cluster import changes, id_marks, id_steps, leases, nodes, properties
from .columns import metadata
from .coverage import base_station_worth, coverage, coverage_reports, hearing
from .device_overviews import (
    AREAS_A_DEGREE,
    CELLS_A_DEGREE,
    DEVICE_BLOCK_BITS,
    ORDERED_AT,
    DeviceList,
    device_areas,
    device_cells,
    device_counts,
    device_list_counts,
    device_number_bounds,
    device_order,
    device_text_bounds,
)
from .devices import (
    decoder_bindings,
    decoders,
    device_key_changes,
    device_states,
    device_tags,
    devices,
    imported_devices,
    imports,
)
from .journal import (
    FRAME_COLUMNS,
    deliveries,
    delivery_results,
    downlinks,
    frame_bodies,
    frames,
    hourly_statistics,
)
from .locations import locations
from .multicast import base_station_tags, multicast_frames, multicast_groups, multicast_members
from .offers import connectivity_plans, device_profiles, hsm_groups, plan_grants
from .routing import as_transport_keys, exchange_keys, routes, routing_profiles

__all__ = [
    "AREAS_A_DEGREE",
    "CELLS_A_DEGREE",
    "DEVICE_BLOCK_BITS",
    "FRAME_COLUMNS",
    "ORDERED_AT",
    "DeviceList",
    "alarm_comments",
    "alarm_history",
    "alarms",
    "api_keys",
    "as_transport_keys",
    "audit",
    "authorities",
    "base_station_alarms",
    "base_station_hours",
    "base_station_outages",
    "base_station_profiles",
    "base_station_tags",
    "base_station_tokens",
    "base_station_updates",
    "base_station_worth",
    "base_stations",
    "branding",
    "campaign_devices",
    "campaign_events",
    "campaigns",
    "catalogue_codecs",
    "catalogue_makers",
    "catalogue_models",
    "certificates",
    "changes",
    "connectivity_plans",
    "coverage",
    "coverage_reports",
    "cups_contacts",
    "decoder_bindings",
    "decoders",
    "deliveries",
    "delivery_results",
    "device_areas",
    "device_cells",
    "device_counts",
    "device_key_changes",
    "device_list_counts",
    "device_number_bounds",
    "device_order",
    "device_profiles",
    "device_states",
    "device_tags",
    "device_text_bounds",
    "devices",
    "downlinks",
    "exchange_keys",
    "firmware",
    "firmware_parts",
    "firmware_signatures",
    "frame_bodies",
    "frames",
    "hearing",
    "hourly_statistics",
    "hsm_groups",
    "id_marks",
    "id_steps",
    "identities",
    "imported_devices",
    "imports",
    "invitations",
    "leases",
    "locations",
    "metadata",
    "module_alarms",
    "multicast_frames",
    "multicast_groups",
    "multicast_members",
    "nodes",
    "notification_settings",
    "notifications",
    "operator_users",
    "operators",
    "passkeys",
    "password_resets",
    "plan_grants",
    "preferences",
    "projects",
    "properties",
    "recovery_codes",
    "retired_base_stations",
    "revoked_serials",
    "routes",
    "routing_profiles",
    "second_factors",
    "sessions",
    "subscribers",
    "tokens",
    "unknown_base_stations",
    "users",
]
