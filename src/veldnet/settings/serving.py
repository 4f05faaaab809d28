"""Settings of what is served over HTTP: the API, TLS, the console."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .values import Address, Duration, about


class ApiSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The HTTP API."""

    http: Annotated[Address, about("Listen address for HTTP.")] = Address("127.0.0.1:8080")
    rate_limit: Annotated[float, about("Requests per second per project; 0 is unlimited.", ge=0)] = 10.0
    token_lifetime: Annotated[Duration, about("Lifetime of access tokens.")] = Duration(3600)
    jwt_tokens: Annotated[
        bool, about("Whether access tokens are JSON Web Tokens, for clients that read their claims.")
    ] = False
    hsm_required: Annotated[
        bool, about("Whether a device must name an HSM group, as KPN requires in version 1.2.")
    ] = True
    legacy_abp: Annotated[
        bool,
        about(
            "Whether api-version v1.1.1 and fleets as code may create ABP devices, which have no root key."
        ),
    ] = False
    max_body: Annotated[int, about("Largest request body in bytes.", ge=1024)] = 1_048_576
    renew_activations: Annotated[
        bool,
        about(
            "Whether projects must be activated again after a change of the password or role of their user."
        ),
    ] = True
    connections: Annotated[
        int,
        about(
            "Maximum number of connections, fewer if the system limits open files. If all are used, "
            "the connection that has been idle longest is closed.",
            ge=10,
        ),
    ] = 2000
    connections_per_address: Annotated[
        int,
        about("Maximum connections per client address (IPv6: per /64), except trusted proxies.", ge=1),
    ] = 100
    probe_connections: Annotated[
        int, about("Additional connections that serve only /healthz, /readyz and /metrics.", ge=1)
    ] = 32
    trusted_proxies: Annotated[
        tuple[str, ...],
        about(
            "Addresses or networks (10.0.0.0/24) of reverse proxies: their X-Forwarded-For and "
            "X-Forwarded-Proto are trusted, and their connections are not limited."
        ),
    ] = ("127.0.0.1", "::1")
    strict_transport_security: Annotated[
        str,
        about(
            "Header Strict-Transport-Security of all answers; empty sends none. KPN's has "
            "`max-age=31536000; includeSubDomains; preload`, which binds all hosts below this one, too.",
            pattern="^(max-age=[0-9]{1,10}(; includeSubDomains)?(; preload)?)?$",
        ),
    ] = "max-age=31536000"
    header_timeout: Annotated[Duration, about("Timeout for the header of a request.")] = Duration(10)
    request_timeout: Annotated[Duration, about("Timeout for the body of a request.")] = Duration(60)
    idle_timeout: Annotated[Duration, about("Timeout of idle connections.")] = Duration(65)
    write_timeout: Annotated[
        Duration,
        about("Close the connection of a client that reads a response slower than 1 KiB/s for this long."),
    ] = Duration(20)


class TlsSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """HTTPS on the address `api.http`."""

    certificate: Annotated[
        str,
        about(
            "File with the certificate and its chain in PEM form; empty serves HTTP. It is loaded again when "
            "it changes, and on SIGHUP."
        ),
    ] = ""
    key: Annotated[str, about("File with the private key in PEM form, closed to other users.")] = ""
    warn_before: Annotated[Duration, about("Raise an alarm so long before the certificate expires.")] = (
        Duration(14 * 86_400)
    )


class ConsoleSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The console in the browser."""

    session_idle: Annotated[Duration, about("Idle timeout of sessions.")] = Duration(3600)
    session_lifetime: Annotated[Duration, about("Maximum lifetime of sessions.")] = Duration(43_200)
    rate_limit: Annotated[float, about("Requests per second per user; 0 is unlimited.", ge=0)] = 50.0
    live_streams: Annotated[
        int, about("Maximum concurrent live streams of frames, over all users.", ge=1)
    ] = 200
    tiles: Annotated[
        str,
        about(
            "URL of map tiles, such as https://tiles.example/{z}/{x}/{y}.png; without it maps show "
            "built-in outlines and nothing is loaded from other hosts."
        ),
    ] = ""
    tiles_attribution: Annotated[str, about("Attribution shown on maps.")] = ""
    name: Annotated[
        str,
        about(
            "Name shown on the sign-in page, in the header, in page titles and before the subjects of mails.",
            pattern="^[^\\x00-\\x1f<>]{1,40}$",
        ),
    ] = "Veldnet"
    logo: Annotated[
        str,
        about("File with a logo: PNG, JPEG, WebP or SVG without scripts, 200 KB at most; empty shows ours."),
    ] = ""
    colour: Annotated[
        str,
        about(
            "Colour of buttons and links, such as #1f774d; white text on it must be readable (contrast 4.5).",
            pattern="^(#[0-9A-Fa-f]{6})?$",
        ),
    ] = ""
    decoder_time: Annotated[Duration, about("Time limit of a payload decoder per frame.")] = Duration(0.1)
    decoder_memory: Annotated[
        int, about("Memory limit of a payload decoder in bytes.", ge=1_000_000, le=256_000_000)
    ] = 16_000_000
    decoder_workers: Annotated[
        int,
        about("Processes that run payload decoders. One subscriber never occupies all of them.", ge=2, le=32),
    ] = 2
    decoder_queue: Annotated[
        int,
        about("Maximum queued decoder runs per subscriber; further ones get 429.", ge=1, le=1000),
    ] = 8
    decoder_source: Annotated[
        int,
        about("Maximum size of a payload decoder in characters.", ge=100_000, le=4_000_000),
    ] = 512_000
