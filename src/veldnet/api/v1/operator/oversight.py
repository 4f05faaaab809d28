"""What goes on in the operator's network: undelivered messages, the audit log, settings, how it all is."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get
from sqlalchemy import Connection

from veldnet import __version__
from veldnet.api import query
from veldnet.api.auth.bearer import require_operator
from veldnet.api.services import Services
from veldnet.api.v1.deliveries import UndeliveredMessage
from veldnet.inventory import accounts, audit
from veldnet.inventory.audit import AuditEntry
from veldnet.monitoring.alarms import listing
from veldnet.routing import list_undelivered
from veldnet.settings import describe

_MOST = 1000
# Sections whose values say where secrets lie.
_PRIVATE = frozenset({"keys", "mail"})


class SettingView(msgspec.Struct):
    """A setting of the server. Values of the sections `keys` and `mail` are not shown."""

    section: str
    name: str
    value: str | None
    default: str
    help: str
    environment: str


class NetworkOverview(msgspec.Struct):
    """How the operator's network is."""

    subscribers: int
    devices: int
    unwell: int
    baseStations: int
    connected: int
    unknownBaseStations: int
    baseStationAlarms: list[listing.BaseStationAlarm]
    moduleAlarms: list[listing.ModuleAlarm]
    undelivered: int
    problems: list[str]
    liveStreams: int
    eventLoopLag: float
    version: str


@get("/undelivered")
async def list_messages(request: Request[Any, Any, Any], services: Services) -> list[UndeliveredMessage]:
    """Messages that no application server took, of all the operator's customers."""
    operator = await require_operator(request, services)
    start, end = query.text(request, "from"), query.text(request, "to")
    limit = query.whole(request, "limit", least=1, most=_MOST) or 100
    pending = query.flag(request, "includePending") or query.flag(request, "pending")
    listed = await services.read(
        lambda c: list_undelivered(
            c,
            None,
            0 if start is None else query.moment(start, "from"),
            1 << 42 if end is None else query.moment(end, "to"),
            limit,
            include_pending=pending,
            operator_ref=operator.operator_ref,
        )
    )
    return [UndeliveredMessage.of(item) for item in listed]


@get("/audit")
async def list_audit(request: Request[Any, Any, Any], services: Services) -> list[AuditEntry]:
    """Who changed what, the newest first; `before` is a time, ISO 8601."""
    operator = await require_operator(request, services)
    limit = query.whole(request, "limit", least=1, most=_MOST) or 100
    before = query.text(request, "before")
    moment = None if before is None else query.moment(before, "before")
    return await services.read(lambda c: audit.list_entries(c, None, limit, moment, operator.operator_ref))


@get("/settings")
async def list_settings(request: Request[Any, Any, Any], services: Services) -> list[SettingView]:
    """The settings the server runs with; they are changed in its settings file."""
    await require_operator(request, services)
    current = services.platform.settings
    shown = []
    for setting in describe():
        value = None
        if setting.section not in _PRIVATE:
            of = getattr(current, setting.section) if setting.section else current
            value = str(getattr(of, setting.name))
        shown.append(
            SettingView(
                setting.section, setting.name, value, setting.default, setting.help, setting.environment
            )
        )
    return shown


@get("/overview")
async def get_overview(request: Request[Any, Any, Any], services: Services) -> NetworkOverview:
    """How the network is."""
    operator = await require_operator(request, services)
    platform = services.platform
    now = platform.clock()

    def read(connection: Connection) -> NetworkOverview:
        customers = accounts.list_subscribers(connection, operator.operator_ref)
        own = {
            f"{int(identifier):08X}": identifier
            for identifier, station in platform.base_stations.all()
            if station.operator_ref == operator.operator_ref
        }
        alarms = listing.list_base_station_alarms(connection, cleared=False)
        undelivered = list_undelivered(
            connection, None, 0, 1 << 42, _MOST, operator_ref=operator.operator_ref
        )
        return NetworkOverview(
            subscribers=len(customers),
            devices=sum(customer.devices for customer in customers),
            unwell=sum(customer.unwell for customer in customers),
            baseStations=len(own),
            connected=sum(
                1
                for identifier in own.values()
                if (seen := platform.presence.stations.get(identifier)) is not None
                and now - seen.seen_at < 60
            ),
            unknownBaseStations=len(platform.presence.unknown),
            baseStationAlarms=[alarm for alarm in alarms if alarm.baseStationId in own],
            moduleAlarms=listing.list_module_alarms(connection, cleared=False),
            undelivered=len(undelivered),
            problems=[],
            liveStreams=platform.live.streams,
            eventLoopLag=round(platform.loop_lag, 4),
            version=__version__,
        )

    overview = await services.read(read)
    overview.problems = await platform.problems()
    return overview


HANDLERS = (list_messages, list_audit, list_settings, get_overview)
