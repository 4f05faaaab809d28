// What the settings of plans and device profiles are called and do. Apart from the other texts, for only operators
// read them. Settings that are not here are shown under the name that the API gives them.
import type { Language } from "../../text";

type Said = Record<Language, [label: string, help: string]>;

export interface SettingGroup {
  title: Record<Language, string>;
  settings: Record<string, Said>;
}

const said = (en: [string, string], nl: [string, string]): Said => ({ en, nl });

export const planGroups: SettingGroup[] = [
  {
    title: { en: "Traffic", nl: "Verkeer" },
    settings: {
      uplinkRate: said(
        ["Uplinks allowed", "Frames per unit of time; 0 switches the limit off."],
        ["Toegestane uplinks", "Frames per tijdseenheid; 0 zet de limiet uit."],
      ),
      uplinkRateUnit: said(
        ["Unit of uplinks", "Time in which they are counted."],
        ["Eenheid uplinks", "Tijd waarin ze worden geteld."],
      ),
      uplinkBucketSize: said(
        ["Uplink burst", "Frames that may come at once after a quiet time."],
        ["Uplinkburst", "Frames die na een stille periode ineens mogen komen."],
      ),
      uplinkRegulatorPolicy: said(
        ["Uplinks over the limit", "What becomes of them."],
        ["Uplinks boven de limiet", "Wat ermee gebeurt."],
      ),
      downlinkRate: said(
        ["Downlinks allowed", "Frames per unit of time; 0 switches the limit off."],
        ["Toegestane downlinks", "Frames per tijdseenheid; 0 zet de limiet uit."],
      ),
      downlinkRateUnit: said(
        ["Unit of downlinks", "Time in which they are counted."],
        ["Eenheid downlinks", "Tijd waarin ze worden geteld."],
      ),
      downlinkBucketSize: said(
        ["Downlink burst", "Frames that may be sent at once after a quiet time."],
        ["Downlinkburst", "Frames die na een stille periode ineens mogen worden verzonden."],
      ),
      downlinkRegulatorPolicy: said(
        ["Downlinks over the limit", "What becomes of them."],
        ["Downlinks boven de limiet", "Wat ermee gebeurt."],
      ),
      downlinkTransmission: said(
        ["Downlinks permitted", "Whether application servers may send to devices."],
        ["Downlinks toegestaan", "Of applicatieservers naar apparaten mogen zenden."],
      ),
      ackedUplinkFrame: said(
        ["Confirmed uplinks permitted", "Whether the network acknowledges them."],
        ["Bevestigde uplinks toegestaan", "Of het netwerk ze bevestigt."],
      ),
      ackedDownlinkFrame: said(
        ["Confirmed downlinks permitted", "Whether devices may be asked to acknowledge."],
        ["Bevestigde downlinks toegestaan", "Of apparaten om bevestiging mag worden gevraagd."],
      ),
      maxDutyCycle: said(
        ["Duty cycle of devices", "Share of the time that a device may send, set with DutyCycleReq."],
        ["Duty cycle van apparaten", "Deel van de tijd dat een apparaat mag zenden, ingesteld met DutyCycleReq."],
      ),
    },
  },
  {
    title: { en: "Delivery", nl: "Aflevering" },
    settings: {
      thirdPartyAppServersRouting: said(
        ["Deliver to application servers", "Whether messages go to the servers of routing profiles."],
        ["Afleveren bij applicatieservers", "Of berichten naar de servers van routeringsprofielen gaan."],
      ),
      maxDestinationPerRoute: said(
        ["Application servers per routing profile", "More are refused; 0 permits none."],
        ["Applicatieservers per routeringsprofiel", "Meer worden geweigerd; 0 staat er geen toe."],
      ),
      downlinkSentIndication: said(
        ["Report downlinks", "Tell application servers what became of each downlink."],
        ["Downlinks melden", "Meld applicatieservers wat er van elke downlink is geworden."],
      ),
      addLrrMetaInfo: said(
        ["Radio metadata", "Base stations, RSSI and SNR in uplink messages."],
        ["Radiometadata", "Basisstations, RSSI en SNR in uplinkberichten."],
      ),
      addPerInfo: said(
        ["Packet error rate", "InstantPER and MeanPER in uplink messages."],
        ["Pakketverlies", "InstantPER en MeanPER in uplinkberichten."],
      ),
      reportDeviceBatteryLevel: said(
        ["Battery level", "In uplink messages, from DevStatusAns."],
        ["Batterijniveau", "In uplinkberichten, uit DevStatusAns."],
      ),
      reportDeviceMargin: said(
        ["Demodulation margin", "In uplink messages, from DevStatusAns."],
        ["Demodulatiemarge", "In uplinkberichten, uit DevStatusAns."],
      ),
      deviceStatusRequestFrequency: said(
        ["Device status requests", "DevStatusReq per unit of time; 0 sends none."],
        ["Statusverzoeken", "DevStatusReq per tijdseenheid; 0 verzendt er geen."],
      ),
      deviceStatusRequestFrequencyUnit: said(["Unit of status requests", ""], ["Eenheid statusverzoeken", ""]),
      uplinkProcessing: said(
        ["Wait for an answer", "How long a server's downlink is waited for before the receive windows."],
        ["Wachten op antwoord", "Hoelang vóór de ontvangstvensters op een downlink van een server wordt gewacht."],
      ),
    },
  },
  {
    title: { en: "Radio and ADR", nl: "Radio en ADR" },
    settings: {
      forceAdaptiveDataRate: said(
        ["Always use ADR", "Also for devices that do not set the ADR bit."],
        ["Altijd ADR gebruiken", "Ook voor apparaten die het ADR-bit niet zetten."],
      ),
      adrVersion: said(
        ["ADR version", "3 aims at a packet error rate, 2 at a signal-to-noise ratio."],
        ["ADR-versie", "3 stuurt op pakketverlies, 2 op signaal-ruisverhouding."],
      ),
      targetPacketErrorRate: said(
        ["Target packet error rate", "Share of frames that may be lost, for ADR 3."],
        ["Doel pakketverlies", "Deel van de frames dat verloren mag gaan, voor ADR 3."],
      ),
      macroDiversityReliability: said(
        ["Reliability of base stations", "Share of the time in which enough of them receive a device."],
        ["Betrouwbaarheid basisstations", "Deel van de tijd waarin genoeg ervan een apparaat ontvangen."],
      ),
      minAntennaDiversity: said(
        ["Antennas at least", "Antennas that should receive a device."],
        ["Minimaal aantal antennes", "Antennes die een apparaat moeten ontvangen."],
      ),
      marginOffset: said(
        ["Margin", "Added to the margin that ADR keeps."],
        ["Marge", "Opgeteld bij de marge die ADR aanhoudt."],
      ),
      nbTransMin: said(
        ["Transmissions at least", "NbTrans of each uplink."],
        ["Minimaal aantal verzendingen", "NbTrans van elke uplink."],
      ),
      nbTransMax: said(
        ["Transmissions at most", "NbTrans of each uplink."],
        ["Maximaal aantal verzendingen", "NbTrans van elke uplink."],
      ),
      nbTransOffset: said(
        ["Transmissions added", "To those that ADR computes."],
        ["Extra verzendingen", "Boven op wat ADR berekent."],
      ),
      spreadingFactorMin: said(["Spreading factor at least", ""], ["Minimale spreidingsfactor", ""]),
      spreadingFactorMax: said(["Spreading factor at most", ""], ["Maximale spreidingsfactor", ""]),
      forceRx2DataRate: said(
        ["RX2 data rate", "Index; instead of that of the device profile."],
        ["RX2-datarate", "Index; in plaats van die van het apparaatprofiel."],
      ),
      forceChannelMask: said(
        ["Channel mask", "Hexadecimal, bit 0 is channel 0, such as 0007."],
        ["Kanaalmasker", "Hexadecimaal, bit 0 is kanaal 0, bijvoorbeeld 0007."],
      ),
      minRx1Delay: said(
        ["RX1 delay at least", "Between an uplink and its first receive window."],
        ["Minimale RX1-vertraging", "Tussen een uplink en zijn eerste ontvangstvenster."],
      ),
      allowClassB: said(["Class B permitted", ""], ["Klasse B toegestaan", ""]),
    },
  },
  {
    title: { en: "Multicast groups", nl: "Multicastgroepen" },
    settings: {
      multicastMaxLrrCells: said(
        ["Base stations of a group", "A group with more is not sent to."],
        ["Basisstations van een groep", "Naar een groep met meer wordt niet gezonden."],
      ),
      multicastInterLrrDelay: said(
        ["Delay between base stations (s)", "Between those near each other, in class C."],
        ["Tijd tussen basisstations (s)", "Tussen basisstations die bij elkaar staan, in klasse C."],
      ),
      multicastMaxTransmissions: said(
        ["Attempts", "How often a base station that failed gets the frame, the first time included."],
        ["Pogingen", "Hoe vaak een basisstation dat faalde het frame krijgt, de eerste keer meegeteld."],
      ),
      multicastCollisionDistance: said(
        ["Collision distance (m)", "Base stations nearer to each other than this do not send at once, in class C."],
        ["Botsingsafstand (m)", "Basisstations die dichter bij elkaar staan zenden niet tegelijk, in klasse C."],
      ),
    },
  },
  {
    title: { en: "Commercial, stored only", nl: "Commercieel, alleen opgeslagen" },
    settings: {
      commercialName: said(["Commercial name", ""], ["Commerciële naam", ""]),
      supplier: said(["Supplier", ""], ["Leverancier", ""]),
      thingParkCloudRouting: said(
        ["ThingPark X routing", "No effect here."],
        ["ThingPark X-routering", "Hier zonder effect."],
      ),
      thingParkKafkaRouting: said(["Kafka routing", "No effect here."], ["Kafka-routering", "Hier zonder effect."]),
      nwGeolocalization: said(
        ["Network geolocation", "The network locates devices by their uplinks and reports where they are."],
        ["Netwerkgeolocatie", "Het netwerk bepaalt uit de uplinks waar apparaten zijn en meldt dat."],
      ),
      nwGeolocAlgo: said(
        ["Geolocation algorithm", "From what positions are found; not set: arrival times, else received power."],
        ["Geolocatiealgoritme", "Waaruit posities volgen; leeg: aankomsttijden, anders ontvangen vermogen."],
      ),
      npAccessControlType: said(
        ["Peering access control", "No effect here."],
        ["Toegang bij peering", "Hier zonder effect."],
      ),
      raAllowed: said(["Roaming activation", "No effect here."], ["Roamingactivering", "Hier zonder effect."]),
      prAllowed: said(["Passive roaming", "No effect here."], ["Passieve roaming", "Hier zonder effect."]),
      hrAllowed: said(["Handover roaming", "No effect here."], ["Handover-roaming", "Hier zonder effect."]),
    },
  },
];

