// What the choices of settings are called. Those that are not here are terms, or names of the API that datasheets
// use as well, such as a class or a revision.
import type { Language } from "../../text";

type Words = Record<string, Record<Language, string>>;

const units: Words = {
  HOUR: { en: "Hour", nl: "Uur" },
  DAY: { en: "Day", nl: "Dag" },
  WEEK: { en: "Week", nl: "Week" },
};

const choices: Record<string, Words> = {
  deviceStatusRequestFrequencyUnit: units,
  uplinkRateUnit: units,
  downlinkRateUnit: units,
  uplinkRegulatorPolicy: {
    MARK: { en: "Deliver with a mark", nl: "Afleveren met een markering" },
    DROP: { en: "Record only", nl: "Alleen vastleggen" },
  },
  downlinkRegulatorPolicy: {
    MARK: { en: "Send with a mark", nl: "Verzenden met een markering" },
    DROP: { en: "Refuse", nl: "Weigeren" },
  },
  nwGeolocAlgo: {
    TDOA: { en: "Arrival times (TDOA)", nl: "Aankomsttijden (TDOA)" },
    RSSI: { en: "Received power (RSSI)", nl: "Ontvangen vermogen (RSSI)" },
  },
  npAccessControlType: {
    NONE: { en: "None", nl: "Geen" },
    WHITELIST: { en: "Allow list", nl: "Alleen genoemde" },
    BLACKLIST: { en: "Block list", nl: "Alle behalve genoemde" },
  },
  motionIndicator: {
    NEAR_STATIC: { en: "Near static", nl: "Vrijwel stil" },
    WALKING_SPEED: { en: "Walking speed", nl: "Loopsnelheid" },
    BIKE_SPEED: { en: "Bicycle speed", nl: "Fietssnelheid" },
    VEHICLE_SPEED: { en: "Vehicle speed", nl: "Voertuigsnelheid" },
    RANDOM: { en: "Random", nl: "Willekeurig" },
  },
};

/** A choice of a setting in words. */
export function choiceText(setting: string, choice: string, language: Language): string {
  return choices[setting]?.[choice]?.[language] ?? choice;
}
