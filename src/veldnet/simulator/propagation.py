"""Radio propagation: log-distance path loss with shadowing (fit of Petäjäjärvi et al. for 868 MHz, 2015)."""

from __future__ import annotations

import math
import random

import msgspec

from veldnet.lorawan.modulation import SNR_FLOOR, Lora, Modulation

_NOISE_FIGURE = 6.0
_MAX_SNR = 13.0


class Place(msgspec.Struct, frozen=True):
    """A position on a plane, in kilometres."""

    x: float
    y: float

    def distance(self, other: Place) -> float:
        return math.hypot(self.x - other.x, self.y - other.y)


class Heard(msgspec.Struct, frozen=True, gc=False):
    """Signal at a receiver: dBm and dB."""

    rssi: float
    snr: float


class Propagation:
    """Path loss between places. Shadowing belongs to a pair of places; fading changes each frame."""

    def __init__(self, rng: random.Random, *, shadowing: float = 6.0, fading: float = 1.5) -> None:
        self._rng = rng
        self._shadowing = shadowing
        self._fading = fading
        self._shadows: dict[tuple[Place, Place], float] = {}

    def path_loss(self, a: Place, b: Place) -> float:
        """Decibels between two places."""
        pair = (a, b) if (a.x, a.y) <= (b.x, b.y) else (b, a)
        shadow = self._shadows.get(pair)
        if shadow is None:
            shadow = self._shadows[pair] = self._rng.gauss(0, self._shadowing)
        return 128.95 + 23.2 * math.log10(max(a.distance(b), 0.03)) + shadow

    def receive(self, sender: Place, receiver: Place, power: float, modulation: Modulation) -> Heard | None:
        """The signal at the receiver, None where it is too weak to be demodulated."""
        bandwidth = modulation.bandwidth if isinstance(modulation, Lora) else 125
        noise = -174 + 10 * math.log10(bandwidth * 1000) + _NOISE_FIGURE
        rssi = power - self.path_loss(sender, receiver) + self._rng.gauss(0, self._fading)
        snr = rssi - noise
        floor = SNR_FLOOR[modulation.sf] if isinstance(modulation, Lora) else 6.0
        if snr < floor:
            return None
        # A base station reports power with the noise in it, and SNR only up to what it can measure.
        measured = 10 * math.log10(10 ** (rssi / 10) + 10 ** (noise / 10))
        return Heard(round(measured), round(min(snr, _MAX_SNR) * 4) / 4)