export const profileGroups: SettingGroup[] = [
  {
    title: { en: "Device model", nl: "Apparaatmodel" },
    settings: {
      manufacturerName: said(["Manufacturer", ""], ["Fabrikant", ""]),
      loRaWANMacVersion: said(
        ["LoRaWAN version", "As the maker's datasheet says."],
        ["LoRaWAN-versie", "Volgens het datablad van de fabrikant."],
      ),
      regionalParameterVersion: said(
        ["Regional parameters", "Revision that the device implements."],
        ["Regionale parameters", "Revisie die het apparaat implementeert."],
      ),
      region: said(["Region", "Band in which it transmits."], ["Regio", "Band waarin het zendt."]),
      loRaWANClass: said(
        ["Class", "A listens after uplinks, B at beacons, C always."],
        ["Klasse", "A luistert na uplinks, B bij bakens, C altijd."],
      ),
      motionIndicator: said(
        ["Motion", "How the device usually moves."],
        ["Beweging", "Hoe het apparaat meestal beweegt."],
      ),
      unsupportedMACCommands: said(
        ["Unsupported MAC commands", "Press Enter after each, such as linkADR or devStatus."],
        ["Niet-ondersteunde MAC-commando's", "Druk na elk op Enter, bijvoorbeeld linkADR of devStatus."],
      ),
      applicationLayer: said(
        ["Application layer", "Names and values for application servers."],
        ["Applicatielaag", "Namen en waarden voor applicatieservers."],
      ),
    },
  },
  {
    title: { en: "Receive windows", nl: "Ontvangstvensters" },
    settings: {
      rx1DROffset: said(
        ["RX1 data rate offset", "Between uplink and RX1."],
        ["RX1-datarate-offset", "Tussen uplink en RX1."],
      ),
      rx2DataRate: said(
        ["RX2 data rate", "Index; empty takes that of the region."],
        ["RX2-datarate", "Index; leeg neemt die van de regio."],
      ),
      rx2Frequency: said(
        ["RX2 frequency", "Empty takes that of the region."],
        ["RX2-frequentie", "Leeg neemt die van de regio."],
      ),
      pingSlotDataRate: said(["Ping slot data rate", "Index, class B."], ["Pingslot-datarate", "Index, klasse B."]),
      pingSlotFrequency: said(
        ["Ping slot frequency", "Class B; empty hops as the region says."],
        ["Pingslotfrequentie", "Klasse B; leeg wisselt volgens de regio."],
      ),
      beaconFrequency: said(
        ["Beacon frequency", "Class B; empty hops as the region says."],
        ["Bakenfrequentie", "Klasse B; leeg wisselt volgens de regio."],
      ),
      responseTimeout: said(
        ["Response timeout", "In which a device of class B or C answers a confirmed downlink."],
        ["Antwoordtijd", "Waarin een apparaat van klasse B of C een bevestigde downlink beantwoordt."],
      ),
    },
  },
  {
    title: { en: "Counters and security", nl: "Tellers en beveiliging" },
    settings: {
      wideCounters: said(
        ["32-bit counters", "Switch off for 16-bit frame counters."],
        ["32-bits tellers", "Uit voor 16-bits frametellers."],
      ),
      devNonceCounterBased: said(
        ["DevNonce rises", "Always so from 1.0.4 on."],
        ["DevNonce loopt op", "Vanaf 1.0.4 altijd."],
      ),
      allowABPAutomaticReset: said(
        ["ABP counter may restart", "Whoever recorded frames can then replay them."],
        ["ABP-teller mag herstarten", "Wie frames heeft opgenomen, kan ze dan opnieuw afspelen."],
      ),
      dummyPayloadMaxSize: said(["Dummy payload at most", ""], ["Maximale dummypayload", ""]),
    },
  },
  {
    title: { en: "Application packages", nl: "Applicatiepakketten" },
    settings: {
      clockSyncPort: said(
        [
          "Clock synchronisation port",
          "The network answers requests for the time (TS003), usually on 202; empty: it does not.",
        ],
        [
          "Poort voor kloksynchronisatie",
          "Het netwerk beantwoordt vragen naar de tijd (TS003), meestal op 202; leeg: niet.",
        ],
      ),
      multicastSetupPort: said(
        [
          "Multicast set-up port",
          "Campaigns let devices join a group by it (TS005), usually 200; empty: the model joins none.",
        ],
        [
          "Poort voor multicastgroepen",
          "Campagnes laten apparaten er lid van een groep mee worden (TS005), meestal 200; leeg: kan het model niet.",
        ],
      ),
      fragmentationPort: said(
        [
          "Fragmentation port",
          "Campaigns send files in fragments to it (TS004), usually 201; empty: the model takes none.",
        ],
        [
          "Poort voor fragmentatie",
          "Campagnes sturen er bestanden in fragmenten naartoe (TS004), meestal 201; leeg: kan het model niet.",
        ],
      ),
      firmwarePort: said(
        ["Firmware management port", "Campaigns have firmware started by it (TS006), usually 203; empty: they do not."],
        ["Poort voor firmwarebeheer", "Campagnes laten er firmware mee starten (TS006), meestal 203; leeg: niet."],
      ),
    },
  },
];

