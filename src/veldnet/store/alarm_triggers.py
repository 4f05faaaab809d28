"""The worst alarm of a device that nobody has acknowledged stands in its row, so that the devices with an
alarm are counted, found and put in order as those in a state of health are: looking at their alarms took half
a second for a map of 100,000. Triggers on `alarms` keep it, for each engine; where it stays, no device is
written. Alarms of multicast groups have numbers below 0, which no device has.
"""

from __future__ import annotations

_WORST = "coalesce((SELECT max(state) FROM alarms WHERE device_ref = {} AND acked IS {}), 0)"


def _sqlite() -> tuple[str, ...]:
    worst = _WORST.format("devices.ref", "0")
    look = f"UPDATE devices SET alarm = {worst} WHERE ref = {{}}.device_ref AND alarm <> {worst};"  # noqa: S608
    return (
        "CREATE TRIGGER IF NOT EXISTS alarms_worst_on_insert AFTER INSERT ON alarms WHEN NEW.acked IS 0 "
        "BEGIN UPDATE devices SET alarm = NEW.state WHERE ref = NEW.device_ref AND alarm < NEW.state; END",
        "CREATE TRIGGER IF NOT EXISTS alarms_worst_on_update AFTER UPDATE OF state, acked ON alarms "
        f"WHEN OLD.state <> NEW.state OR OLD.acked <> NEW.acked BEGIN {look.format('NEW')} END",
        "CREATE TRIGGER IF NOT EXISTS alarms_worst_on_delete AFTER DELETE ON alarms WHEN OLD.acked IS 0 "
        f"BEGIN {look.format('OLD')} END",
    )


def _postgresql() -> tuple[str, ...]:
    """Once a statement: a commit raises many alarms at once."""

    def look(changed: str) -> str:
        worst = _WORST.format("changed.device_ref", "false")
        return (
            f"UPDATE devices SET alarm = worst.state FROM (SELECT device_ref, {worst} AS state "  # noqa: S608
            f"FROM ({changed}) AS changed) AS worst "
            "WHERE devices.ref = worst.device_ref AND devices.alarm <> worst.state;"
        )

    bodies = {
        ("insert", "NEW TABLE AS new_rows"): (
            "UPDATE devices SET alarm = worst.state FROM (SELECT device_ref, max(state) AS state "
            "FROM new_rows WHERE acked IS false GROUP BY device_ref) AS worst "
            "WHERE devices.ref = worst.device_ref AND devices.alarm < worst.state;"
        ),
        ("update", "OLD TABLE AS old_rows NEW TABLE AS new_rows"): look(
            "SELECT DISTINCT new_rows.device_ref FROM new_rows JOIN old_rows ON old_rows.ref = new_rows.ref "
            "WHERE old_rows.state <> new_rows.state OR old_rows.acked <> new_rows.acked"
        ),
        ("delete", "OLD TABLE AS old_rows"): look(
            "SELECT DISTINCT device_ref FROM old_rows WHERE acked IS false"
        ),
    }
    statements = []
    for (operation, tables), body in bodies.items():
        name = f"alarms_worst_on_{operation}"
        statements += [
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NULL; END $$",
            f"CREATE OR REPLACE TRIGGER {name} AFTER {operation.upper()} ON alarms REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
        ]
    return tuple(statements)


ALARM_TRIGGERS = {"sqlite": _sqlite(), "postgresql": _postgresql()}
