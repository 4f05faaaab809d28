"""The statements of the commits, as both engines run them.

An engine fills in how rows come in: see `SQL`."""

from __future__ import annotations

from .rows import HOURLY_COUNTERS, Statement


def _insert(table: str, statement: Statement) -> str:
    return f"INSERT INTO {table} ({', '.join(statement.columns)}) {{values}}"


def _insert_owned(table: str, statement: Statement) -> str:
    """Insert with the subscriber of each row's device; of a device deleted meanwhile nothing."""
    columns = ", ".join(statement.columns)
    values = ", ".join(f"{{{name}}}" for name in statement.columns)
    owned = "JOIN devices ON devices.ref = {device_ref} WHERE true"
    rows = "FROM {source}"
    return f"INSERT INTO {table} ({columns}, subscriber_ref) SELECT {values}, subscriber_ref {rows} {owned}"


def _added(counter: str) -> str:
    return f"{counter} = hourly_statistics.{counter} + excluded.{counter}"


# `{values}` is a query that gives the rows, `{source}` the rows as a table, and `{name}` its column of that
# name. What an upsert finds is named with its table, as PostgreSQL wants it.
SQL = {
    Statement.INSERT_FRAME: _insert("frames", Statement.INSERT_FRAME),
    Statement.INSERT_BODY: _insert("frame_bodies", Statement.INSERT_BODY),
    # An UPDATE, so that the state of a device deleted meanwhile goes nowhere.
    Statement.UPDATE_STATE: (
        "UPDATE device_states SET dev_addr = {dev_addr}, pending_dev_addr = {pending_dev_addr}, "
        "state = {state}, unsolicited = {unsolicited}, current_class = {current_class}, "
        "monitoring = {monitoring} "
        "FROM {source} WHERE device_ref = {device_ref}"
    ),
    Statement.UPDATE_JOIN_MEMORY: (
        "UPDATE device_states SET join_memory = {join_memory} FROM {source} WHERE device_ref = {device_ref}"
    ),
    Statement.INSERT_DELIVERY: _insert("deliveries", Statement.INSERT_DELIVERY),
    Statement.DELETE_DELIVERY: "DELETE FROM deliveries WHERE id IN ({values})",
    # Not of a message that was set aside meanwhile, with its device perhaps.
    Statement.NOTE_ATTEMPT: (
        "UPDATE deliveries SET attempts = {attempts}, last_error = {last_error}, "
        "last_attempt_at = {last_attempt_at}, next_attempt_at = {next_attempt_at}, address = {address} "
        "FROM {source} WHERE id = {id} AND state = 0"
    ),
    Statement.SET_DELIVERY_ASIDE: (
        "UPDATE deliveries SET state = 1, reason = {reason}, attempts = {attempts}, "
        "last_error = {last_error}, last_attempt_at = {last_attempt_at}, next_attempt_at = NULL, "
        "address = {address} FROM {source} WHERE id = {id} AND state = 0"
    ),
    # A message delivered again replaces what was said of it before.
    Statement.INSERT_DELIVERY_RESULT: (
        f"{_insert('delivery_results', Statement.INSERT_DELIVERY_RESULT)} "
        "ON CONFLICT (frame_id, delivery_id) DO UPDATE SET result = excluded.result"
    ),
    Statement.UPDATE_CHECK: (
        "UPDATE device_states SET check_at = {check_at} FROM {source} WHERE device_ref = {device_ref}"
    ),
    Statement.INSERT_LOCATION: _insert_owned("locations", Statement.INSERT_LOCATION),
    Statement.UPDATE_LOCATION: (
        "UPDATE device_states SET network_location = {network_location} "
        "FROM {source} WHERE device_ref = {device_ref}"
    ),
    Statement.PUT_FOUND_PLACE: (
        f"{_insert_owned('found_places', Statement.PUT_FOUND_PLACE)} "
        "ON CONFLICT (device_ref) DO UPDATE SET at = excluded.at, latitude = excluded.latitude, "
        "longitude = excluded.longitude, radius = excluded.radius"
    ),
    Statement.DELETE_FOUND_PLACE: "DELETE FROM found_places WHERE device_ref IN ({values})",
    Statement.UPDATE_HEALTH: "UPDATE devices SET health = {health} FROM {source} WHERE ref = {ref}",
    Statement.ADD_HOURLY: (
        f"{_insert('hourly_statistics', Statement.ADD_HOURLY)} ON CONFLICT (scope, scope_ref, hour) "
        f"DO UPDATE SET {', '.join(map(_added, HOURLY_COUNTERS))}"
    ),
    # From `devices`, so that the alarm of a device deleted meanwhile goes nowhere. `created_at` and who
    # acknowledged stay.
    Statement.PUT_ALARM: (
        "INSERT INTO alarms (device_ref, subscriber_ref, type, object, state, occurrence, acked, created_at, "
        "updated_at, acked_at, ack_author, info1, info2, info3, info4, info5, frame_id, cause) "
        "SELECT {device_ref}, subscriber_ref, {type}, {object}, {state}, {occurrence}, {acked}, "
        "{created_at}, {updated_at}, {acked_at}, {ack_author}, {info1}, {info2}, {info3}, {info4}, {info5}, "
        "{frame_id}, {cause} "
        "FROM {source} JOIN devices ON devices.ref = {device_ref} WHERE true "
        "ON CONFLICT (device_ref, type, object) DO UPDATE SET state = excluded.state, "
        "occurrence = excluded.occurrence, acked = excluded.acked, updated_at = excluded.updated_at, "
        "info1 = excluded.info1, info2 = excluded.info2, info3 = excluded.info3, info4 = excluded.info4, "
        "info5 = excluded.info5, "
        # One that is cleared keeps what had raised it.
        "frame_id = CASE WHEN excluded.state > 1 THEN excluded.frame_id ELSE alarms.frame_id END, "
        "cause = CASE WHEN excluded.state > 1 THEN excluded.cause ELSE alarms.cause END"
    ),
    Statement.ACKNOWLEDGE_ALARM: (
        "UPDATE alarms SET acked = true, acked_at = {acked_at}, ack_author = {ack_author} FROM {source} "
        "WHERE device_ref = {device_ref} AND type = {type} AND object = {object}"
    ),
    Statement.MUTE_ALARM: (
        "UPDATE alarms SET muted_until = {muted_until}, muted_by = {muted_by} FROM {source} "
        "WHERE device_ref = {device_ref} AND type = {type} AND object = {object}"
    ),
    # What the alarm is just before it is cleared.
    Statement.INSERT_ALARM_HISTORY: (
        "INSERT INTO alarm_history (device_ref, cleared_at, type, object, state, occurrence, acked, "
        "created_at, updated_at, acked_at, ack_author, info1, info2, info3, info4, info5) "
        "SELECT a.device_ref, {cleared_at}, a.type, a.object, a.state, a.occurrence, a.acked, a.created_at, "
        "a.updated_at, a.acked_at, a.ack_author, a.info1, a.info2, a.info3, a.info4, a.info5 "
        "FROM {source} JOIN alarms a ON a.device_ref = {device_ref} AND a.type = {type} "
        "AND a.object = {object}"
    ),
    Statement.INSERT_CAMPAIGN_EVENT: _insert("campaign_events", Statement.INSERT_CAMPAIGN_EVENT),
    Statement.INSERT_NOTIFICATION: _insert("notifications", Statement.INSERT_NOTIFICATION),
    # State 4 is acknowledged: a late report changes nothing any more.
    Statement.PUT_DOWNLINK: (
        f"{_insert_owned('downlinks', Statement.PUT_DOWNLINK)} "
        "ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at, "
        "after_join = excluded.after_join, frame_id = excluded.frame_id, "
        "base_station = excluded.base_station, slot = excluded.slot, causes = excluded.causes, "
        "reason = excluded.reason, sent_at = excluded.sent_at, "
        "fcnt = COALESCE(excluded.fcnt, downlinks.fcnt), "
        "sending_at = COALESCE(excluded.sending_at, downlinks.sending_at) "
        "WHERE downlinks.state <> 4"
    ),
    # One that was not reported yet was sent all the same.
    Statement.ANSWER_DOWNLINK: (
        "UPDATE downlinks SET state = {state}, answered_at = {answered_at}, updated_at = {answered_at}, "
        "answer_frame_id = {answer_frame_id} FROM {source} WHERE id = {id} AND state IN (2, 3)"
    ),
    # An UPDATE, so that the state of a group deleted meanwhile goes nowhere.
    Statement.UPDATE_GROUP_STATE: (
        "UPDATE multicast_groups SET state = {state}, busy = {busy} FROM {source} WHERE ref = {ref}"
    ),
    Statement.PUT_MULTICAST_FRAME: (
        f"{_insert('multicast_frames', Statement.PUT_MULTICAST_FRAME)} "
        "ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at, "
        "fcnt = excluded.fcnt, attempts = excluded.attempts, "
        "sent_at = COALESCE(multicast_frames.sent_at, excluded.sent_at), stations = excluded.stations, "
        "succeeded = excluded.succeeded, failed = excluded.failed, causes = excluded.causes, "
        "results = COALESCE(excluded.results, multicast_frames.results), reason = excluded.reason"
    ),
}