export const stationProfileGroups: SettingGroup[] = [
  {
    title: { en: "Reception", nl: "Ontvangst" },
    settings: {
      region: said(
        ["Region", "Without one, the main region of the network."],
        ["Regio", "Zonder regio de hoofdregio van het netwerk."],
      ),
      subBands: said(
        ["Sub-bands", "Of a fixed channel plan, such as US915; empty: those of the network."],
        ["Subbanden", "Van een vast kanaalplan, zoals US915; leeg: die van het netwerk."],
      ),
      chip: said(
        ["Concentrator", "An SX1303 counts as an SX1302."],
        ["Concentrator", "Een SX1303 telt als een SX1302."],
      ),
      concentrators: said(
        ["Number of concentrators", "Each hears eight channels."],
        ["Aantal concentrators", "Elk hoort acht kanalen."],
      ),
    },
  },
  {
    title: { en: "Transmission", nl: "Uitzending" },
    settings: {
      antennaGain: said(
        ["Antenna gain", "With cable losses taken off."],
        ["Antenneversterking", "Na aftrek van kabelverlies."],
      ),
      maxEirp: said(
        ["Highest EIRP", "Downlinks stay below it and below the limit of the region."],
        ["Hoogste EIRP", "Downlinks blijven eronder en onder de grens van de regio."],
      ),
      classB: said(
        ["GPS and class B", "Beacons and ping slots need GPS time."],
        ["GPS en klasse B", "Beacons en ping-slots hebben GPS-tijd nodig."],
      ),
    },
  },
];
