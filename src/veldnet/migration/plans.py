"""Connectivity plans for what other network servers set for each kind of device."""

from __future__ import annotations

from veldnet.domain.documents import PlanSettings

from .model import Plan

MOST_STATUS_REQUESTS = 1440
"""A day."""


def plan_of(server: str, *, status_requests: int, class_b: bool, rx1_delay: int = 0) -> Plan:
    """A plan that limits no device; kinds of devices that agree share one. `server` is the name of the other
    network server, `status_requests` are those a day, `rx1_delay` is in seconds, 0 for the usual one."""
    settings = PlanSettings(
        deviceStatusRequestFrequency=status_requests,
        reportDeviceBatteryLevel=bool(status_requests),
        reportDeviceMargin=bool(status_requests),
        uplinkRate=0,
        downlinkRate=0,
        downlinkSentIndication=True,
        allowClassB=class_b,
        minRx1Delay=rx1_delay or None,
    )
    parts = (
        f"status-{status_requests}" if status_requests else "",
        "class-b" if class_b else "",
        f"rx1-{rx1_delay}" if rx1_delay else "",
    )
    key = "-".join(filter(None, parts)) or "standard"
    return Plan(f"{_PREFIXES[server]}/{key}", f"{server} {key}", settings)


_PREFIXES = {"ChirpStack": "chirpstack", "The Things Stack": "tts"}
