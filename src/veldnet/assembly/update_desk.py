"""What each base station is to have by CUPS, and what it does not have yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.assembly.protocols import BASICS_STATION
from veldnet.domain.errors import BadRequest
from veldnet.gateways import Hub
from veldnet.gateways.basics_station import Asked, Credentials, Report, Segments, fits
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import Contact, NewCredentials, UpdateKind, Wanted
from veldnet.keys import Vault, labels
from veldnet.settings import Settings, SettingsError
from veldnet.store import Store

log = structlog.get_logger(__name__)


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
        vault: Vault,
        directory: BaseStations,
        clock: Callable[[], float],
        lns: LnsAddress,
        trust: bytes | None,
    ) -> None:
        self._store = store
        self._vault = vault
        self._directory = directory
        self._clock = clock
        self._lns = lns
        # The certificate that stations are given to trust, DER.
        self._trust = trust

    async def restore(self) -> None:
        """Nothing is kept."""

    async def write(self) -> None:
        """Note the updates whose tokens were used."""
        used = set(self._directory.used_updates)
        if used:
            at = round(self._clock() * 1000)
            await self._store.write(lambda c: base_stations.note_confirmed(c, sorted(used), at))
            self._directory.used_updates -= used

    async def answer(self, asked: Asked) -> Segments:
        ref = self._directory.ref(asked.station)
        if ref is None:
            # Removed just now.
            return Segments()
        wanted = await self._store.read(lambda c: base_stations.wanted(c, ref))
        uris, done = self._uris(asked, wanted)
        credentials, has_them = await self._credentials(asked, wanted.get("credentials"))
        report = asked.report
        cups, lns = (
            b"" if credentials is None or credentials.sum() == reported else credentials.segment()
            for reported in (report.cups_sum, report.lns_sum)
        )
        answer = Segments(uris.get("cupsUri", ""), uris.get("lnsUri", ""), cups, lns)
        handed = [update.ref for kind, update in wanted.items() if kind in uris]
        if cups or lns:
            handed += [update.ref for kind, update in wanted.items() if kind == "credentials"]
        elif has_them:
            done.append(wanted["credentials"].ref)
        now = round(self._clock() * 1000)
        contact = _contact(asked, now)

        def note(connection: Connection) -> None:
            base_stations.note_contact(connection, ref, contact)
            base_stations.note_fetched(connection, handed, now)
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

    async def _credentials(self, asked: Asked, order: Wanted | None) -> tuple[Credentials | None, bool]:
        """What the station is to prove itself with, where that is known; and whether it has just proven
        itself with the credentials that were ordered."""
        if self._trust is None:
            return None, False
        if order is not None and not order.confirmed and order.sealed is not None:
            key = await self._vault.unseal(labels.STATION_CREDENTIALS, order.sealed)
            return Credentials(self._trust, b"", key), base_stations.token_is(asked.proof.token, order)
        if asked.proof.token is None:
            return None, False
        # A token that is good here is good at the LNS.
        return Credentials(self._trust, b"", base_stations.key_file(asked.proof.token).encode()), False


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
        "certificate" if proof.certificate else "token" if proof.token else "none",
    )


def station_trust(settings: Settings) -> bytes | None:
    """The certificate that stations are given to trust, DER. Raises `SettingsError`."""
    name = settings.gateways.basics_station_trust
    if not name:
        return None
    try:
        found = x509.load_pem_x509_certificates(Path(name).read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"settings: gateways.basics_station_trust {name}: {error}") from None
    der = found[0].public_bytes(Encoding.DER)
    if len(found) != 1 or not fits(der):
        raise SettingsError(
            f"settings: gateways.basics_station_trust {name} must hold one certificate: Station keeps one"
        )
    return der


def update_desk(
    settings: Settings, hub: Hub, store: Store, vault: Vault, directory: BaseStations
) -> UpdateDesk:
    """The desk of a server. Raises `SettingsError`."""
    gateways = settings.gateways
    secure = bool(gateways.basics_station_certificate or settings.tls.certificate)
    lns = LnsAddress(gateways.basics_station_uri or None, secure, lambda: hub.port(BASICS_STATION))
    return UpdateDesk(store, vault, directory, hub.clock, lns, station_trust(settings))


async def new_credentials(settings: Settings, vault: Vault) -> NewCredentials:
    """A token for a base station to fetch. Raises `BadRequest` where the server does not know what base
    stations are to trust."""
    if station_trust(settings) is None:
        raise BadRequest("credentials need the setting gateways.basics_station_trust, which goes with them")
    token = base_stations.new_token()
    sealed = await vault.seal(labels.STATION_CREDENTIALS, base_stations.key_file(token).encode())
    return NewCredentials(token, sealed)
