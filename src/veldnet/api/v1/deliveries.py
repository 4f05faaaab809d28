"""Undelivered messages: listing and redelivery."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.api.errors import GatewayError, language_of
from veldnet.api.query import LAST, From, Parameter, To, moment
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.assembly.redelivery import redeliver as redeliver_messages
from veldnet.domain.errors import MissingField
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import routing_profiles
from veldnet.routing import Undelivered, UndeliveredQuery, Whose, list_undelivered
from veldnet.texts import in_language

_MOST = 1000


class UndeliveredMessage(msgspec.Struct):
    """A message that waits or was set aside.

    `reason` is why it was set aside: `expired` (its retention ended), `refused` (an answer that says
    never), `refusedRepeatedly` (refused while the same server accepted others), `noRoute` (its routing
    profile has no route or address for it any more), `profileDeleted`, `connectionDeleted`,
    `deviceDeleted`, `transformationFailed` (that of its flow), `addressRefused`
    (the address may not be used), `unreadable` (it was damaged in the store). A message that waits behind
    another one has `attempts` 0 and the answer to that one. Messages of a multicast group have its DevEUI
    and name.
    """

    id: str
    frameId: str
    deviceEUI: str | None
    asId: str | None
    message: str
    state: str
    creationTime: str
    expiryTime: str
    attempts: int
    lastError: str | None
    lastAttemptAt: str | None
    nextAttemptAt: str | None
    address: str | None
    reason: str | None
    deviceName: str | None

    @classmethod
    def of(cls, item: Undelivered) -> UndeliveredMessage:
        return cls(
            item.id,
            item.frame_id,
            item.dev_eui,
            item.as_id,
            item.message,
            item.state,
            timestamp(item.created_at),
            timestamp(item.expires_at),
            item.attempts,
            item.last_error,
            _moment(item.last_attempt_at),
            _moment(item.next_attempt_at),
            item.address,
            item.reason,
            item.name,
        )


def _moment(millis: int | None) -> str | None:
    return None if millis is None else timestamp(millis)


class UndeliveredFilter(msgspec.Struct, frozen=True):
    """Which messages."""

    start: From = msgspec.field(default=0, name="from")
    end: To = msgspec.field(default=LAST, name="to")
    includePending: Annotated[bool, Parameter("Also those that wait.")] = False
    pending: Annotated[bool, Parameter("As includePending.")] = False
    limit: Annotated[int, Parameter("Entries at most.", least=1, most=_MOST)] = 100


class Redelivery(msgspec.Struct):
    """A time range, ISO 8601: `from` inclusive, `to` exclusive."""

    start: str | UnsetType = msgspec.field(default=UNSET, name="from")
    end: str | UnsetType = msgspec.field(default=UNSET, name="to")


class RedeliveryStarted(msgspec.Struct):
    queues: int


class TrialAnswer(msgspec.Struct):
    """What an address said to the test message."""

    url: str | None
    delivered: bool
    status: str
    error: str | None
    answer: str | None


class RouteTrialView(msgspec.Struct):
    """A test of one route; `signed`: whether the message carried a token."""

    route: int
    asId: str | None
    signed: bool
    ms: int
    answers: list[TrialAnswer]


@SUBSCRIBER.post(
    "/routingProfiles/{routingProfileRef}/trial",
    "tryRoutingProfile",
    "Deliveries",
    "Send a test message to every address.",
)
async def try_routing_profile(
    routing_profile_ref: str, request: Request, services: Services, scope: Scope
) -> list[RouteTrialView]:
    """Send a `DevEUI_notification` of the type `test` to every address of a routing profile now, and show
    what each answers."""
    await services.read(lambda c: routing_profiles.get_routing_profile(c, scope, routing_profile_ref))
    quota = services.trials.take(str(scope.subscriber_ref))
    if quota is not None and not quota.allowed:
        raise GatewayError(429, "Too many test deliveries; wait a minute")
    language = language_of(request)
    trials = await services.platform.deliveries.try_out(int(routing_profile_ref), scope.subscriber_ref)
    return [
        RouteTrialView(
            trial.route,
            trial.as_id,
            trial.signed,
            trial.ms,
            [
                TrialAnswer(
                    o.url,
                    o.delivered,
                    o.status,
                    None if o.error is None else in_language(o.error, language),
                    o.answer,
                )
                for o in trial.outcomes
            ],
        )
        for trial in trials
    ]


@SUBSCRIBER.get(
    "/undelivered", "listUndelivered", "Deliveries", "Messages not accepted by any application server."
)
async def list_messages(
    request: Request, services: Services, scope: Scope, query: UndeliveredFilter
) -> list[UndeliveredMessage]:
    """Messages set aside in a time range (`from`, `to`), oldest first; `includePending=true` (or `pending`)
    adds those that wait."""
    pending = query.includePending or query.pending
    wanted = UndeliveredQuery(query.start, query.end, query.limit, pending)
    language = language_of(request)
    listed = await services.read(
        lambda c: list_undelivered(c, wanted, Whose(scope.subscriber_ref), language=language)
    )
    return [UndeliveredMessage.of(item) for item in listed]


@SUBSCRIBER.post(
    "/undelivered/redeliveries",
    "redeliver",
    "Deliveries",
    "Redeliver the undelivered messages of a time range.",
    status=202,
)
async def redeliver(services: Services, scope: Scope, body: Redelivery) -> RedeliveryStarted:
    """Try the undelivered messages of a time range once more."""
    if body.start is UNSET or body.end is UNSET:
        raise MissingField("from and to are mandatory")
    from_ms, to_ms = moment(body.start, "from"), moment(body.end, "to")
    platform = services.platform
    expires_at = int((platform.clock() + platform.settings.routing.retention) * 1000)
    queues = await services.write(
        lambda c: redeliver_messages(c, scope.subscriber_ref, from_ms, to_ms, expires_at)
    )
    await services.take_up()
    return RedeliveryStarted(queues)
