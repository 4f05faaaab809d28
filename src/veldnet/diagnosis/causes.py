"""Outcomes and delivery-failure causes in words, with what to do about them."""

from __future__ import annotations

# ThingPark's delivery-failure causes (wireless logger guide).
CAUSES = {
    "00": "success",
    "A0": "the base station's radio is stopped",
    "A1": "the base station's downlink radio is stopped",
    "A2": "the slot is not available",
    "A3": "the base station is busy with another frame",
    "A4": "the channel was busy (listen before talk)",
    "A5": "the base station's radio cannot do it",
    "A6": "the base station gave another error",
    "B0": "the frame was too late for the base station",
    "C0": "RX2 was chosen on purpose",
    "D0": "the base station has used up its duty cycle",
    "DA": "the duty cycle of the base station is used up",
    "DB": "the frame is longer than the dwell time allows",
    "DC": "no base station with GPS time is near",
    "DD": "the base station is not connected",
    "DE": "the peering operator does not allow it",
    "DF": "the NetID is wrong",
    "E0": "no base station was free within the time of class C",
    "E1": "the queue was full",
    "E2": "its downlink counter was used already",
    "E3": "its validity expired",
    "E4": "the queue was emptied by a join or reset",
}

# Why frames are refused, and the next step.
REFUSALS: dict[str, tuple[str, str]] = {
    "unknown_dev_eui": (
        "no device has this DevEUI",
        "create the device, or check the EUI for a typing error",
    ),
    "wrong_mic": (
        "MIC check failed. The AppKey in the device differs from the registered one.",
        "Compare the AppKey (1.1: NwkKey) of the device with the registered one.",
    ),
    "wrong_session_key": (
        "MIC check failed: it is signed with none of the keys of the session.",
        "Let the device join again; check NwkSKey and FCnt of a personalised one.",
    ),
    "wrong_join_eui": (
        "the device sends another JoinEUI than the one on record",
        "set the device's applicationEUI to the one it sends",
    ),
    "dev_nonce_replayed": (
        "it uses a DevNonce again: a replay, or a device that restarts with the same random numbers",
        "if the device was reset to factory settings, reset its security context",
    ),
    "dev_nonce_not_rising": (
        "its DevNonce does not rise: the device forgot its counter",
        "reset its security context, and have the device keep DevNonce in permanent memory",
    ),
    "rj_count_not_rising": (
        "the counter of its rejoin-request does not rise",
        "let the device join anew, with a join-request",
    ),
    "rejoin_before_1_1": (
        "it sends rejoin-requests, which its profile's version does not know",
        "give it a device profile of LoRaWAN 1.1",
    ),
    "no_app_key": ("it has no AppKey", "create the device again with its applicationKey"),
    "no_nwk_key": (
        "its profile is of LoRaWAN 1.1, and it has no NwkKey",
        "set its NwkKey, or give it a device profile of LoRaWAN 1.0.x",
    ),
    "vault_busy": (
        "more devices ask to join than the vault of its HSM group can serve in time",
        "nothing: it asks again; if it lasts, add a module to the vault",
    ),
    "join_kept": (
        "its base station kept the request while its backhaul was down, and nobody waits for an answer now",
        "look at the backhaul of the base station",
    ),
    "no_timestamp": (
        "its base station gives no counter (tmst), so no join-accept can be timed",
        "correct or replace the packet forwarder of the base station",
    ),
    "module_failed": (
        "the module that keeps its root key cannot work",
        "look at veldnet admin alarms modules",
    ),
    "no_session": ("the module that keeps its root key has no session left", "lower keys.sessions"),
    "no_master_key": (
        "no module holds the master key that its root key is sealed under",
        "restore it from its backup: veldnet admin vault restore-master-key",
    ),
    "bad_seal": (
        "its root key was sealed by another vault, or is damaged",
        "create the device again with its applicationKey",
    ),
    "unknown_vault": (
        "its HSM group names a vault that is not in the settings",
        "add the vault to keys.vaults",
    ),
    "device_inactive": (
        "it has no connectivity plan or no routing",
        "give the device a connectivity plan and a routing profile",
    ),
    "region_not_served": (
        "its device profile is of a region that this network does not serve",
        "add the region to network.more_regions, or give it another device profile",
    ),
    "wrong_region": (
        "it sends on frequencies or data rates of another region than its device profile's",
        "give it a device profile of the region it is built for",
    ),
    "join_nonces_exhausted": ("it has used up all JoinNonces", "give it a new root key"),
    "counter_replayed": (
        "an uplink counter came that was used already: a replay, or a device that lost its counter",
        "let the device join anew; a personalised device must keep its counters",
    ),
    "counter_gap_too_large": (
        "its uplink counter jumped further than LoRaWAN before 1.0.4 allows",
        "let the device join anew",
    ),
    "counter_ended": ("its uplink counter has reached its end", "let the device join anew"),
    "repeated_too_often": (
        "it repeats one frame more often than fifteen times",
        "look at the device: it may not hear any downlink",
    ),
    "superseded": ("another join of the device was served meanwhile", "nothing; the newer session counts"),
    "flood": (
        "its base station is throttled: it brings too many frames of unknown devices",
        "Find out who sends through it; it recovers by itself.",
    ),
    "foreign_network": ("the frame belongs to another network", "nothing"),
}


def cause_in_words(code: str) -> str:
    return CAUSES.get(code, f"cause {code}")


def refusal_in_words(code: str) -> tuple[str, str]:
    """Why a frame was refused, and what to do."""
    return REFUSALS.get(code, (code.replace("_", " "), "read the frame's record"))
