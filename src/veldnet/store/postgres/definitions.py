"""What the schema has on PostgreSQL beside tables and triggers: how transactions begin."""

from __future__ import annotations

from sqlalchemy import Connection

from veldnet.store.locks import FENCE

# The first number of the advisory locks of a database, "VELD". By their second number: 1 writers of frames
# share, and a change of management or an upgrade has it for itself; 2 has whoever makes days, 3 whoever makes
# or upgrades the tables.
LOCKS = 0x56454C44
# How the functions say that the lease has gone.
LEASE_LOST = "VN001"

# A process is `holder`, by its number; a node among others is a `member` since an epoch. The partitions whose
# bits are set in `held` have epochs with a sum, which rises with each taking. Whoever takes one waits for the
# transactions that have proven it.
_ARGUMENTS = "holder text, number int, member bigint, held bigint, epochs bigint"
_PROVE = f"""
CREATE FUNCTION veldnet_prove_lease({_ARGUMENTS}) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF holder IS NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock_shared({FENCE}, number);
    IF member IS NOT NULL AND NOT EXISTS (SELECT 1 FROM nodes WHERE name = holder AND epoch = member)
        OR held <> 0 AND epochs IS DISTINCT FROM (
            SELECT sum(epoch) FROM leases WHERE owner = holder AND (held >> partition) & 1 = 1)
    THEN
        RAISE EXCEPTION 'another process has taken over this database' USING ERRCODE = '{LEASE_LOST}';
    END IF;
END $$
"""  # noqa: S608 - a code

# Frames are written side by side with each other.
_COMMIT = f"""
CREATE FUNCTION veldnet_begin_commit({_ARGUMENTS}) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({LOCKS}, 1);
    PERFORM veldnet_prove_lease(holder, number, member, held, epochs);
END $$
"""

# A change sees no other writer between what it reads and what it writes.
_CHANGE = f"""
CREATE FUNCTION veldnet_begin_change({_ARGUMENTS}) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({LOCKS}, 1);
    PERFORM veldnet_prove_lease(holder, number, member, held, epochs);
END $$
"""


def define(connection: Connection) -> None:
    """Make in a new database what `metadata.create_all` does not."""
    for text in (_PROVE, _COMMIT, _CHANGE):
        connection.exec_driver_sql(text)
