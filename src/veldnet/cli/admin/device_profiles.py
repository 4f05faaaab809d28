"""`veldnet admin device-profile`: models of devices."""

from __future__ import annotations

from veldnet.domain.documents import ProfileSettings
from veldnet.inventory import devices, offers

from .operator_documents import Documents

profile_app = Documents(
    noun="device profile",
    plural="Device profiles",
    action="deviceProfile",
    example="LORA/GenericA.1_ETSI_Rx2-SF12",
    settings=ProfileSettings,
    row=offers.Profile,
    listed=offers.operator_profiles,
    create=offers.create_device_profile,
    change=lambda c, operator, before, name, settings: offers.change_profile(
        c, operator, before.ref, name, settings
    ),
    remove=offers.remove_profile,
    move=devices.move_to_profile,
).commands()
