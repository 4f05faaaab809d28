"""What people do with an alarm beside acknowledging it: comment, assign, and see what is behind it."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from veldnet.domain.errors import BadRequest, NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory.names import check_text
from veldnet.inventory.rows import ref_of
from veldnet.store.schema import (
    alarm_comments,
    alarms,
    base_stations,
    deliveries,
    frames,
    routing_profiles,
    users,
)
from veldnet.texts import Language, stored_in

from .fleet import AlarmLine, one_alarm
from .listing import get_alarm
from .rows import number_of

MOST_COMMENT = 2000
_MOST_COMMENTS = 500
# Messages that are counted at most.
_MOST_MESSAGES = 1000


class AlarmComment(msgspec.Struct):
    """What somebody has written about an alarm."""

    ref: str
    time: str
    author: str
    text: str


class AlarmCause(msgspec.Struct):
    """What is or may be behind an alarm: the `frame` that raised it, a `baseStation` that does not answer, an
    `applicationServer` for which messages of the device wait. `ref` leads there, and of a server to the
    routing profile."""

    kind: Literal["frame", "baseStation", "applicationServer"]
    ref: str
    name: str
    messages: int | None = None
    text: str | None = None


class AlarmDetails(msgspec.Struct):
    """An alarm, what was written about it (the newest first), and what is behind it."""

    alarm: AlarmLine
    comments: list[AlarmComment]
    causes: list[AlarmCause]


class Assignee(msgspec.Struct):
    """Somebody who can look after alarms."""

    ref: str
    displayName: str
    username: str


def read_details(
    connection: Connection, scope: Scope, ref: str, now: int, language: Language
) -> AlarmDetails:
    """An alarm of the subscriber with all that is known of it. Raises `NotFound`."""
    get_alarm(connection, scope, ref)
    number = number_of(ref)
    line = one_alarm(connection, scope.subscriber_ref, number, now, language)
    if line is None:
        raise NotFound("DeviceAlarm", ref)
    columns = alarm_comments.c
    written = connection.execute(
        select(columns.ref, columns.at, columns.author, columns.text)
        .where(columns.alarm_ref == number)
        .order_by(columns.ref.desc())
        .limit(_MOST_COMMENTS)
    )
    comments = [AlarmComment(str(row.ref), timestamp(row.at), row.author, row.text) for row in written]
    return AlarmDetails(line, comments, _causes(connection, number, language))


def _causes(connection: Connection, number: int, language: Language) -> list[AlarmCause]:
    row = connection.execute(
        select(alarms.c.device_ref, alarms.c.frame_id, alarms.c.cause).where(alarms.c.ref == number)
    ).one()
    found = []
    if row.frame_id is not None:
        known = select(frames.c.id).where(frames.c.device_ref == row.device_ref, frames.c.id == row.frame_id)
        if connection.execute(known).first() is not None:
            found.append(AlarmCause("frame", str(row.frame_id), str(row.frame_id)))
    if row.cause is not None:
        name = connection.execute(
            select(base_stations.c.name).where(base_stations.c.id == row.cause)
        ).scalar()
        found.append(AlarmCause("baseStation", row.cause, name or row.cause))
    return found + _servers(connection, row.device_ref, language)


def _servers(connection: Connection, device_ref: int, language: Language) -> list[AlarmCause]:
    """Routing profiles for which messages of a device wait or were set aside. The name of a queue begins with
    the ref of its profile and a colon."""
    newest = (
        select(deliveries.c.queue, deliveries.c.last_error)
        .where(deliveries.c.device_ref == device_ref)
        .limit(_MOST_MESSAGES)
        .subquery()
    )
    queues = connection.execute(
        select(newest.c.queue, func.count().label("messages"), func.max(newest.c.last_error).label("error"))
        .group_by(newest.c.queue)
        .order_by(newest.c.queue)
    )
    found = []
    for queue in queues:
        profile = ref_of(queue.queue.partition(":")[0])
        name = connection.execute(
            select(routing_profiles.c.name).where(routing_profiles.c.ref == profile)
        ).scalar()
        if name is not None:
            said = stored_in(language, queue.error)
            found.append(AlarmCause("applicationServer", str(profile), name, queue.messages, said))
    return found


def add_comment(connection: Connection, scope: Scope, ref: str, text: str, now: int) -> None:
    """Write something about an alarm of the subscriber. Raises `NotFound`, `InvalidField`."""
    get_alarm(connection, scope, ref)
    kept = check_text(text, most=MOST_COMMENT)
    columns = alarm_comments.c
    written = connection.execute(select(func.count()).where(columns.alarm_ref == number_of(ref))).scalar_one()
    if written >= _MOST_COMMENTS:
        raise BadRequest(
            "The alarm has {most_comments} comments, which is the maximum", most_comments=_MOST_COMMENTS
        )
    connection.execute(
        insert(alarm_comments).values(alarm_ref=number_of(ref), at=now, author=scope.display_name, text=kept)
    )


def list_assignees(connection: Connection, scope: Scope) -> list[Assignee]:
    """The users of the subscriber who are not suspended, by name."""
    rows = connection.execute(
        select(users.c.ref, users.c.display_name, users.c.username)
        .where(users.c.subscriber_ref == scope.subscriber_ref, users.c.suspended.is_(False))
        .order_by(users.c.display_name, users.c.ref)
    )
    return [Assignee(str(row.ref), row.display_name, row.username) for row in rows]


def assign(connection: Connection, scope: Scope, ref: str, user_ref: str | None) -> str | None:
    """Have a user of the subscriber look after an alarm, or nobody; returns the user's name. Raises
    `NotFound`."""
    get_alarm(connection, scope, ref)
    name = None
    if user_ref is not None:
        own = (users.c.ref == ref_of(user_ref)) & (users.c.subscriber_ref == scope.subscriber_ref)
        name = connection.execute(select(users.c.display_name).where(own)).scalar()
        if name is None:
            raise NotFound("User", user_ref)
    connection.execute(
        update(alarms)
        .where(alarms.c.ref == number_of(ref), alarms.c.subscriber_ref == scope.subscriber_ref)
        .values(assignee_ref=None if user_ref is None else ref_of(user_ref))
    )
    return name
