"""State of the operator's network: undelivered messages, audit log, settings, overview."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet import __version__
from veldnet.api.errors import language_of
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.api.v1.deliveries import UndeliveredFilter, UndeliveredMessage
from veldnet.api.v1.monitoring import AuditPart
from veldnet.api.v1.overview import Waiting
from veldnet.asgi import Request
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import accounts, audit
from veldnet.inventory.audit import AuditEntry
from veldnet.monitoring.alarms import listing
from veldnet.routing import UndeliveredQuery, Whose, count_undelivered, list_undelivered, waiting_destinations
from veldnet.settings import describe
from veldnet.texts import Text, in_language

_MOST = 1000
# Sections whose values say where secrets lie.
_PRIVATE = frozenset({"keys", "mail", "sign_in", "store", "tls"})


class SettingView(msgspec.Struct):
    """A setting of the server. Values of the sections `keys`, `mail`, `sign_in`, `store` and `tls` are not
    shown."""

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
    disconnected: int
    baseStations: int
    connected: int
    unknownBaseStations: int
    baseStationAlarms: list[listing.BaseStationAlarm]
    moduleAlarms: list[listing.ModuleAlarm]
    undelivered: int
    # Application servers that keep messages of subscribers waiting.
    destinations: list[Waiting]
    problems: list[str]
    liveStreams: int
    eventLoopLag: float
    version: str


@OPERATOR.get("/undelivered", "listNetworkUndelivered", "Operator", "Undelivered messages of all customers.")
async def list_messages(
    request: Request,
    services: Services,
    operator: OperatorScope,
    query: UndeliveredFilter,
) -> list[UndeliveredMessage]:
    """Messages that no application server took, of all the operator's customers."""
    language = language_of(request)
    listed = await services.read(
        lambda c: list_undelivered(
            c,
            UndeliveredQuery(query.start, query.end, query.limit, query.includePending or query.pending),
            Whose(operator_ref=operator.operator_ref),
            language=language,
        )
    )
    return [UndeliveredMessage.of(item) for item in listed]


@OPERATOR.get("/audit", "listNetworkAudit", "Operator", "Who changed what.")
async def list_audit(services: Services, operator: OperatorScope, query: AuditPart) -> list[AuditEntry]:
    """Who changed what, the newest first; `before` is a time, ISO 8601."""
    return await services.read(
        lambda c: audit.list_entries(c, None, query.limit, query.before, operator.operator_ref)
    )


@OPERATOR.get("/settings", "listSettings", "Operator", "Effective settings of the server.")
async def list_settings(request: Request, services: Services) -> list[SettingView]:
    """The settings the server runs with; they are changed in its settings file."""
    current = services.platform.settings
    language = language_of(request)
    shown = []
    for setting in describe():
        value = None
        if setting.section not in _PRIVATE:
            of = getattr(current, setting.section) if setting.section else current
            value = str(getattr(of, setting.name))
        shown.append(
            SettingView(
                section=setting.section,
                name=setting.name,
                value=value,
                default=setting.default,
                help=in_language(Text(setting.help), language),
                environment=setting.environment,
            )
        )
    return shown


@OPERATOR.get("/overview", "getNetworkOverview", "Operator", "How the network is.")
async def get_overview(request: Request, services: Services, operator: OperatorScope) -> NetworkOverview:
    platform = services.platform
    now, language = platform.clock(), language_of(request)

    def read(connection: Connection) -> NetworkOverview:
        customers = accounts.list_subscribers(connection, operator.operator_ref)
        own = {
            f"{int(identifier):08X}": identifier
            for identifier, station in platform.base_stations.all()
            if station.operator_ref == operator.operator_ref
        }
        alarms = listing.list_base_station_alarms(connection, cleared=False)
        own_messages = Whose(operator_ref=operator.operator_ref)
        return NetworkOverview(
            subscribers=len(customers),
            devices=sum(customer.devices for customer in customers),
            disconnected=sum(customer.disconnected for customer in customers),
            baseStations=len(own),
            connected=sum(
                1
                for identifier in own.values()
                if (seen := platform.sights.seen_at(identifier)) is not None and now - seen < 60
            ),
            unknownBaseStations=len(platform.presence.unknown),
            baseStationAlarms=[alarm for alarm in alarms if alarm.baseStationId in own],
            moduleAlarms=listing.list_module_alarms(connection, cleared=False),
            undelivered=count_undelivered(connection, own_messages, _MOST),
            destinations=[
                Waiting.of(found)
                for found in waiting_destinations(
                    connection, own_messages, int(now * 1000), most=_MOST, language=language
                )
            ],
            problems=[],
            liveStreams=platform.feeds.readers,
            eventLoopLag=round(platform.loop_lag.seconds, 4),
            version=__version__,
        )

    overview = await services.read(read)
    overview.problems = [in_language(each, language) for each in await platform.problems()]
    for alarm in overview.moduleAlarms:
        alarm.additionalInfos = [in_language(each, language) for each in alarm.additionalInfos]
    return overview
