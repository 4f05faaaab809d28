"""Where devices are: each uplink of a device whose plan wants it goes to a solver, and what that finds is a
record like a frame, committed and reported as such."""

from .clocks import ClockRecord
from .geofences import Geofences, read_geofences
from .keeper import Located, LocationKeeper, Stations
from .listing import DeviceLocations, Place, device_locations
from .pool import SolverPool
from .referees import Placed
from .stored import read_calibration, write_calibration

__all__ = [
    "ClockRecord",
    "DeviceLocations",
    "Geofences",
    "Located",
    "LocationKeeper",
    "Place",
    "Placed",
    "SolverPool",
    "Stations",
    "device_locations",
    "read_calibration",
    "read_geofences",
    "write_calibration",
]
