"""A week of failures: everybody is warned about who should be, and nobody else.

`make simulation` runs it with twice as many devices, and with 2,000.
"""

from __future__ import annotations

import os
from pathlib import Path

from veldnet.monitoring.alarms.types import BASE_STATION_TYPES, DEVICE_TYPES, OF_FRAMES
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import Week

# One for each failure, three in the village, and as many that nothing befalls.
DEVICES = 41 if "VELDNET_SIMULATION_SEEDS" in os.environ else 21


def test_a_week_of_failures(tmp_path: Path) -> None:
    async def story() -> None:
        week = Week(tmp_path / "data", 1, 1, 4, village=DEVICES // 2)
        await week.build_week(DEVICES, lambda _done: None)
        await week.live(7.0, lambda _now: None)
        await week.check_at_rest()
        result = await week.result(7.0)
        await week.close()
        assert result.servers_killed >= 5 and result.uplinks > 2700 * DEVICES // 41
        assert result.surprises() == []
        assert result.health == {"INIT": 1, "ACTIVE": DEVICES - 2, "RF_CNX_ERROR": 1}
        # The operator hears of the base station that failed, of its return, and of those that hear forged
        # frames; the customer once of what is behind the silence of the village.
        subjects = [s for s in result.operator_messages if "Connection status" in s]
        assert "CRITICAL: Connection status" in subjects[0] and len(subjects) == 2
        others = [s for s in result.operator_messages if s not in subjects]
        forged = [BASE_STATION_TYPES[number].label for number in OF_FRAMES.values()]
        # Several that rise together come in one message.
        assert others and all(s[1:].startswith(" alarms: ") or any(f in s for f in forged) for s in others)
        behind = [s for s in result.customer_messages if "does not answer" in s]
        assert len(behind) == 1
        assert sum("with their base station" in s for s in result.customer_messages) == 1

    run_virtually(story())


def test_every_alarm_that_devices_can_cause_is_among_them_or_elsewhere() -> None:
    """Those that the week does not bring about are driven in tests/monitoring."""
    from veldnet.virtual.failures import FAILURES

    shown = {kind for failure in FAILURES for kind in failure.expected}
    assert shown <= set(DEVICE_TYPES) and len(shown) == 9
