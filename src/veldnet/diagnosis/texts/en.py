"""English texts of explanations."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "subject.frame": "frame {frame}",
    "subject.device": "device {dev_eui}",
    "span.years": "{count} years",
    "span.years.one": "1 year",
    "span.days": "{count} days",
    "span.hours": "{count} hours",
    "span.minutes": "{count} minutes",
    "span.seconds": "{count} seconds",
    "span.seconds.one": "1 second",
    # A frame.
    "frame.uplink": "Uplink {fcnt} of DevAddr {dev_addr} was {outcome}.",
    "outcome.accepted": "accepted",
    "outcome.repeated": "accepted as a repetition",
    "frame.join.accepted": "{request} of {dev_eui} with nonce {nonce} was accepted.",
    "frame.join.refused": "{request} of {dev_eui} with nonce {nonce} was rejected: {why}.",
    "request.join": "join-request",
    "request.rejoin": "rejoin-request {type}",
    "frame.downlink.rejected": "A queued downlink was rejected: {cause}.",
    "frame.downlink.rejected.next": "Send less at once.",
    "frame.refused": "The frame was rejected: {why}.",
    "frame.session_ended": "The session ended: {outcome}.",
    "frame.heard": (
        "Received by {stations} ({names}) on {frequency} MHz with {modulation}; best: {rssi}, {snr}."
    ),
    "frame.heard.margin": (
        "Received by {stations} ({names}) on {frequency} MHz with {modulation}; best: {rssi}, {snr}, "
        "margin {margin:.1f} dB."
    ),
    "stations": "{count} base stations",
    "stations.one": "1 base station",
    "level.rssi": "{level:g} dBm",
    "level.snr": "{level:g} dB",
    "level.no_rssi": "RSSI unknown",
    "level.no_snr": "SNR unknown",
    "frame.late_copies": (
        "{count} copies of the frame arrived after the deduplication window, from base station {brought}."
    ),
    "frame.late_copies.one": (
        "1 copy of the frame arrived after the deduplication window, from base station {brought}."
    ),
    "frame.late_copies.next": "No action needed: the backhaul of the base station is slow.",
    "late_copy": "{station}, {later:.1f} s later",
    # Downlinks.
    "downlink.sent": "{what} was sent in {slot} by base station {station}.",
    "downlink.not_sent": "{what} was not sent; {causes}.",
    "what.join_accept": "join-accept",
    "what.downlink": "downlink {fcnt}",
    "slot.RX1": "RX1",
    "slot.RX2": "RX2",
    "slot.ping": "ping slot",
    "slot.unknown": "an unknown slot",
    "slot_cause": "{slot}: {cause}",
    "downlink.next.power": (
        "Set the highest power of the base station: veldnet admin base-station update ID --max-power"
    ),
    "downlink.next.late": (
        "Raise network.rx1_delay, or check the backhaul of the base station: answers arrive too late."
    ),
    "downlink.next.duty_cycle": (
        "Send fewer or shorter downlinks, or add base stations: the duty cycle is used up."
    ),
    "downlink.next.disconnected": "Check the base station: it is not connected, or its radio is stopped.",
    "downlink.next.other": "Read the decisions of the frame.",
    "device.downlinks_failed": "{count} of the last {total} downlinks were not sent; the newest: {newest}",
    "device.downlinks_failed.one": "1 of the last {total} downlinks was not sent: {newest}",
    # A device.
    "device.unknown": "No device has DevEUI {dev_eui}.",
    "device.unknown.next": "Create the device.",
    "device.reversed": "A device {dev_eui} exists: the bytes of the DevEUI are in reverse order.",
    "device.reversed.next": "Correct the DevEUI.",
    "device.unknown_heard": "Its join-requests are received, {count} of them lately.",
    "device.unknown_heard.one": "1 join-request of it was received lately.",
    "device.unknown_not_heard": "No join-request with this DevEUI was received lately.",
    "device.no_plan": "The device has no connectivity plan, so it may not transmit.",
    "device.no_plan.next": "Assign a connectivity plan.",
    "device.suspended": "The operator has suspended the subscriber or its plan; the device gets no service.",
    "device.suspended.next": "Ask the operator to resume it, or assign another connectivity plan.",
    "device.no_routing": "The device has no routing profile, so it may not transmit.",
    "device.no_routing.next": "Assign a routing profile.",
    "device.no_plan_no_routing": (
        "The device has neither connectivity plan nor routing profile, so it may not transmit."
    ),
    "device.no_plan_no_routing.next": "Assign a connectivity plan and a routing profile.",
    "device.last_uplink": "Last uplink (FCnt {fcnt}) {ago} ago.",
    "device.silent": "Last uplink (FCnt {fcnt}) {ago} ago.",
    "device.silent.next": "Check power and location of the device.",
    "device.weak": "The link is weak: {margin:.1f} dB above the sensitivity limit.",
    "device.weak.next": "Move the antenna, or add a base station.",
    "device.refused": "Its newest frame was rejected: {why}.",
    "device.other_session": (
        "{count} frames on its DevAddr {dev_addr} match no session: the device may use other session keys."
    ),
    "device.other_session.one": (
        "1 frame on its DevAddr {dev_addr} matches no session: the device may use other session keys."
    ),
    "device.other_session.next": "If the frames are from this device, let it join again.",
    "device.command_stopped": "The network has stopped sending {command}: {reason} ({count} times).",
    "device.command_stopped.next": (
        "Check that the device profile matches version and MAC commands of the model."
    ),
    "reason.rejected": "the device rejects it",
    "reason.no_answer": "the device does not answer it",
    "device.fine": "No problems found.",
    "device.no_station": "None of {count} base stations is connected.",
    "device.no_station.one": "The only base station is not connected.",
    "device.no_station.next": "Connect a base station.",
    "device.not_heard": "No base station has received the device; {count} are connected.",
    "device.not_heard.one": "No base station has received the device; 1 is connected.",
    "device.not_heard.next": (
        "Switch the device on near a base station; check its region, channels and antenna."
    ),
    "device.heard_reversed": "A device with DevEUI {heard}, this one read backwards, asks to join.",
    "device.heard_reversed.next": "Create the device again with the bytes of its DevEUI in the other order.",
    "device.heard_swapped": "A device asks to join with {heard}, the JoinEUI of this one, as its DevEUI.",
    "device.heard_swapped.next": "Create the device again with DevEUI and JoinEUI exchanged.",
    "device.throttled": "Joins through {stations} may not have been processed: {why}.",
    # Joins.
    "join.rejected": "{count} join requests rejected: {why}.",
    "join.rejected.one": "1 join request rejected: {why}.",
    "join.answered_late": (
        "The join request was genuine, but its receive windows were over when it was answered."
    ),
    "join.answered_late.next": "Check the backhaul of the base station: frames arrive too late.",
    "join.sending": "Joining: the join-accept is on its way to the device.",
    "join.sent": "Joining: the join-accept was sent {ago} ago; waiting for the first uplink.",
    "join.no_uplink": (
        "{count} join-accepts were sent, the last {ago} ago, and no uplink followed: the device does "
        "not receive them, or rejects their JoinNonce."
    ),
    "join.no_uplink.one": (
        "The join-accept was sent {ago} ago, and no uplink followed: the device does not receive it, "
        "or rejects its JoinNonce."
    ),
    "join.no_uplink.next": (
        "Check antenna and RX windows of the device, the transmit power of the base station, and "
        "whether the device was used with another network before."
    ),
    # Routing.
    "routing.shadow": (
        "The device is in shadow: the network that it comes from answers it. Here it is listened to, sent "
        "nothing, and its messages are not delivered."
    ),
    "routing.shadow.next": "Compare both networks with `veldnet migrate compare`, then cut over.",
    "routing.none": "The device has no routing profile, so its messages are not delivered.",
    "routing.none.next": "Assign a routing profile to the device.",
    "routing.no_routes": (
        "The routing profile of the device has no routes, so its messages are not delivered."
    ),
    "routing.no_routes.next": "Add a route with the address of your application server.",
    "routing.dummy": "The routing profile of the device has no routes, so its messages are not delivered.",
    "routing.plan": "The connectivity plan of the device does not include routing to application servers.",
    "routing.plan.next": "Choose a connectivity plan with thirdPartyAppServersRouting.",
    "routing.waiting": "{messages} waiting since {since}; {answer}.",
    "routing.waiting.next": "Check the application server; messages are retried until they expire.",
    "routing.undelivered": "{messages} of the last 24 hours undelivered; {answer}.",
    "routing.undelivered.next": "Correct the cause, then deliver them again (Undelivered messages).",
    "messages": "{count} messages",
    "messages.one": "1 message",
    "messages.many": "{count} or more messages",
    "answer.none": "not attempted yet",
    "answer.last": "last answer: {error}",
    "answer.from": "{answer} from {address}",
    "answer.at": "{answer} at {time}",
    "answer.next": "{answer}, next attempt at {time}",
    # Base stations.
    "station.clock.behind": (
        "The clock of base station {station} is wrong, {ago} behind ours: its time was not used."
    ),
    "station.clock.ahead": (
        "The clock of base station {station} is wrong, {ago} ahead of ours: its time was not used."
    ),
    "station.clock.behind.next": "Correct the time source of the base station (GPS or NTP).",
    "station.clock.ahead.next": "Correct the time source of the base station (GPS or NTP).",
    "station.untimed": "Base station {stations} gave no counter (tmst): it cannot answer this frame.",
    "station.fine": (
        "{number} of {total} base stations gave a fine time stamp, to the nanosecond ({stations}). A "
        "position needs three."
    ),
    "station.untimed.next": "Correct or replace the packet forwarder of the base station.",
    "station.duplicate": (
        "The EUI of base station {station} is used from several addresses at once ({addresses}): what "
        "one receives, the other may have to answer."
    ),
    "station.duplicate.next": "Give each base station its own EUI.",
    "station.unreadable": (
        "Base station {station} sends frames that cannot be read, {number} so far; the last {ago} "
        "ago: {reason}"
    ),
    "station.unreadable.next": "Correct or replace the packet forwarder of the base station.",
    # ThingPark's delivery-failure causes (wireless logger guide).
    "cause.00": "success",
    "cause.A0": "the base station's radio is stopped",
    "cause.A1": "the base station's downlink radio is stopped",
    "cause.A2": "the slot is not available",
    "cause.A3": "the base station is busy with another frame",
    "cause.A4": "the channel was busy (listen before talk)",
    "cause.A5": "the base station's radio cannot do it",
    "cause.A6": "the base station gave another error",
    "cause.B0": "the frame was too late for the base station",
    "cause.C0": "RX2 was chosen on purpose",
    "cause.D0": "the base station has used up its duty cycle",
    "cause.DA": "the duty cycle of the base station is used up",
    "cause.DB": "the frame is longer than the dwell time allows",
    "cause.DC": "no base station with GPS time is near",
    "cause.DD": "the base station is not connected",
    "cause.DE": "the peering operator does not allow it",
    "cause.DF": "the NetID is wrong",
    "cause.E0": "no base station was free within the time of class C",
    "cause.E1": "the queue was full",
    "cause.E2": "its downlink counter was used already",
    "cause.E3": "its validity expired",
    "cause.E4": "the queue was cleared by a join or reset",
    "cause.other": "cause {code}",
    # Why frames are refused, and the next step.
    "refusal.unknown_dev_eui": "no device has this DevEUI",
    "refusal.unknown_dev_eui.next": "Create the device, or check the EUI for a typing error.",
    "refusal.wrong_mic": "MIC check failed. The AppKey in the device differs from the registered one",
    "refusal.wrong_mic.next": "Compare the AppKey (1.1: NwkKey) of the device with the registered one.",
    "refusal.wrong_session_key": "MIC check failed. It is signed with none of the keys of the session",
    "refusal.wrong_session_key.next": "Let the device join again; with ABP check NwkSKey and FCnt.",
    "refusal.wrong_join_eui": "the device sends another JoinEUI than the registered one",
    "refusal.wrong_join_eui.next": "Set the device's applicationEUI to the one it sends.",
    "refusal.dev_nonce_replayed": (
        "it uses a DevNonce again: a replay, or a device that restarts with the same random numbers"
    ),
    "refusal.dev_nonce_replayed.next": (
        "If the device was reset to factory settings, reset its security context."
    ),
    "refusal.dev_nonce_not_rising": "its DevNonce does not rise: the device forgot its counter",
    "refusal.dev_nonce_not_rising.next": (
        "Reset its security context, and have the device keep DevNonce in permanent memory."
    ),
    "refusal.rj_count_not_rising": "the counter of its rejoin-request does not rise",
    "refusal.rj_count_not_rising.next": "Let the device join again, with a join-request.",
    "refusal.rejoin_before_1_1": (
        "it sends rejoin-requests, which the version of its device profile does not include"
    ),
    "refusal.rejoin_before_1_1.next": "Give it a device profile of LoRaWAN 1.1.",
    "refusal.no_app_key": "it has no AppKey",
    "refusal.no_app_key.next": "Create the device again with its applicationKey.",
    "refusal.no_nwk_key": "its device profile is of LoRaWAN 1.1, and it has no NwkKey",
    "refusal.no_nwk_key.next": "Set its NwkKey, or give it a device profile of LoRaWAN 1.0.x.",
    "refusal.vault_busy": "more devices ask to join than the vault of its HSM group can serve in time",
    "refusal.vault_busy.next": "No action needed: it asks again. If this lasts, add a module to the vault.",
    "refusal.join_kept": (
        "its base station kept the request while its backhaul was down; it can no longer be answered"
    ),
    "refusal.join_kept.next": "Check the backhaul of the base station.",
    "refusal.no_timestamp": "its base station gives no counter (tmst), so no join-accept can be timed",
    "refusal.no_timestamp.next": "Correct or replace the packet forwarder of the base station.",
    "refusal.module_failed": "the module that keeps its root key cannot work",
    "refusal.module_failed.next": "See veldnet admin alarms modules.",
    "refusal.no_session": "the module that keeps its root key has no session left",
    "refusal.no_session.next": "Lower keys.sessions.",
    "refusal.no_master_key": "no module holds the master key that its root key is wrapped under",
    "refusal.no_master_key.next": "Restore it from its backup: veldnet admin vault restore-master-key",
    "refusal.bad_seal": "its root key was wrapped by another vault, or is damaged",
    "refusal.bad_seal.next": "Create the device again with its applicationKey.",
    "refusal.unknown_vault": "its HSM group names a vault that is not in the settings",
    "refusal.unknown_vault.next": "Add the vault to keys.vaults.",
    "refusal.shadow": "it is in shadow, and the network that it comes from answers its joins",
    "refusal.shadow.next": "Read its session again there (`veldnet migrate`), or end the shadow.",
    "refusal.device_inactive": "it has no connectivity plan or no routing",
    "refusal.device_inactive.next": "Assign a connectivity plan and a routing profile.",
    "refusal.region_not_served": "its device profile is of a region that this network does not serve",
    "refusal.region_not_served.next": (
        "Add the region to network.more_regions, or give it another device profile."
    ),
    "refusal.wrong_region": (
        "it sends on frequencies or data rates of another region than its device profile's"
    ),
    "refusal.wrong_region.next": "Give it a device profile of the region it is built for.",
    "refusal.join_nonces_exhausted": "it has used up all JoinNonces",
    "refusal.join_nonces_exhausted.next": "Give it a new root key.",
    "refusal.counter_replayed": (
        "an uplink counter arrived that was used already: a replay, or a device that lost its counter"
    ),
    "refusal.counter_replayed.next": "Let the device join again; a device with ABP must keep its counters.",
    "refusal.counter_gap_too_large": "its uplink counter jumped further than LoRaWAN before 1.0.4 allows",
    "refusal.counter_gap_too_large.next": "Let the device join again.",
    "refusal.counter_ended": "its uplink counter has reached its end",
    "refusal.counter_ended.next": "Let the device join again.",
    "refusal.repeated_too_often": "it repeats one frame more than fifteen times",
    "refusal.repeated_too_often.next": "Check the device: it may not receive any downlink.",
    "refusal.superseded": "another join of the device was served meanwhile",
    "refusal.superseded.next": "No action needed: the newer session counts.",
    "refusal.flood": "the base station is throttled, because it sends too many frames of unknown devices",
    "refusal.flood.next": "Find out who sends through it; it recovers by itself.",
    "refusal.foreign_network": "the frame belongs to another network",
    "refusal.foreign_network.next": "No action needed.",
    "refusal.other": "{code}",
    "refusal.other.next": "Read the record of the frame.",
}
