"""`veldnet admin`: the operator's work on a data directory, also while a server runs on it."""

from __future__ import annotations

from veldnet.cli.lazy import Lazy, lazy_group

__all__ = ["admin"]

_HERE = "veldnet.cli.admin"

admin = lazy_group(
    "admin",
    "Manage accounts, plans, base stations, keys and backups of a data directory.",
    {
        "operator": Lazy(f"{_HERE}.operators:operator_app", "Network operators."),
        "operator-create": Lazy(f"{_HERE}.operators:create_operator", "Create a network operator."),
        "operator-list": Lazy(f"{_HERE}.operators:list_operators", "List network operators."),
        "operator-user-create": Lazy(f"{_HERE}.users:create_operator_user", "Create a user of the operator."),
        "subscriber": Lazy(f"{_HERE}.subscribers:subscriber_app", "Customers."),
        "user": Lazy(f"{_HERE}.users:user_app", "Users of customers and operators."),
        "project": Lazy(f"{_HERE}.projects:project_app", "Developer projects."),
        "plan": Lazy(f"{_HERE}.plans:plan_app", "Connectivity plans."),
        "device-profile": Lazy(f"{_HERE}.device_profiles:profile_app", "Device profiles."),
        "catalogue": Lazy(f"{_HERE}.catalogue:catalogue_app", "Catalogue of devices."),
        "base-station": Lazy(f"{_HERE}.base_stations:base_station_app", "Base stations."),
        "base-station-profile": Lazy(
            f"{_HERE}.station_profiles:station_profile_app", "Base station profiles."
        ),
        "firmware": Lazy(f"{_HERE}.firmware:firmware_app", "Firmware of base stations."),
        "ca": Lazy(f"{_HERE}.authority:ca_app", "Internal certificate authority."),
        "hsm-group": Lazy(f"{_HERE}.hsm_groups:hsm_group_app", "HSM groups."),
        "undelivered": Lazy(f"{_HERE}.undelivered:undelivered_app", "Undelivered messages."),
        "device": Lazy(f"{_HERE}.device_records:device_app", "Devices."),
        "routing-profile": Lazy(
            f"{_HERE}.routing_profiles:routing_profile_app", "Routing profiles of customers."
        ),
        "decoder": Lazy(f"{_HERE}.decoders:decoder_app", "Payload decoders of customers."),
        "campaign": Lazy(
            f"{_HERE}.campaigns:campaign_app", "Firmware and configuration over the air for customers."
        ),
        "multicast-group": Lazy(
            f"{_HERE}.multicast_groups:multicast_group_app", "Multicast groups of customers."
        ),
        "group": Lazy(f"{_HERE}.hsm_groups:hsm_group_app", "HSM groups.", hidden=True),
        "alarm": Lazy(f"{_HERE}.alarms:alarms_app", "Alarms.", hidden=True),
        "alarms": Lazy(f"{_HERE}.alarms:alarms_app", "Alarms of devices and base stations."),
        "statistics": Lazy(f"{_HERE}.statistics:statistics_app", "Hourly totals."),
        "vault": Lazy(f"{_HERE}.vaults:vault_app", "Vaults and master keys."),
        "audit": Lazy(f"{_HERE}.audit_log:audit_command", "Show the audit log, newest first."),
        "backup": Lazy(f"{_HERE}.backups:backup_command", "Copy the database, also while a server runs."),
        "restore": Lazy(f"{_HERE}.backups:restore_command", "Replace the database by a backup."),
        "verify-backup": Lazy(f"{_HERE}.backups:verify_command", "Check that a backup is whole."),
        "migrate-store": Lazy(
            f"{_HERE}.moving:migrate_store_command", "Move the installation from SQLite to PostgreSQL."
        ),
    },
)
