"""Dependencies of the handlers."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import structlog
from cryptography.fernet import Fernet
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.assembly.platform import Platform
from veldnet.assembly.station_desk import StationDesk
from veldnet.console import Branding
from veldnet.domain.scope import OperatorScope, Scope
from veldnet.inventory import audit
from veldnet.inventory import branding as brandings
from veldnet.inventory.devices import NewDevice
from veldnet.keys import VaultError
from veldnet.monitoring import Mailer
from veldnet.openid import OpenIdClient
from veldnet.passkeys import Challenges, relying_party
from veldnet.settings import ApiSettings
from veldnet.store import Conflict, StoreError

from .auth.guessing import SecretChecks
from .auth.sessions import SessionCache
from .auth.tokens import TokenCache
from .dry_runs import DryRuns
from .errors import note_written
from .group_vaults import GroupVaults, SealedKey
from .rate_limit import RateLimiter
from .shared_limits import SharedLimits

if TYPE_CHECKING:
    from .metrics import Metrics

T = TypeVar("T")

log = structlog.get_logger(__name__)

# Seconds until it is seen that another process has taken back a token or ended a session.
_SEEN_WITHIN, _SEEN_AT_ALL_NODES_WITHIN = 2.0, 1.0
# Subject of messages between nodes, with digests of challenges that were taken and when they expire.
_CHALLENGES = "challenges"
_TAKEN = msgspec.msgpack.Decoder(tuple[bytes, float])
# Seconds for which name, logo and colour are not read again.
_BRANDING_AGE = 5.0


class Services:
    """The platform as the API uses it."""

    def __init__(self, platform: Platform, branding: Branding) -> None:
        self._settled = self._branding = branding
        self._branding_until = 0.0
        self.platform = platform
        self.settings: ApiSettings = platform.settings.api
        seen_within = _SEEN_WITHIN if platform.bus is None else _SEEN_AT_ALL_NODES_WITHIN
        self.group_vaults = GroupVaults(self.read)
        self.tokens = TokenCache(platform.store, seen_within)
        self.requests = RateLimiter(self.settings.rate_limit)
        console = platform.settings.console
        self.sessions = SessionCache(platform.store, console.session_idle, seen_within)
        self.console_requests = RateLimiter(console.rate_limit, burst=max(round(console.rate_limit * 4), 1))
        self.secrets = SecretChecks()
        self.dry_runs = DryRuns(platform.node_calls)
        self.station_desk = StationDesk(platform.stations.remote, platform.holder, platform.node_calls)
        # Test deliveries, for each subscriber.
        self.trials = RateLimiter(20 / 60, burst=20)
        # Links that set a password, for each address and each name they are asked for.
        self.reset_origins = RateLimiter(1 / 30, burst=10)
        self.reset_names = RateLimiter(1 / 1200, burst=3)
        # Codes of second factors, for each user: six digits are soon guessed.
        self.codes = RateLimiter(1 / 300, burst=5)
        self.openid = OpenIdClient(platform.clock)
        # Seals what a browser carries to an identity provider and back; attempts end with the process, or the
        # last of several.
        secret = platform.shared_secret
        self.attempts = Fernet(Fernet.generate_key() if secret is None else base64.urlsafe_b64encode(secret))
        self.challenges = Challenges(platform.clock, secret)
        # Passkeys belong to the public address of the server; None where browsers do not allow them for it.
        self.relying_party = relying_party(platform.settings.sign_in.url)
        # Links that are opened.
        self.link_origins = RateLimiter(1 / 5, burst=60)
        # Invitations of a subscriber: mail goes to addresses that its administrators type.
        self.invitations = RateLimiter(1 / 60, burst=50)
        self._join_nodes()

    @cached_property
    def metrics(self) -> Metrics:
        """Loaded when first asked for."""
        from .metrics import Metrics

        return Metrics(self.platform)

    def _join_nodes(self) -> None:
        """Have limits count, and readers hear, over all nodes."""
        bus = self.platform.bus
        if bus is None:
            return
        SharedLimits(
            bus,
            {
                "requests": self.requests,
                "console": self.console_requests,
                "names": self.secrets.names,
                "addresses": self.secrets.addresses,
                "trials": self.trials,
                "reset origins": self.reset_origins,
                "reset names": self.reset_names,
                "codes": self.codes,
                "link origins": self.link_origins,
                "invitations": self.invitations,
            },
        )

        def tell(digest: bytes, expires: float) -> None:
            bus.announce(_CHALLENGES, msgspec.msgpack.encode((digest, expires)))

        def told(_node: str, payload: bytes) -> None:
            self.challenges.taken_elsewhere(*_TAKEN.decode(payload))

        self.challenges.on_taken = tell
        bus.on(_CHALLENGES, told)

    @property
    def mailer(self) -> Mailer | None:
        """The way of links to people; None without a mail server, or where the address that links lead to is
        not set: it is never taken from a request, whose sender chooses it."""
        return self.platform.monitoring.mailer if self.platform.settings.sign_in.url else None

    async def branding(self) -> Branding:
        """How the server presents itself; read every few seconds, for other processes change it too."""
        if time.monotonic() >= self._branding_until:
            try:
                stored = await self.read(brandings.read_branding)
            except StoreError as error:
                log.warning("branding_unread", error=str(error))
                return self._branding
            self._branding_until = time.monotonic() + _BRANDING_AGE
            own = self._settled
            if stored is None:
                self._branding = own
            elif stored.logo is None:
                self._branding = Branding(stored.name, stored.colour, own.logo, own.logo_type)
            else:
                self._branding = Branding(stored.name, stored.colour, stored.logo, stored.logo_type)
        return self._branding

    def forget_branding(self) -> None:
        """Read it again for the next who asks."""
        self._branding_until = 0.0

    async def seal_app_key(self, scope: Scope, new: NewDevice) -> SealedKey:
        """The AppKey of a new device as the vault of its HSM group seals it, the default one without a group;
        personalised devices have none."""
        if new.app_key is None:
            return SealedKey(None)
        group = new.body.hsmGroupId
        if group is UNSET:
            return SealedKey(await self.platform.vault.of("").import_app_key(new.dev_eui, new.app_key))
        name = await self.group_vaults.name(scope, group)
        try:
            octets = await self.platform.vault.of(name).import_app_key(new.dev_eui, new.app_key)
        except VaultError:
            # Perhaps it is not the group's any more.
            self.group_vaults.forget(scope, group)
            raise
        return SealedKey(octets, partial(self.group_vaults.check, scope, group, name))

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self.platform.store.read(query)

    def forget_callers(self) -> None:
        """Read sessions and tokens again: what they may do, or whose they are, has changed."""
        self.sessions.forget()
        self.tokens.forget()

    async def change(
        self,
        change: Callable[[Connection], T],
        *,
        by: Scope | OperatorScope,
        action: str,
        what: str = "",
        details: Any = None,
    ) -> T:
        """Carry out a change, write down who made it, and let the network take it up before the answer goes
        out. `what` names what is changed; without it the result of a creation does."""

        def audited(connection: Connection) -> T:
            result = change(connection)
            named = what or f"{type(result).__name__.lower()} {getattr(result, 'ref', '')}".strip()
            _note(connection, by, action, named, details)
            return result

        result = await self.write(audited)
        await self.take_up()
        return result

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Carry out a change in a transaction of its own."""
        try:
            result = await self.platform.store.write(change)
        except Conflict:
            # Somebody has written the same since the change looked. Now it finds that, and says so.
            result = await self.platform.store.write(change)
        note_written()
        return result

    async def take_up(self) -> None:
        """Let the network take up what was written. It does so by itself within a second, so a failure does
        not make a change that is durable look like one that was not made."""
        try:
            await self.platform.take_up()
        except StoreError as error:
            log.warning("changes_delayed", error=str(error))

    def note_within(
        self, connection: Connection, by: Scope | OperatorScope, action: str, what: str, details: Any = None
    ) -> None:
        """Write down who made a change, in its transaction."""
        _note(connection, by, action, what, details)

    async def note(self, by: Scope | OperatorScope, action: str, what: str) -> None:
        """Write down something that was done in the network itself."""
        await self.write(lambda c: _note(c, by, action, what))


def _note(
    connection: Connection, by: Scope | OperatorScope, action: str, what: str, details: Any = None
) -> None:
    subscriber = by.subscriber_ref if isinstance(by, Scope) else None
    audit.note(connection, audit.Author(by.display_name, subscriber, by.operator_ref), action, what, details)
