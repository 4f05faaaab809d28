"""What each base station is to have by CUPS, and what it does not have yet."""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from sqlalchemy import Connection

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.assembly.certificate_authority import CredentialMaker
from veldnet.assembly.firmware_desk import FirmwareDesk
from veldnet.assembly.protocols import BASICS_STATION
from veldnet.gateways import Hub
from veldnet.gateways.basics_station import NO_CREDENTIALS, Asked, Credentials, Report, Segments, token_proof
from veldnet.inventory import audit, base_stations
from veldnet.inventory.base_stations import Contact, UpdateKind, Wanted
from veldnet.keys import Vault
from veldnet.lorawan import BaseStationId
from veldnet.settings import Settings
from veldnet.store import Store
from veldnet.texts import Plural, Text

log = structlog.get_logger(__name__)

# Seconds before a certificate of the internal authority expires; stations ask once a day.
RENEW_BEFORE = 30 * 86_400.0
# Seconds before a certificate expires that an alarm is raised: then nothing has renewed it.
WARN_BEFORE = 14 * 86_400.0


class LnsAddress(msgspec.Struct):
    """Where stations find the LNS, for those that have not been told: a URI, or the port beside the host that
    they have asked."""

    uri: str | None
    secure: bool
    port: Callable[[], int | None]

    def beside(self, host: str | None) -> str | None:
        port = self.port()
        if self.uri is not None or host is None or port is None:
            return self.uri
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return f"{'wss' if self.secure else 'ws'}://{name}:{port}"


