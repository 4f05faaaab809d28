"""The certificate of Basics Station's port is loaded again when its files change."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from tests.certificates import Pair, write_pair
from veldnet.gateways.basics_station import StationCertificate, TlsFiles

_OFTEN = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += _OFTEN
        return self.now


def serial_of(loaded: StationCertificate) -> int:
    """The certificate that a new connection gets."""

    async def story() -> int:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0, ssl=loaded.context)
        port = server.sockets[0].getsockname()[1]
        text = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
        server.close()
        return hash(text)

    return asyncio.run(story())


def test_a_new_pair_of_files_is_used_by_new_connections(tmp_path: Path) -> None:
    pair = write_pair(tmp_path)
    loaded = StationCertificate(TlsFiles(str(pair.certificate), str(pair.key)), Clock())
    first = serial_of(loaded)
    assert serial_of(loaded) == first and loaded.reloads == 0
    write_pair(tmp_path)
    loaded.look()
    assert serial_of(loaded) != first and loaded.reloads == 1 and loaded.problem(0) is None


def test_the_handshake_looks_by_itself(tmp_path: Path) -> None:
    pair = write_pair(tmp_path)
    loaded = StationCertificate(TlsFiles(str(pair.certificate), str(pair.key)), Clock())
    serial_of(loaded)
    write_pair(tmp_path)
    serial_of(loaded)
    assert loaded.reloads == 1


def test_files_that_cannot_be_used_leave_the_last_pair(tmp_path: Path) -> None:
    pair = write_pair(tmp_path)
    loaded = StationCertificate(TlsFiles(str(pair.certificate), str(pair.key)), Clock())
    first = serial_of(loaded)
    for change in (_no_certificate, _other_key, _gone):
        change(tmp_path, pair)
        loaded.look()
        assert str(pair.certificate) in (loaded.problem(0) or "")
        assert serial_of(loaded) == first and loaded.reloads == 0
    write_pair(tmp_path)
    loaded.look()
    assert loaded.problem(0) is None and serial_of(loaded) != first


def _no_certificate(_folder: Path, pair: Pair) -> None:
    pair.certificate.write_text("nothing")


def _other_key(folder: Path, pair: Pair) -> None:
    (folder / "other").mkdir()
    pair.key.write_bytes(write_pair(folder / "other").key.read_bytes())


def _gone(_folder: Path, pair: Pair) -> None:
    pair.key.unlink()


def test_files_are_looked_at_now_and_then(tmp_path: Path) -> None:
    pair = write_pair(tmp_path)
    now = [0.0]
    loaded = StationCertificate(TlsFiles(str(pair.certificate), str(pair.key)), lambda: now[0])
    write_pair(tmp_path)
    loaded.look()
    assert loaded.reloads == 0
    now[0] = 11.0
    loaded.look()
    assert loaded.reloads == 1
