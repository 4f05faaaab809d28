"""The internal certificate authority, whose key the vault keeps, and what base stations are given to
trust."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from veldnet.domain.errors import BadRequest
from veldnet.gateways.basics_station import fits, token_proof
from veldnet.inventory import base_stations, certificates
from veldnet.inventory.base_stations import NewCredentials
from veldnet.inventory.certificates import Signer
from veldnet.keys import Vault, labels
from veldnet.settings import Settings, SettingsError
from veldnet.store import Store
from veldnet.texts import Text

if TYPE_CHECKING:
    # Loaded by who makes or reads a certificate: its names and tables take a thirtieth of a start.
    from cryptography import x509


log = structlog.get_logger(__name__)

CredentialKind = Literal["token", "certificate"]
# Seconds between two looks at the files.
_LOOK_EVERY = 10.0


async def create_authority(
    store: Store, vault: Vault, name: str, days: int, by: str, *, now: float
) -> certificates.Issued:
    """Make an authority that issues from now on. Raises `InvalidField`."""
    made = certificates.new_authority(name, days, now)
    sealed = await vault.seal(labels.AUTHORITY_KEY, made.key)
    await store.write(lambda c: certificates.add_authority(c, name, made, sealed, by))
    return made


async def open_signer(store: Store, vault: Vault) -> Signer:
    """The authority that issues. Raises `BadRequest` where there is none."""
    found = await store.read(certificates.list_authorities)
    if not found:
        raise BadRequest("there is no certificate authority; create one with `veldnet admin ca create NAME`")
    return await _opened(vault, found[0])


async def _opened(vault: Vault, authority: certificates.Authority) -> Signer:
    key = await vault.unseal(labels.AUTHORITY_KEY, authority.sealed_key)
    return Signer(authority.ref, authority.certificate, key)


async def revocation_lists(store: Store, vault: Vault, days: int, now: float) -> str:
    """What all authorities have taken back, for those who check certificates themselves, as brokers do: a
    list of each, PEM. Raises `BadRequest` where there is no authority."""
    found = await store.read(certificates.list_authorities)
    if not found:
        raise BadRequest("there is no certificate authority; create one with `veldnet admin ca create NAME`")
    lists = []
    for authority in found:
        signer = await _opened(vault, authority)
        of_it = partial(certificates.list_revoked, authority_ref=signer.ref, now=int(now * 1000))
        revoked = await store.read(of_it)
        lists.append(certificates.revocation_list(signer, revoked, days, now))
    return "".join(lists)


class TrustAnchor:
    """The one certificate that base stations are given to trust: the one of the settings, or else the
    internal authority's where it has issued the certificate that they are served with. Files that change are
    read again; while they do not fit each other, none is given. Raises `SettingsError` at the start."""

    def __init__(self, settings: Settings) -> None:
        gateways = settings.gateways
        self._served = gateways.basics_station_certificate or settings.tls.certificate
        self._trust = gateways.basics_station_trust
        self._own = bool(gateways.basics_station_certificate)
        self._chain: list[x509.Certificate] = []
        self._configured: bytes | None = None
        self.problem: str | None = None
        self._stamp = self._read_stamp()
        self._looked_at = monotonic()
        self._load()

    def _read_stamp(self) -> tuple[object, ...]:
        files = [Path(name) for name in (self._served, self._trust) if name]
        return tuple((found.st_ino, found.st_mtime_ns) for each in files if (found := _status(each)))

    def look(self) -> None:
        """Take up files that have changed."""
        now = monotonic()
        if now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._load()
        except SettingsError as error:
            self._configured, self._chain = None, []
            self.problem = error.args[0]
            log.warning("station_trust_problem", problem=self.problem)
        else:
            self.problem = None
            log.info("station_trust_loaded")

    def _load(self) -> None:
        served = self._served
        self._chain = _read(served, "the certificate for Basics Station") if served else []
        name = self._trust
        if not name:
            return
        found = _read(name, "gateways.basics_station_trust")
        der = found[0].public_bytes(Encoding.DER)
        if len(found) != 1 or not fits(der):
            raise SettingsError(
                Text(
                    "settings: gateways.basics_station_trust {name} must hold one certificate: "
                    "Station keeps one",
                    name=str(name),
                )
            )
        if self._chain and not self._vouched_for(found[0]):
            raise SettingsError(
                Text(
                    "settings: gateways.basics_station_trust {name} has not signed {served}: base stations "
                    "that trust it would not connect any more",
                    name=str(name),
                    served=str(served),
                )
            )
        self._configured = der

    def certificate(self, authority: bytes | None) -> bytes | None:
        """DER; None where it is not known. `authority` is the internal one."""
        self.look()
        if self._configured is not None or authority is None or not self._chain:
            return self._configured
        from cryptography import x509

        return authority if self._vouched_for(x509.load_der_x509_certificate(authority)) else None

    @property
    def expires_at(self) -> float | None:
        """When the certificate for Basics Station expires, Unix seconds; that of HTTPS is watched
        elsewhere."""
        return self._chain[0].not_valid_after_utc.timestamp() if self._chain and self._own else None

    def _vouched_for(self, anchor: x509.Certificate) -> bool:
        return any(each == anchor or _issued_by(each, anchor) for each in self._chain)


def _status(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


def _issued_by(certificate: x509.Certificate, anchor: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(anchor)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _read(name: str, what: str) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(Path(name).read_bytes())
    except (OSError, ValueError) as error:
        words = Text(
            "settings: {what} {name} cannot be used: {error}", what=what, name=str(name), error=str(error)
        )
        raise SettingsError(words) from None


class CredentialMaker:
    """Makes credentials for base stations to fetch."""

    def __init__(self, settings: Settings, store: Store, vault: Vault, clock: Callable[[], float]) -> None:
        self.anchor = TrustAnchor(settings)
        self._store = store
        self._vault = vault
        self._clock = clock
        self._signer: Signer | None = None
        self._checked = False

    async def make(self, kind: CredentialKind, eui: str) -> NewCredentials:
        """Raises `BadRequest` where the server does not know what base stations are to trust, or has no
        authority."""
        if not self._checked:
            found = await self._store.read(certificates.list_authorities)
            if self.anchor.certificate(found[0].certificate if found else None) is None:
                raise BadRequest(
                    "credentials go with what base stations are to trust: set gateways.basics_station_trust, "
                    "or serve them with a certificate of the internal authority"
                )
            self._checked = True
        if kind == "token":
            token = base_stations.new_token()
            line = base_stations.key_file(token).encode()
            return NewCredentials(
                await self._vault.seal(labels.STATION_CREDENTIALS, token_proof(line)), token
            )
        if self._signer is None:
            self._signer = await open_signer(self._store, self._vault)
        made = certificates.issue_to_station(self._signer, eui, certificates.STATION_DAYS, self._clock())
        sealed = await self._vault.seal(labels.STATION_CREDENTIALS, made.certificate + made.key)
        return NewCredentials(sealed, authority_ref=self._signer.ref, issued=made)

    async def open(self, sealed: bytes) -> bytes:
        """What a base station is to prove itself with, as it stands in a segment."""
        return await self._vault.unseal(labels.STATION_CREDENTIALS, sealed)
