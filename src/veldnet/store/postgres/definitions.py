"""What the schema has on PostgreSQL beside tables and triggers: how transactions begin."""

from __future__ import annotations

from sqlalchemy import Connection

# The lock that writers share and changes of management have for themselves, among the advisory locks of the
# database: "VELD".
_LOCK = 0x56454C44
# How the functions say that the lease has gone.
LEASE_LOST = "VN001"

_PROVE = f"""
CREATE FUNCTION veldnet_prove_lease(holder text, epochs bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF holder IS NOT NULL
        AND (SELECT sum(epoch) FROM leases WHERE owner = holder) IS DISTINCT FROM epochs
    THEN
        RAISE EXCEPTION 'another process has taken over this database' USING ERRCODE = '{LEASE_LOST}';
    END IF;
END $$
"""  # noqa: S608 - a code

# Frames are written side by side with each other.
_COMMIT = f"""
CREATE FUNCTION veldnet_begin_commit(holder text, epochs bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({_LOCK}, 1);
    PERFORM veldnet_prove_lease(holder, epochs);
END $$
"""

# A change sees no other writer between what it reads and what it writes.
_CHANGE = f"""
CREATE FUNCTION veldnet_begin_change(holder text, epochs bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({_LOCK}, 1);
    PERFORM veldnet_prove_lease(holder, epochs);
END $$
"""


def define(connection: Connection) -> None:
    """Make in a new database what `metadata.create_all` does not."""
    for text in (_PROVE, _COMMIT, _CHANGE):
        connection.exec_driver_sql(text)
