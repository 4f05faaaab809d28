"""For tests of applications that use the network: a sandbox of their own in a second, whose clock they
move and whose devices send when they say so.

    with start_sandbox() as sandbox:
        device = sandbox.create_device()
        device.send("0102", confirmed=True)
        sandbox.clock.advance(hours=6)

`veldnet.testing.plugin` makes a fixture of it for pytest. Only the standard library is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .sandbox import ApiError, Clock, Device, Downlink, Sandbox, SandboxFailed, SentUplink, start_sandbox

__all__ = [
    "ApiError",
    "Clock",
    "Device",
    "Downlink",
    "Sandbox",
    "SandboxFailed",
    "SentUplink",
    "plugin",
    "start_sandbox",
]


def __getattr__(name: str) -> Any:
    # Every run of pytest loads this package, for its plugin.
    if name == "plugin" or name not in __all__:
        raise AttributeError(name)
    from . import sandbox

    return getattr(sandbox, name)
