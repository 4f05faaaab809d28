"""Files of makers whose forwarder is their own. The others have Semtech's, or a form that asks for the same
figures."""

from __future__ import annotations

from .toml import as_toml
from .wanted import ConfigurationFile, Wanted


def kerlink_files(wanted: Wanted) -> list[ConfigurationFile]:
    """Kerlink's `lorafwd.toml`; the channels stay those of its `lorad`."""
    return [
        ConfigurationFile(
            "lorafwd.toml",
            as_toml(
                {
                    "filter": {"crc.valid": True, "crc.invalid": False, "crc.none": False},
                    "gwmp": {
                        "node": wanted.server,
                        "service.uplink": wanted.udp_port,
                        "service.downlink": wanted.udp_port,
                        "heartbeat": 10,
                        "statistics": 30,
                    },
                }
            ),
        )
    ]
