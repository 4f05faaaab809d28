"""The list of devices on the paths of ThingPark's OSS: its filters, orders and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import msgspec
from sqlalchemy import Connection

from veldnet.api.auth.bearer import SESSION_PARAMETER
from veldnet.api.kpn.monitoring import health_statistics
from veldnet.api.query import Parameter, dev_eui, refuse_others
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import HealthState, VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.inventory.devices import AlarmLevel, Order, Paging, Wanted
from veldnet.monitoring.observed import observed_at, standing

from .devices import AS_SUFFIX, PATH, Names, OssDevice, names_of, shown
from .shapes import FirstPage, listed, now_ms

_MOST_PAGE = 5000
# Devices that are looked at one by one for what no index has.
_MOST_LOOKED_AT = 20_000
_BATCH = 500
# Ascending and descending.
_ORDERS: dict[str, tuple[Order, Order]] = {
    "name": ("name", "-name"),
    "EUI": ("deviceEUI", "-deviceEUI"),
    "creationDate": ("created", "-created"),
    "lastUpTimestamp": ("lastUplink", "-lastUplink"),
    "lastMeanPER": ("meanPER", "-meanPER"),
}
_ALARM_LEVELS: dict[int, AlarmLevel] = {1: "ANY", 3: "WARNING", 4: "MINOR", 5: "MAJOR", 6: "CRITICAL"}
# Any plan, and none, by their names in new and old versions.
_ANY_PLAN = ("_any", "_CP")
_NO_PLAN = ("_unset", "_NOCP")


class Cursors(msgspec.Struct):
    """Where the next page begins: `pageAfter`."""

    last: str


class OssDevices(msgspec.Struct, omit_defaults=True):
    """A page of devices; `count` is how many there are in all, up to 10,000 where filters are given."""

    briefs: list[OssDevice]
    more: bool
    now: int
    count: int | None = None
    cursors: Cursors | None = None


class HealthCount(msgspec.Struct):
    healthState: HealthState
    count: int


class Counters(msgspec.Struct):
    """Devices by health."""

    briefs: list[HealthCount]
    totalCount: int


def _order(text: str, name: str) -> Order:
    attribute, _comma, way = text.partition(",")
    both = _ORDERS.get(attribute)
    if both is None or way not in ("", "asc", "desc"):
        raise InvalidField(
            "{name} {value!r} must be one of {known}, and ,asc or ,desc",
            name=name,
            value=text[:40],
            known=", ".join(_ORDERS),
        )
    return both[way == "desc"]


def _level(text: str, name: str) -> AlarmLevel:
    found = _ALARM_LEVELS.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 4 else None
    if found is None:
        raise InvalidField(
            "{name} {value!r} must be one of {known}", name=name, value=text[:40], known="1, 3, 4, 5, 6"
        )
    return found


def _number(text: str, name: str) -> float:
    try:
        found = float(text[:20])
    except ValueError:
        found = float("nan")
    if not -1000 <= found <= 1000:
        raise InvalidField("{name} {value!r} must be a number of dBm or dB", name=name, value=text[:40])
    return found


class OssFilter(msgspec.Struct, frozen=True):
    """Which devices, in which order, and which page of them."""

    devEUI: Annotated[tuple[str, ...], Parameter("Only devices with these DevEUIs.", read=listed)] = ()
    name: Annotated[str | None, Parameter("How their names begin.")] = None
    query: Annotated[str | None, Parameter("Part of name or DevEUI.")] = None
    healthState: Annotated[HealthState | None, Parameter("Only devices in this state.")] = None
    networkSubscriptionID: Annotated[
        str | None, Parameter("Only devices of this plan; _any and _unset: of any, of none.")
    ] = None
    connectivityPlan: Annotated[str | None, Parameter("The same; _CP and _NOCP: of any, of none.")] = None
    appServerID: Annotated[str | None, Parameter("Only devices of this application server.")] = None
    alarmLevel: Annotated[
        AlarmLevel | None, Parameter("Only devices with an alarm of at least this level.", read=_level)
    ] = None
    tag: Annotated[str | None, Parameter("Only devices with this tag.")] = None
    batteryLevel: Annotated[
        int | None, Parameter("Only devices whose battery has this level (1 to 254) or less.", most=255)
    ] = None
    infRSSI: Annotated[float | None, Parameter("Only with a mean RSSI below, in dBm.", read=_number)] = None
    infSNR: Annotated[float | None, Parameter("Only with a mean SNR below, in dB.", read=_number)] = None
    supSNR: Annotated[float | None, Parameter("Only with a mean SNR above, in dB.", read=_number)] = None
    connectivity: Annotated[
        Literal["LORAWAN", "CELLULAR"] | None, Parameter("This network has LORAWAN alone.")
    ] = None
    sort: Annotated[Order, Parameter("Attribute and ,asc or ,desc.", read=_order)] = "created"
    pageIndex: FirstPage = 1
    pageSize: Annotated[int, Parameter("Devices of a page.", least=1, most=_MOST_PAGE)] = 100
    pageAfter: Annotated[int | None, Parameter("Cursor of the page before.", most=(1 << 63) - 1)] = None

    @property
    def plan(self) -> str | None:
        return self.networkSubscriptionID or self.connectivityPlan

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            text=self.query,
            name=self.name,
            health=self.healthState,
            plan_id=None if self.plan in (*_ANY_PLAN, *_NO_PLAN) else self.plan,
            routing_profile_id=None if self.appServerID is None else self.appServerID.removesuffix(AS_SUFFIX),
            tag=self.tag,
            alarm=self.alarmLevel,
            dev_euis=tuple(dev_eui(each, "").upper() for each in self.devEUI),
        )

    @property
    def checks(self) -> list[Callable[[OssDevice], bool]]:
        """What is asked of each device that the indexes find."""
        found: list[Callable[[OssDevice], bool]] = []
        battery, rssi, low, high = self.batteryLevel, self.infRSSI, self.infSNR, self.supSNR
        if self.plan in _ANY_PLAN:
            found.append(lambda each: each.networkSubscription is not None)
        if self.plan in _NO_PLAN:
            found.append(lambda each: each.networkSubscription is None)
        if battery is not None:
            # 0 is external power, 255 unknown.
            found.append(lambda each: 1 <= (each.lastBatLevel or 0) <= min(battery, 254))
        if rssi is not None:
            found.append(lambda each: each.avgRSSI is not None and each.avgRSSI < rssi)
        if low is not None:
            found.append(lambda each: each.avgSNR is not None and each.avgSNR < low)
        if high is not None:
            found.append(lambda each: each.avgSNR is not None and each.avgSNR > high)
        return found


@OSS.get(PATH)
async def list_devices(request: Request, services: Services, scope: Scope, query: OssFilter) -> OssDevices:
    """A page of the subscriber's devices, by its number, or with `pageAfter` the page behind a cursor in the
    order in which devices were created."""
    refuse_others(request, OssFilter, "language", SESSION_PARAMETER)
    now = now_ms(services)
    if query.connectivity == "CELLULAR":
        return OssDevices([], False, now, 0)
    listing = _Listing(services, scope, query, now)
    return await services.read(listing.checked if query.checks else listing.page)


class _Listing:
    def __init__(self, services: Services, scope: Scope, query: OssFilter, now: int) -> None:
        self._scope = scope
        self._query = query
        self._now = now
        self._observed = observed_at(services.platform.clock())

    def page(self, connection: Connection) -> OssDevices:
        query, scope = self._query, self._scope
        names = names_of(connection, scope)
        if query.pageAfter is not None:
            size = query.pageSize
            behind = devices.devices_after(
                connection, scope, query.wanted, query.pageAfter, size + 1, self._observed
            )
            return self._answer(names, behind[:size], len(behind) > size, None)
        paging = Paging(query.sort, query.pageIndex, query.pageSize)
        found = devices.search_devices(connection, scope, query.wanted, paging, self._observed, standing)
        return self._answer(names, found.devices, found.total > paging.offset + paging.size, found.total)

    def _answer(self, names: Names, found: list[VeldnetDevice], more: bool, count: int | None) -> OssDevices:
        last = Cursors(str(found[-1].ref)) if found and self._query.sort == "created" else None
        return OssDevices([shown(each, names) for each in found], more, self._now, count, last)

    def checked(self, connection: Connection) -> OssDevices:
        """The same where each device is looked at. Raises `InvalidField` where these are too many."""
        query = self._query
        if query.sort not in ("created", "-created"):
            raise InvalidField(
                "sort must be creationDate with batteryLevel, infRSSI, infSNR, supSNR, _any or _unset"
            )
        fitting = [each for each in self._all(connection) if all(check(each) for check in query.checks)]
        if query.sort == "-created":
            fitting.reverse()
        offset = (query.pageIndex - 1) * query.pageSize if query.pageAfter is None else 0
        part = fitting[offset : offset + query.pageSize]
        last = Cursors(part[-1].uid) if part and query.sort == "created" else None
        count = len(fitting) if query.pageAfter is None else None
        return OssDevices(part, len(fitting) > offset + query.pageSize, self._now, count, last)

    def _all(self, connection: Connection) -> Iterator[OssDevice]:
        names = names_of(connection, self._scope)
        after, looked_at = self._query.pageAfter or 0, 0
        while True:
            page = devices.devices_after(
                connection, self._scope, self._query.wanted, after, _BATCH, self._observed
            )
            yield from (shown(each, names) for each in page)
            looked_at += len(page)
            if len(page) < _BATCH:
                return
            if looked_at >= _MOST_LOOKED_AT:
                raise InvalidField(
                    "batteryLevel, infRSSI, infSNR, supSNR, _any and _unset narrow {most} devices at most; "
                    "add another filter",
                    most=_MOST_LOOKED_AT,
                )
            after = int(str(page[-1].ref))


@OSS.get(f"{PATH}/counters")
async def count_devices(services: Services, scope: Scope) -> Counters:
    """How many devices are in which state of health."""
    counted = await health_statistics(services, scope)
    briefs = [
        HealthCount("INIT", counted.initCount),
        HealthCount("ACTIVE", counted.activeCount),
        HealthCount("RF_CNX_ERROR", counted.rfConnectionErrorCount),
    ]
    return Counters(briefs, counted.totalCount)