class UpdateDesk:
    """Answers the questions of CUPS from the store; orders that are done are noted there. Serves as keeper of
    tokens that are used at the LNS."""

    def __init__(
        self,
        store: Store,
        directory: BaseStations,
        clock: Callable[[], float],
        lns: LnsAddress,
        maker: CredentialMaker,
        take_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._lns = lns
        self._maker = maker
        self._take_up = take_up
        self._firmware = FirmwareDesk(store, clock)

    async def restore(self) -> None:
        """Nothing is kept."""

    async def write(self) -> None:
        """Note the updates whose tokens were used."""
        used = set(self._directory.used_updates)
        if used:
            at = round(self._clock() * 1000)
            await self._store.write(lambda c: base_stations.note_confirmed(c, sorted(used), at))
            self._directory.used_updates -= used

    def problem(self) -> str | None:
        """What an operator must do something about: certificates that expire."""
        now = self._clock()
        self._maker.anchor.look()
        if self._maker.anchor.problem is not None:
            return self._maker.anchor.problem
        served = self._maker.anchor.expires_at
        if served is not None and served - now < WARN_BEFORE:
            return Text(
                "the certificate that base stations are served with expires on {date}", date=_date(served)
            )
        count = self._directory.expiring(now + WARN_BEFORE)
        if count:
            return Plural(
                "the certificate of {count} base station expires within 14 days, or has expired",
                "the certificates of {count} base stations expire within 14 days, or have expired",
                count=count,
            )
        return None

    async def answer(self, asked: Asked) -> Segments:
        ref = self._directory.ref(asked.station)
        if ref is None:
            # Removed just now.
            return Segments()
        wanted = await self._store.read(lambda c: base_stations.wanted(c, ref))
        if self._needs_certificate(asked, wanted.get("credentials")):
            await self._order_certificate(asked.station, ref)
            # The station may use it at once.
            await self._take_up()
            wanted = await self._store.read(lambda c: base_stations.wanted(c, ref))
        uris, done = self._uris(asked, wanted)
        credentials, has_them = await self._credentials(asked, wanted.get("credentials"))
        report = asked.report
        cups, lns = (
            b"" if credentials is None or credentials.sum() == reported else credentials.segment()
            for reported in (report.cups_sum, report.lns_sum)
        )
        now = round(self._clock() * 1000)
        # A station that is given another CUPS comes back at once.
        returns = bool(cups) or "cupsUri" in uris
        firmware = await self._firmware.judge(report, wanted.get("firmware"), now, holds=returns)
        done += firmware.done
        answer = Segments(
            uris.get("cupsUri", ""),
            uris.get("lnsUri", ""),
            cups,
            lns,
            firmware.signature,
            firmware.update,
        )
        handed = [update.ref for kind, update in wanted.items() if kind in uris]
        if cups or lns:
            handed += [update.ref for kind, update in wanted.items() if kind == "credentials"]
        elif has_them:
            done.append(wanted["credentials"].ref)
        contact = _contact(asked, now)

        def note(connection: Connection) -> None:
            base_stations.note_contact(connection, ref, contact)
            base_stations.note_fetched(connection, handed, now)
            firmware.note(connection, now)
            if done:
                base_stations.note_confirmed(connection, done, now)

        await self._store.write(note)
        log.info(
            "cups_answered",
            base_station=str(asked.station),
            package=report.package,
            handed_out=[name for name in Segments.__struct_fields__ if getattr(answer, name)],
        )
        return answer

    def _uris(self, asked: Asked, wanted: dict[UpdateKind, Wanted]) -> tuple[dict[str, str], list[int]]:
        """URIs that the station has not, by kind, and the orders of those that it has."""
        has = {"cupsUri": asked.report.cups_uri, "lnsUri": asked.report.lns_uri}
        missing: dict[str, str] = {}
        done: list[int] = []
        for kind, update in wanted.items():
            if kind not in has:
                continue
            if has[kind] == update.value:
                done.append(update.ref)
            else:
                missing[kind] = update.value
        if "lnsUri" not in wanted and has["lnsUri"] is None:
            uri = self._lns.beside(asked.host)
            if uri is not None:
                missing["lnsUri"] = uri
        return missing, done

    def _needs_certificate(self, asked: Asked, order: Wanted | None) -> bool:
        """Whether a station that proves itself by a certificate is to have another one: it has nothing for
        the LNS, or its certificate, which is ours, expires soon. A token can be handed out again, a private
        key not."""
        serial, authority = asked.proof.serial, self._directory.authority
        if serial is None or authority is None or self._maker.anchor.certificate(authority) is None:
            return False
        if order is not None and not order.confirmed:
            return False
        if asked.report.lns_sum == NO_CREDENTIALS:
            return True
        return self._directory.has_issued(serial) and asked.proof.expires_at - self._clock() < RENEW_BEFORE

    async def _order_certificate(self, station: BaseStationId, ref: int) -> None:
        fresh = await self._maker.make("certificate", self._directory.eui(station))

        def write(connection: Connection) -> None:
            base_stations.order_credentials(connection, ref, fresh, "CUPS")
            audit.note(
                connection, audit.Author("CUPS"), "baseStation.updateOrdered", f"baseStation {station}"
            )

        await self._store.write(write)

    async def _credentials(self, asked: Asked, order: Wanted | None) -> tuple[Credentials | None, bool]:
        """What the station is to prove itself with, where that is known; and whether it has just proven
        itself with the credentials that were ordered."""
        trust = self._maker.anchor.certificate(self._directory.authority)
        token, serial = asked.proof.token, asked.proof.serial
        if trust is None:
            return None, False
        if order is not None and not order.confirmed and order.sealed is not None:
            proof = await self._maker.open(order.sealed)
            return Credentials(trust, proof), base_stations.proves(token, serial, order)
        if token is None:
            return None, False
        # A token that is good here is good at the LNS.
        return Credentials(trust, token_proof(base_stations.key_file(token).encode())), False


def _date(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d")


def _contact(asked: Asked, at: int) -> Contact:
    report: Report = asked.report
    proof = asked.proof
    return Contact(
        str(asked.station),
        at,
        report.station,
        report.model,
        report.package,
        report.cups_uri,
        report.lns_uri,
        report.cups_sum,
        report.lns_sum,
        list(report.keys),
        "certificate" if proof.serial else "token" if proof.token else "none",
    )


def update_desk(
    settings: Settings,
    hub: Hub,
    store: Store,
    vault: Vault,
    directory: BaseStations,
    take_up: Callable[[], Awaitable[None]],
) -> UpdateDesk:
    """The desk of a server; `take_up` lets it see at once what was written. Raises `SettingsError`."""
    gateways = settings.gateways
    secure = bool(gateways.basics_station_certificate or settings.tls.certificate)
    lns = LnsAddress(gateways.basics_station_uri or None, secure, lambda: hub.port(BASICS_STATION))
    maker = CredentialMaker(settings, store, vault, hub.clock)
    return UpdateDesk(store, directory, hub.clock, lns, maker, take_up)
