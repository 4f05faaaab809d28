"""Radio hardware of Semtech's reference designs: calibration and gain tables.

These belong to a board. Where the maker's own file has others, those stay.
"""

from __future__ import annotations

from typing import Any

from .wanted import Chip

# The member that holds the radios in the file of the packet forwarder, and in that of Station.
FORWARDER_MEMBER: dict[Chip, str] = {"SX1302": "SX130x_conf", "SX1301": "SX1301_conf"}
STATION_MEMBER: dict[Chip, str] = {"SX1302": "SX1302_conf", "SX1301": "SX1301_conf"}
# The radio that gives the concentrator its clock.
_CLOCK: dict[Chip, int] = {"SX1302": 0, "SX1301": 1}
_RADIOS: dict[Chip, dict[str, Any]] = {
    "SX1302": {
        "type": "SX1250",
        "rssi_offset": -215.4,
        "rssi_tcomp": {"coeff_a": 0, "coeff_b": 0, "coeff_c": 20.41, "coeff_d": 2162.56, "coeff_e": 0},
    },
    "SX1301": {"type": "SX1257", "rssi_offset": -166.0},
}
# Power in dBm: (PA gain, power index), of the boards for less and for more than 900 MHz.
_LOW_BAND = {
    power: (1, index) for power, index in zip(range(12, 28), (*range(4, 18), 19, 20), strict=True)
}  # fmt: skip
_HIGH_BAND = {
    **{power: (0, index) for power, index in zip(range(12, 18), (15, 16, 17, 19, 20, 22), strict=True)},
    **{
        power: (1, index)
        for power, index in zip(range(18, 28), (1, 2, 3, 4, 5, 6, 7, 9, 11, 14), strict=True)
    },
}
_HIGH_FROM = 900_000_000
# Power in dBm: (PA gain, mixer gain).
_SX1301_GAINS = {
    -6: (0, 8),
    -3: (0, 10),
    0: (0, 12),
    3: (1, 8),
    6: (1, 10),
    10: (1, 12),
    11: (1, 13),
    12: (2, 9),
    13: (1, 15),
    14: (2, 10),
    16: (2, 11),
    20: (3, 9),
    23: (3, 10),
    25: (3, 11),
    26: (3, 12),
    27: (3, 14),
}


def concentrator(chip: Chip) -> dict[str, Any]:
    """What is said of the whole concentrator."""
    common: dict[str, Any] = {"lorawan_public": True, "clksrc": _CLOCK[chip]}
    return common if chip == "SX1301" else common | {"full_duplex": False}


def forwarder_bus(number: int) -> dict[str, Any]:
    """Where a concentrator is on the board, in the file of the SX1302 forwarder."""
    return {"com_type": "SPI", "com_path": _device(number)}


def station_bus(number: int) -> dict[str, Any]:
    """The same in the files of Station."""
    return {"device": _device(number)}


def _device(number: int) -> str:
    return f"/dev/spidev0.{number - 1}"


def clock_radio(chip: Chip) -> int:
    """The radio without which the concentrator stands still."""
    return _CLOCK[chip]


def radio(chip: Chip, *, transmits: bool) -> dict[str, Any]:
    """What is said of a radio whatever it is tuned to."""
    return _RADIOS[chip] | {"tx_enable": transmits}


def gain_list(frequency: int) -> list[dict[str, int]]:
    """The gain table of an SX1302 board for a band."""
    table = _HIGH_BAND if frequency >= _HIGH_FROM else _LOW_BAND
    return [
        {"rf_power": power, "pa_gain": pa_gain, "pwr_idx": index}
        for power, (pa_gain, index) in table.items()
    ]  # fmt: skip


def gain_members() -> dict[str, dict[str, int]]:
    """The gain table of an SX1301 board, a member for each power."""
    return {
        f"tx_lut_{number}": {"rf_power": power, "pa_gain": pa_gain, "mix_gain": mixer, "dig_gain": 0}
        for number, (power, (pa_gain, mixer)) in enumerate(_SX1301_GAINS.items())
    }
