"""Renders decisions of the network in the languages of the console.

Records hold decisions as English sentences, as they were when the frame was processed. A sentence is
translated by the form that it was made from: a placeholder stands for what differs, and is taken over as it
is. What has no form here, because an earlier version wrote it, stays English.
"""

from __future__ import annotations

import re
from functools import lru_cache

# English form: Dutch form. A placeholder of the same name may be used again in the Dutch one.
_DUTCH: dict[str, str] = {
    # Uplinks and their link.
    "over the plan's uplink rate: not forwarded": "boven de uplinklimiet van het plan: niet doorgestuurd",
    "over the plan's uplink rate: marked": "boven de uplinklimiet van het plan: gemarkeerd",
    "repetition: answered again, not delivered again": (
        "herhaling: opnieuw beantwoord, niet opnieuw afgeleverd"
    ),
    "the device has reset its counters to 0, which its profile allows": (
        "het apparaat is met zijn tellers opnieuw bij 0 begonnen, wat zijn profiel toestaat"
    ),
    "the device changed from DR{old} to DR{new} on its own": (
        "het apparaat ging uit zichzelf van DR{old} naar DR{new}"
    ),
    "ADR: learns nothing from this frame, its SNR is not known": (
        "ADR: leert niets van dit frame, de SNR is onbekend"
    ),
    "ADR: the device controls its data rate": "ADR: het apparaat bepaalt zelf zijn datarate",
    "ADR: looked at with every fourth uplink": "ADR: wordt bij elke vierde uplink bekeken",
    "ADR: stays, {reason}": "ADR: blijft, {reason}",
    "ADR: DR{rate}, power {power}, NbTrans {count}; {reason}": (
        "ADR: DR{rate}, vermogen {power}, NbTrans {count}; {reason}"
    ),
    "{seen} of {enough} uplinks seen": "{seen} van {enough} uplinks gezien",
    "{lost} lost; no setting reaches {target}, this one comes nearest": (
        "{lost} verloren; geen instelling haalt {target}, deze komt het dichtst in de buurt"
    ),
    "{lost} lost; {expected} expected, target {target}": (
        "{lost} verloren; {expected} verwacht, doel {target}"
    ),
    "{spare} dB beside the margin, {lost} lost": "{spare} dB naast de marge, {lost} verloren",
    "the data rate in use is not one that ADR changes": "de gebruikte datarate is er geen die ADR verandert",
    "the application server has {millis} ms to submit a downlink": (
        "de applicatieserver heeft {millis} ms om een downlink aan te bieden"
    ),
    "clock synchronisation: {why}": "kloksynchronisatie: {why}",
    "the network cannot read the request, its AppSKey is in the HSM": (
        "het netwerk kan de vraag niet lezen, de AppSKey zit in de HSM"
    ),
    "no AppTimeReq in the payload": "geen AppTimeReq in de payload",
    "the device's clock is right, and it needs no answer": (
        "de klok van het apparaat loopt goed, en het heeft geen antwoord nodig"
    ),
    "the downlink queue is full": "de downlinkwachtrij is vol",
    "the connectivity plan allows no downlinks": "het connectiviteitsplan staat geen downlinks toe",
    "the device's clock is to be changed by {seconds} s": (
        "de klok van het apparaat moet {seconds} s worden verzet"
    ),
    "package commands: {octets} cannot be read (cut off, or unknown)": (
        "pakketcommando's: {octets} is niet te lezen (afgebroken of onbekend)"
    ),
    # Downlinks.
    "no downlink: nothing to send": "geen downlink: niets te verzenden",
    "no downlink: its counter has ended, the device must join again": (
        "geen downlink: de teller is op, het apparaat moet opnieuw joinen"
    ),
    "no downlink: its MAC commands do not fit at the current data rate": (
        "geen downlink: de MAC-commando's passen niet bij de huidige datarate"
    ),
    "no downlink: no base station can still answer this frame": (
        "geen downlink: geen basisstation kan dit frame nog beantwoorden"
    ),
    "no downlink: no base station that heard it gave a counter (tmst) to time one by": (
        "geen downlink: geen basisstation dat het ontving gaf een teller (tmst) om er een mee te plannen"
    ),
    "no downlink: both receive windows are over": "geen downlink: beide ontvangstvensters zijn voorbij",
    "no downlink: the region has no data rate for this modulation": (
        "geen downlink: de regio heeft geen datarate voor deze modulatie"
    ),
    "downlink {fcnt} in {window}: {parts}": "downlink {fcnt} in {window}: {parts}",
    "empty frame for ADRACKReq": "leeg frame vanwege ADRACKReq",
    "acknowledgement": "bevestiging",
    "acknowledgement, {parts}": "bevestiging, {parts}",
    "{size} bytes on port {port}, {parts}": "{size} bytes op poort {port}, {parts}",
    "{size} bytes on port {port}": "{size} bytes op poort {port}",
    "discarded: {why}": "verwijderd: {why}",
    "validity expired": "de geldigheid is verlopen",
    "its counter is used already": "de teller is al gebruikt",
    "the device joined again": "het apparaat is opnieuw gejoind",
    "{size} bytes do not fit: the data rate allows {limit}": (
        "{size} bytes passen niet: de datarate staat {limit} toe"
    ),
    "the plan's downlink rate is used up": "de downlinklimiet van het plan is bereikt",
    "the device lost its connectivity plan or routing": (
        "het apparaat verloor zijn connectiviteitsplan of routering"
    ),
    "sent in {slot} ({rest})": "verzonden in {slot} ({rest})",
    "not sent: the base stations cannot send it ({tried})": (
        "niet verzonden: de basisstations kunnen het niet ({tried})"
    ),
    "not sent: the base stations refused it until its time was over ({tried})": (
        "niet verzonden: de basisstations weigerden het tot de tijd voorbij was ({tried})"
    ),
    "not sent: no base station was free in time ({tried})": (
        "niet verzonden: er was niet op tijd een basisstation vrij ({tried})"
    ),
    "not sent: no base station was free in time": "niet verzonden: er was niet op tijd een basisstation vrij",
    "not sent ({tried})": "niet verzonden ({tried})",
    "not sent": "niet verzonden",
    "unknown: the base station did not confirm the frame ({tried})": (
        "onbekend: het basisstation heeft het frame niet bevestigd ({tried})"
    ),
    "unknown: the base station did not confirm the frame": (
        "onbekend: het basisstation heeft het frame niet bevestigd"
    ),
    "security context reset: its counters may begin again": (
        "beveiligingscontext gereset: de tellers mogen opnieuw beginnen"
    ),
    "security context reset: the device must join again": (
        "beveiligingscontext gereset: het apparaat moet opnieuw joinen"
    ),
    # Joins and refusals.
    "JoinNonce {nonce}, DevAddr {address}": "JoinNonce {nonce}, DevAddr {address}",
    "join-accept in {window}": "join-accept in {window}",
    "no join-accept: both receive windows are over": "geen join-accept: beide ontvangstvensters zijn voorbij",
    "the network does not serve {region}": "het netwerk bedient {region} niet",
    "no connectivity plan or no routing": "geen connectiviteitsplan of geen routering",
    "the device has no connectivity plan or no routing": (
        "het apparaat heeft geen connectiviteitsplan of geen routering"
    ),
    "the device has no AppKey": "het apparaat heeft geen AppKey",
    "a device of LoRaWAN 1.1 needs a NwkKey, and this one has none": (
        "een apparaat van LoRaWAN 1.1 heeft een NwkKey nodig, en dit heeft er geen"
    ),
    "{radio} is not of {region}, the region of the device profile": (
        "{radio} hoort niet bij {region}, de regio van het apparaatprofiel"
    ),
    "the device has joined 16,777,215 times; its root key must change": (
        "het apparaat is 16.777.215 keer gejoind; zijn root key moet veranderen"
    ),
    "{stations} kept the request while its backhaul was down": (
        "{stations} hield de join-request vast terwijl de backhaul weg was"
    ),
    "{stations} gave no counter (tmst) to time a join-accept by": (
        "{stations} gaf geen teller (tmst) om een join-accept mee te plannen"
    ),
    "JoinEUI {sent} instead of {expected}": "JoinEUI {sent} in plaats van {expected}",
    "DevNonce {nonce} does not follow {last}": "DevNonce {nonce} volgt niet op {last}",
    "DevNonce {nonce} was used before": "DevNonce {nonce} is eerder gebruikt",
    "another join of the device was served meanwhile": "intussen is een andere join van het apparaat bediend",
    "RJcount{type} {count} does not follow {last}": "RJcount{type} {count} volgt niet op {last}",
    "rejoin-requests belong to LoRaWAN 1.1; the device profile is older": (
        "rejoin-requests horen bij LoRaWAN 1.1; het apparaatprofiel is ouder"
    ),
    "NetID {net_id} is not {own}": "NetID {net_id} is niet {own}",
    "the MIC of the rejoin-request fits no session of the device": (
        "de MIC van de rejoin-request past bij geen sessie van het apparaat"
    ),
    "the MIC does not fit the session of {dev_eui} on DevAddr {address}": (
        "de MIC past niet bij de sessie van {dev_eui} op DevAddr {address}"
    ),
    "counter {fcnt} after {last}: {verdict}": "teller {fcnt} na {last}: {verdict}",
    "base station {station} is throttled: it brings too many frames of unknown devices": (
        "basisstation {station} wordt begrensd: het stuurt te veel frames van onbekende apparaten"
    ),
    # MAC commands.
    "{command} is not supported and ignored": "{command} wordt niet ondersteund en genegeerd",
    "{command} without a request": "{command} zonder verzoek",
    "{command} again (sticky)": "opnieuw {command} (sticky)",
    "{command}Req refused: {what}": "{command}Req geweigerd: {what}",
    "{command}Req refused": "{command}Req geweigerd",
    "{command}Req taken: {what}": "{command}Req geaccepteerd: {what}",
    "{command}Req taken": "{command}Req geaccepteerd",
    "{command}Req accepted: {what}": "{command}Req geaccepteerd: {what}",
    "{command}Req accepted": "{command}Req geaccepteerd",
    "channel {channel} refused": "kanaal {channel} geweigerd",
    "channel {channel} taken": "kanaal {channel} geaccepteerd",
    "channel {channel} accepted": "kanaal {channel} geaccepteerd",
    "channel {channel} removed": "kanaal {channel} verwijderd",
    "channel {channel} answers on {frequency} MHz": "kanaal {channel} antwoordt op {frequency} MHz",
    "downlink frequency of channel {channel} refused": "downlinkfrequentie van kanaal {channel} geweigerd",
    "device status: battery {battery}, margin {margin} dB": (
        "apparaatstatus: batterij {battery}, marge {margin} dB"
    ),
    "device time answered": "apparaattijd beantwoord",
    "beacon timing answered": "bakentijd beantwoord",
    "ping slots every {period} s; the connectivity plan does not allow class B": (
        "ping-slots elke {period} s; het connectiviteitsplan staat klasse B niet toe"
    ),
    "ping slots every {period} s": "ping-slots elke {period} s",
    "the device is of class {letter} now": "het apparaat is nu van klasse {letter}",
    "DeviceModeInd for unknown class {number} is ignored": (
        "DeviceModeInd voor onbekende klasse {number} wordt genegeerd"
    ),
    "RekeyInd for version {version} is not answered": "RekeyInd voor versie {version} wordt niet beantwoord",
    "the device has taken its new keys": "het apparaat gebruikt zijn nieuwe sleutels",
    "the device restarted: parameters are those it begins with": (
        "het apparaat is herstart: de parameters zijn die waarmee het begint"
    ),
    "ResetInd of a device that was not personalised is ignored": (
        "ResetInd van een apparaat zonder ABP wordt genegeerd"
    ),
    "an answer to ForceRejoinReq does not exist and is ignored": (
        "een antwoord op ForceRejoinReq bestaat niet en wordt genegeerd"
    ),
}
# Parts of sentences that are sentences of the table themselves.
_PARTS = ("reason", "why", "parts")
_NAME = re.compile(r"\\\{(\w+)\\\}")


@lru_cache(1)
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The forms as patterns, those with the fewest placeholders first: they say most."""
    ordered = sorted(_DUTCH.items(), key=lambda form: (form[0].count("{"), -len(form[0])))
    return tuple(
        (re.compile(_NAME.sub(r"(?P<\1>.+?)", re.escape(english)), re.DOTALL), dutch)
        for english, dutch in ordered
    )


def translated(sentence: str, language: str) -> str:
    """A decision in a language, as it is recorded where there is no form for it."""
    if language == "en":
        return sentence
    for pattern, dutch in _forms():
        match = pattern.fullmatch(sentence)
        if match is not None:
            values = match.groupdict()
            values.update({name: translated(values[name], language) for name in _PARTS if name in values})
            return dutch.format(**values)
    return sentence


def has_form(sentence: str) -> bool:
    """Whether a decision can be translated."""
    return any(pattern.fullmatch(sentence) for pattern, _dutch in _forms())
