"""Dutch texts of explanations."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "subject.frame": "frame {frame}",
    "subject.device": "apparaat {dev_eui}",
    "span.years": "{count} jaar",
    "span.years.one": "1 jaar",
    "span.days": "{count} dagen",
    "span.hours": "{count} uur",
    "span.minutes": "{count} minuten",
    "span.seconds": "{count} seconden",
    "span.seconds.one": "1 seconde",
    # A frame.
    "frame.uplink": "Uplink {fcnt} van DevAddr {dev_addr} is {outcome}.",
    "outcome.accepted": "geaccepteerd",
    "outcome.repeated": "geaccepteerd als herhaling",
    "frame.join.accepted": "{request} van {dev_eui} met nonce {nonce} is geaccepteerd.",
    "frame.join.refused": "{request} van {dev_eui} met nonce {nonce} is geweigerd: {why}.",
    "request.join": "join-request",
    "request.rejoin": "rejoin-request {type}",
    "frame.downlink.rejected": "Een downlink in de wachtrij is geweigerd: {cause}.",
    "frame.downlink.rejected.next": "Verstuur minder tegelijk.",
    "frame.refused": "Het frame is geweigerd: {why}.",
    "frame.session_ended": "De sessie is beëindigd: {outcome}.",
    "frame.heard": (
        "Ontvangen door {stations} ({names}) op {frequency} MHz met {modulation}; beste: {rssi}, {snr}."
    ),
    "frame.heard.margin": (
        "Ontvangen door {stations} ({names}) op {frequency} MHz met {modulation}; beste: {rssi}, "
        "{snr}, marge {margin:.1f} dB."
    ),
    "stations": "{count} basisstations",
    "stations.one": "1 basisstation",
    "level.rssi": "{level:g} dBm",
    "level.snr": "{level:g} dB",
    "level.no_rssi": "RSSI onbekend",
    "level.no_snr": "SNR onbekend",
    "frame.late_copies": (
        "{count} kopieën van het frame kwamen na het deduplicatievenster binnen, via basisstation {brought}."
    ),
    "frame.late_copies.one": (
        "1 kopie van het frame kwam na het deduplicatievenster binnen, via basisstation {brought}."
    ),
    "frame.late_copies.next": "Geen actie nodig: de backhaul van het basisstation is traag.",
    "late_copy": "{station}, {later:.1f} s later",
    # Downlinks.
    "downlink.sent": "{what} is verzonden in {slot} door basisstation {station}.",
    "downlink.not_sent": "{what} is niet verzonden; {causes}.",
    "what.join_accept": "join-accept",
    "what.downlink": "downlink {fcnt}",
    "slot.RX1": "RX1",
    "slot.RX2": "RX2",
    "slot.ping": "ping-slot",
    "slot.unknown": "een onbekend slot",
    "slot_cause": "{slot}: {cause}",
    "downlink.next.power": (
        "Stel het hoogste vermogen van het basisstation in: veldnet admin base-station update ID --max-power"
    ),
    "downlink.next.late": (
        "Verhoog network.rx1_delay, of controleer de backhaul van het basisstation: antwoorden komen te laat."
    ),
    "downlink.next.duty_cycle": (
        "Verstuur minder of kortere downlinks, of plaats meer basisstations: de duty cycle is opgebruikt."
    ),
    "downlink.next.disconnected": (
        "Controleer het basisstation: het is niet verbonden, of de radio staat uit."
    ),
    "downlink.next.other": "Lees de beslissingen bij het frame.",
    "device.downlinks_failed": (
        "{count} van de laatste {total} downlinks zijn niet verzonden; de nieuwste: {newest}"
    ),
    "device.downlinks_failed.one": "1 van de laatste {total} downlinks is niet verzonden: {newest}",
    # A device.
    "device.unknown": "Geen apparaat heeft DevEUI {dev_eui}.",
    "device.unknown.next": "Maak het apparaat aan.",
    "device.reversed": (
        "Er bestaat een apparaat {dev_eui}: de bytes van de DevEUI staan in omgekeerde volgorde."
    ),
    "device.reversed.next": "Corrigeer de DevEUI.",
    "device.unknown_heard": "Join-requests ervan worden ontvangen, {count} in de laatste tijd.",
    "device.unknown_heard.one": "In de laatste tijd is 1 join-request ervan ontvangen.",
    "device.unknown_not_heard": "In de laatste tijd is geen join-request met deze DevEUI ontvangen.",
    "device.no_plan": "Het apparaat heeft geen connectiviteitsplan en mag dus niet zenden.",
    "device.no_plan.next": "Ken een connectiviteitsplan toe.",
    "device.suspended": "De operator heeft de klant of het plan opgeschort; het apparaat krijgt geen dienst.",
    "device.suspended.next": "Vraag de operator het te hervatten, of ken een ander connectiviteitsplan toe.",
    "device.no_routing": "Het apparaat heeft geen routeringsprofiel en mag dus niet zenden.",
    "device.no_routing.next": "Ken een routeringsprofiel toe.",
    "device.no_plan_no_routing": (
        "Het apparaat heeft geen connectiviteitsplan en geen routeringsprofiel en mag dus niet zenden."
    ),
    "device.no_plan_no_routing.next": "Ken een connectiviteitsplan en een routeringsprofiel toe.",
    "device.last_uplink": "Laatste uplink (FCnt {fcnt}) {ago} geleden.",
    "device.silent": "Laatste uplink (FCnt {fcnt}) {ago} geleden.",
    "device.silent.next": "Controleer voeding en locatie van het apparaat.",
    "device.weak": "De verbinding is zwak: {margin:.1f} dB boven de gevoeligheidsgrens.",
    "device.weak.next": "Verplaats de antenne, of plaats een basisstation erbij.",
    "device.refused": "Het nieuwste frame is geweigerd: {why}.",
    "device.other_session": (
        "{count} frames op zijn DevAddr {dev_addr} horen bij geen sessie: het apparaat gebruikt "
        "mogelijk andere sessiesleutels."
    ),
    "device.other_session.one": (
        "1 frame op zijn DevAddr {dev_addr} hoort bij geen sessie: het apparaat gebruikt mogelijk "
        "andere sessiesleutels."
    ),
    "device.other_session.next": "Komen de frames van dit apparaat, laat het dan opnieuw joinen.",
    "device.command_stopped": "Het netwerk verzendt {command} niet meer: {reason} ({count} keer).",
    "device.command_stopped.next": (
        "Controleer of het apparaatprofiel past bij de versie en de MAC-commando's van het model."
    ),
    "reason.rejected": "het apparaat weigert het",
    "reason.no_answer": "het apparaat beantwoordt het niet",
    "device.fine": "Geen problemen gevonden.",
    "device.no_station": "Geen van de {count} basisstations is verbonden.",
    "device.no_station.one": "Het enige basisstation is niet verbonden.",
    "device.no_station.next": "Verbind een basisstation.",
    "device.not_heard": "Geen basisstation heeft het apparaat ontvangen; {count} zijn verbonden.",
    "device.not_heard.one": "Geen basisstation heeft het apparaat ontvangen; 1 is verbonden.",
    "device.not_heard.next": (
        "Schakel het apparaat in bij een basisstation; controleer regio, kanalen en antenne."
    ),
    "device.heard_reversed": (
        "Een apparaat met DevEUI {heard}, deze achterstevoren gelezen, vraagt om een join."
    ),
    "device.heard_reversed.next": (
        "Maak het apparaat opnieuw aan met de bytes van de DevEUI in de andere volgorde."
    ),
    "device.heard_swapped": (
        "Een apparaat vraagt om een join met de JoinEUI van dit apparaat, {heard}, als DevEUI."
    ),
    "device.heard_swapped.next": "Maak het apparaat opnieuw aan met DevEUI en JoinEUI verwisseld.",
    "device.throttled": "Joins via {stations} zijn mogelijk niet verwerkt: {why}.",
    # Joins.
    "join.rejected": "{count} join-requests geweigerd: {why}.",
    "join.rejected.one": "1 join-request geweigerd: {why}.",
    "join.answered_late": (
        "De join-request was echt, maar de ontvangstvensters waren voorbij toen ze werd beantwoord."
    ),
    "join.answered_late.next": "Controleer de backhaul van het basisstation: frames komen te laat binnen.",
    "join.sending": "Bezig met joinen: de join-accept is onderweg naar het apparaat.",
    "join.sent": "Bezig met joinen: de join-accept is {ago} geleden verzonden; wacht op de eerste uplink.",
    "join.no_uplink": (
        "Er zijn {count} join-accepts verzonden, de laatste {ago} geleden, en er volgde geen uplink: "
        "het apparaat ontvangt ze niet, of weigert de JoinNonce."
    ),
    "join.no_uplink.one": (
        "De join-accept is {ago} geleden verzonden, en er volgde geen uplink: het apparaat ontvangt "
        "hem niet, of weigert de JoinNonce."
    ),
    "join.no_uplink.next": (
        "Controleer antenne en RX-vensters van het apparaat, het zendvermogen van het basisstation, "
        "en of het apparaat eerder met een ander netwerk is gebruikt."
    ),
    # Routing.
    "routing.shadow": (
        "Het apparaat is een schaduw: het netwerk waar het vandaan komt beantwoordt het. Hier wordt alleen "
        "geluisterd; het krijgt niets gestuurd en zijn berichten worden niet afgeleverd."
    ),
    "routing.shadow.next": "Vergelijk beide netwerken met `veldnet migrate compare` en schakel dan om.",
    "routing.none": "Het apparaat heeft geen routeringsprofiel; zijn berichten worden niet afgeleverd.",
    "routing.none.next": "Ken een routeringsprofiel aan het apparaat toe.",
    "routing.no_routes": (
        "Het routeringsprofiel van het apparaat heeft geen routes; zijn berichten worden niet afgeleverd."
    ),
    "routing.no_routes.next": "Voeg een route toe met het adres van uw applicatieserver.",
    "routing.dummy": (
        "Het routeringsprofiel van het apparaat heeft geen routes; zijn berichten worden niet afgeleverd."
    ),
    "routing.plan": "Het connectiviteitsplan van het apparaat omvat geen routering naar applicatieservers.",
    "routing.plan.next": "Kies een connectiviteitsplan met thirdPartyAppServersRouting.",
    "routing.waiting": "{messages} in de wachtrij sinds {since}; {answer}.",
    "routing.waiting.next": (
        "Controleer de applicatieserver; berichten worden opnieuw aangeboden tot ze verlopen."
    ),
    "routing.undelivered": "{messages} van de laatste 24 uur niet afgeleverd; {answer}.",
    "routing.undelivered.next": "Verhelp de oorzaak en lever ze opnieuw af (Niet afgeleverde berichten).",
    "messages": "{count} berichten",
    "messages.one": "1 bericht",
    "messages.many": "{count} of meer berichten",
    "answer.none": "nog niet geprobeerd",
    "answer.last": "laatste antwoord: {error}",
    "answer.from": "{answer} van {address}",
    "answer.at": "{answer} om {time}",
    "answer.next": "{answer}, volgende poging om {time}",
    # Base stations.
    "station.clock.behind": (
        "De klok van basisstation {station} loopt {ago} achter op de onze: zijn tijd is niet gebruikt."
    ),
    "station.clock.ahead": (
        "De klok van basisstation {station} loopt {ago} voor op de onze: zijn tijd is niet gebruikt."
    ),
    "station.clock.behind.next": "Herstel de tijdbron van het basisstation (GPS of NTP).",
    "station.clock.ahead.next": "Herstel de tijdbron van het basisstation (GPS of NTP).",
    "station.untimed": "Basisstation {stations} gaf geen teller (tmst): het kan dit frame niet beantwoorden.",
    "station.fine": (
        "{number} van {total} basisstations gaven een fijne tijdstempel, op de nanoseconde ({stations}). "
        "Voor een positie zijn er drie nodig."
    ),
    "station.untimed.next": "Herstel of vervang de packet forwarder van het basisstation.",
    "station.duplicate": (
        "De EUI van basisstation {station} wordt tegelijk vanaf meerdere adressen gebruikt "
        "({addresses}): wat het ene ontvangt, moet het andere mogelijk beantwoorden."
    ),
    "station.duplicate.next": "Geef elk basisstation een eigen EUI.",
    "station.unreadable": (
        "Basisstation {station} stuurt frames die niet te lezen zijn, {number} tot nu toe; het "
        "laatste {ago} geleden: {reason}"
    ),
    "station.unreadable.next": "Herstel of vervang de packet forwarder van het basisstation.",
    # ThingPark's delivery-failure causes (wireless logger guide).
    "cause.00": "gelukt",
    "cause.A0": "de radio van het basisstation staat uit",
    "cause.A1": "de downlinkradio van het basisstation staat uit",
    "cause.A2": "het slot is niet beschikbaar",
    "cause.A3": "het basisstation is bezig met een ander frame",
    "cause.A4": "het kanaal was bezet (listen before talk)",
    "cause.A5": "de radio van het basisstation kan het niet",
    "cause.A6": "het basisstation gaf een andere fout",
    "cause.B0": "het frame kwam te laat bij het basisstation",
    "cause.C0": "RX2 is bewust gekozen",
    "cause.D0": "het basisstation heeft zijn duty cycle opgebruikt",
    "cause.DA": "de duty cycle van het basisstation is opgebruikt",
    "cause.DB": "het frame duurt langer dan de dwell time toestaat",
    "cause.DC": "er is geen basisstation met gps-tijd in de buurt",
    "cause.DD": "het basisstation is niet verbonden",
    "cause.DE": "de peeringoperator staat het niet toe",
    "cause.DF": "de NetID klopt niet",
    "cause.E0": "er was geen basisstation vrij binnen de tijd van klasse C",
    "cause.E1": "de wachtrij was vol",
    "cause.E2": "zijn downlinkteller was al gebruikt",
    "cause.E3": "zijn geldigheid is verlopen",
    "cause.E4": "de wachtrij is geleegd door een join of reset",
    "cause.other": "oorzaak {code}",
    # Why frames are refused, and the next step.
    "refusal.unknown_dev_eui": "geen apparaat heeft deze DevEUI",
    "refusal.unknown_dev_eui.next": "Maak het apparaat aan, of controleer de EUI op een typefout.",
    "refusal.wrong_mic": "de MIC klopt niet. De AppKey in het apparaat verschilt van de geregistreerde",
    "refusal.wrong_mic.next": "Vergelijk de AppKey (1.1: NwkKey) van het apparaat met de geregistreerde.",
    "refusal.wrong_session_key": (
        "de MIC klopt niet. Het frame is met geen van de sleutels van de sessie ondertekend"
    ),
    "refusal.wrong_session_key.next": (
        "Laat het apparaat opnieuw joinen; controleer bij ABP de NwkSKey en FCnt."
    ),
    "refusal.wrong_join_eui": "het apparaat verstuurt een andere JoinEUI dan de geregistreerde",
    "refusal.wrong_join_eui.next": "Zet de applicationEUI van het apparaat op die welke het verstuurt.",
    "refusal.dev_nonce_replayed": (
        "het gebruikt een DevNonce opnieuw: een replay, of een apparaat dat met dezelfde "
        "toevalsgetallen herstart"
    ),
    "refusal.dev_nonce_replayed.next": (
        "Is het apparaat teruggezet naar de fabrieksinstellingen, reset dan zijn beveiligingscontext."
    ),
    "refusal.dev_nonce_not_rising": "zijn DevNonce stijgt niet: het apparaat is zijn teller kwijt",
    "refusal.dev_nonce_not_rising.next": (
        "Reset zijn beveiligingscontext, en laat het apparaat de DevNonce in permanent geheugen bewaren."
    ),
    "refusal.rj_count_not_rising": "de teller van zijn rejoin-request stijgt niet",
    "refusal.rj_count_not_rising.next": "Laat het apparaat opnieuw joinen met een join-request.",
    "refusal.rejoin_before_1_1": (
        "het verstuurt rejoin-requests, die de versie van zijn apparaatprofiel niet kent"
    ),
    "refusal.rejoin_before_1_1.next": "Geef het een apparaatprofiel van LoRaWAN 1.1.",
    "refusal.no_app_key": "het heeft geen AppKey",
    "refusal.no_app_key.next": "Maak het apparaat opnieuw aan met zijn applicationKey.",
    "refusal.no_nwk_key": "zijn apparaatprofiel is van LoRaWAN 1.1, en het heeft geen NwkKey",
    "refusal.no_nwk_key.next": "Stel zijn NwkKey in, of geef het een apparaatprofiel van LoRaWAN 1.0.x.",
    "refusal.vault_busy": "meer apparaten willen joinen dan de vault van hun HSM-groep op tijd kan bedienen",
    "refusal.vault_busy.next": (
        "Geen actie nodig: het vraagt opnieuw. Houdt dit aan, voeg dan een module aan de vault toe."
    ),
    "refusal.join_kept": (
        "zijn basisstation hield de join-request vast terwijl zijn backhaul weg was; beantwoorden kan "
        "niet meer"
    ),
    "refusal.join_kept.next": "Controleer de backhaul van het basisstation.",
    "refusal.no_timestamp": "zijn basisstation geeft geen teller (tmst), dus is geen join-accept te plannen",
    "refusal.no_timestamp.next": "Herstel of vervang de packet forwarder van het basisstation.",
    "refusal.module_failed": "de module die zijn root key bewaart werkt niet",
    "refusal.module_failed.next": "Zie veldnet admin alarms modules.",
    "refusal.no_session": "de module die zijn root key bewaart heeft geen sessie meer vrij",
    "refusal.no_session.next": "Verlaag keys.sessions.",
    "refusal.no_master_key": "geen module heeft de master key waaronder zijn root key is versleuteld",
    "refusal.no_master_key.next": "Zet hem terug uit zijn back-up: veldnet admin vault restore-master-key",
    "refusal.bad_seal": "zijn root key is door een andere vault versleuteld, of is beschadigd",
    "refusal.bad_seal.next": "Maak het apparaat opnieuw aan met zijn applicationKey.",
    "refusal.unknown_vault": "zijn HSM-groep noemt een vault die niet in de instellingen staat",
    "refusal.unknown_vault.next": "Voeg de vault toe aan keys.vaults.",
    "refusal.shadow": "het is een schaduw, en het netwerk waar het vandaan komt beantwoordt de joins",
    "refusal.shadow.next": "Lees de sessie daar opnieuw (`veldnet migrate`), of beëindig de schaduw.",
    "refusal.device_inactive": "het heeft geen connectiviteitsplan of geen routering",
    "refusal.device_inactive.next": "Ken een connectiviteitsplan en een routeringsprofiel toe.",
    "refusal.region_not_served": "zijn apparaatprofiel is van een regio die dit netwerk niet bedient",
    "refusal.region_not_served.next": (
        "Voeg de regio toe aan network.more_regions, of geef het een ander apparaatprofiel."
    ),
    "refusal.wrong_region": (
        "het zendt op frequenties of datarates van een andere regio dan die van zijn apparaatprofiel"
    ),
    "refusal.wrong_region.next": "Geef het een apparaatprofiel van de regio waarvoor het is gebouwd.",
    "refusal.join_nonces_exhausted": "het heeft alle JoinNonces opgebruikt",
    "refusal.join_nonces_exhausted.next": "Geef het een nieuwe root key.",
    "refusal.counter_replayed": (
        "er kwam een uplinkteller die al gebruikt was: een replay, of een apparaat dat zijn teller kwijt is"
    ),
    "refusal.counter_replayed.next": (
        "Laat het apparaat opnieuw joinen; een apparaat met ABP moet zijn tellers bewaren."
    ),
    "refusal.counter_gap_too_large": "zijn uplinkteller sprong verder dan LoRaWAN voor 1.0.4 toestaat",
    "refusal.counter_gap_too_large.next": "Laat het apparaat opnieuw joinen.",
    "refusal.counter_ended": "zijn uplinkteller heeft zijn einde bereikt",
    "refusal.counter_ended.next": "Laat het apparaat opnieuw joinen.",
    "refusal.repeated_too_often": "het herhaalt een frame meer dan vijftien keer",
    "refusal.repeated_too_often.next": "Controleer het apparaat: mogelijk ontvangt het geen enkele downlink.",
    "refusal.superseded": "intussen is een andere join van het apparaat bediend",
    "refusal.superseded.next": "Geen actie nodig: de nieuwere sessie telt.",
    "refusal.flood": (
        "het basisstation wordt begrensd, omdat het te veel frames van onbekende apparaten stuurt"
    ),
    "refusal.flood.next": "Zoek uit wie erdoor zendt; het herstelt vanzelf.",
    "refusal.foreign_network": "het frame hoort bij een ander netwerk",
    "refusal.foreign_network.next": "Geen actie nodig.",
    "refusal.other": "{code}",
    "refusal.other.next": "Lees het verslag van het frame.",
}
