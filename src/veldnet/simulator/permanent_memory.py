"""What a virtual device keeps when it is switched off: its DevNonce, which must always increase
(TS001-1.0.4 §6.2.5). One small file for each device."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import msgspec

from veldnet.lorawan import DevEui


class MemoryProblem(Exception):
    """The memory of a device cannot be read or written."""


class _Kept(msgspec.Struct, rename="camel"):
    dev_eui: str
    dev_nonce: int


def default_path(dev_eui: DevEui) -> Path:
    """Where programs of this platform keep state of their user, or temporary files where they may not."""
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME")
    try:
        folder = (Path(base) if base else Path.home() / ".local" / "state") / "veldnet" / "devices"
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except (OSError, RuntimeError):
        writable = False
    if not writable:
        folder = Path(tempfile.gettempdir()) / "veldnet-devices"
    return folder / f"{dev_eui}.json"


class PermanentMemory:
    """The memory of one device in a file. Raises `MemoryProblem` for one that is not its own, or broken."""

    def __init__(self, path: Path, dev_eui: DevEui) -> None:
        self._path = path
        self._dev_eui = str(dev_eui)
        self.dev_nonce = 0
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return
        except OSError as error:
            raise MemoryProblem(f"{path}: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise MemoryProblem(f"{path} is not the state of a virtual device; name another file") from None
        if kept.dev_eui != self._dev_eui:
            raise MemoryProblem(f"{path} is the state of device {kept.dev_eui}, not of {self._dev_eui}")
        if not 0 <= kept.dev_nonce <= 0xFFFF:
            raise MemoryProblem(f"{path}: devNonce {kept.dev_nonce} is not from 0 to 65535")
        self.dev_nonce = kept.dev_nonce

    def keep(self, dev_nonce: int) -> None:
        """Write a DevNonce down, before it is used. Raises `MemoryProblem`."""
        self.dev_nonce = dev_nonce
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(msgspec.json.encode(_Kept(self._dev_eui, dev_nonce)))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            raise MemoryProblem(
                f"the DevNonce cannot be kept in {self._path} ({error.strerror}): give another --state"
            ) from None
