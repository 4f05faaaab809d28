// Registers a base station, or changes one.
import { Button, Group, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { WorldMap } from "../../components/Map";
import { placeOf } from "../../components/places";
import { isEui, plainHex } from "../../identifiers";
import { useSaveStation, useStationProfiles } from "./api";
import { useT } from "../../text";
import { same } from "../../components/edits";
import { Coordinates } from "../../components/Coordinates";
import { NameField } from "../../components/NameField";
import { useSaving } from "../../components/saving";

type Station = Schemas["StationView"];

interface Props {
  station?: Station;
  eui?: string;
  /** Is told the id of a base station that was registered. */
  onSaved?: (id: string) => void;
}

/** What the form holds, at first that of a base station that is changed, and how it is saved. */
function useStationForm({ station, eui, onSaved }: Props) {
  const t = useT();
  const saving = useSaveStation(station?.id);
  const [gatewayEUI, setEui] = useState(station?.gatewayEUI ?? eui ?? "");
  const [name, setName] = useState(station?.name ?? "");
  const [latitude, setLatitude] = useState<number | string>(station?.latitude ?? "");
  const [longitude, setLongitude] = useState<number | string>(station?.longitude ?? "");
  const [altitude, setAltitude] = useState<number | string>(station?.altitude ?? "");
  const [power, setPower] = useState<number | string>(station?.maxTxPower ?? "");
  const [gain, setGain] = useState<number | string>(station?.antennaGain ?? "");
  const [profileId, setProfile] = useState(station?.profileId ?? "default");
  const profiles = useStationProfiles();
  const store = useSaving(
    !same(
      [gatewayEUI, name, latitude, longitude, altitude, power, gain, profileId],
      [
        station?.gatewayEUI ?? eui ?? "",
        station?.name ?? "",
        ...[station?.latitude, station?.longitude, station?.altitude, station?.maxTxPower, station?.antennaGain].map(
          (given) => given ?? "",
        ),
        station?.profileId ?? "default",
      ],
    ),
  );
  const wrong = gatewayEUI !== "" && !isEui(plainHex(gatewayEUI));
  const value = (given: number | string) => (given === "" ? null : Number(given));
  const save = async () => {
    const body = {
      name,
      latitude: value(latitude),
      longitude: value(longitude),
      altitude: value(altitude),
      maxTxPower: value(power),
      antennaGain: value(gain),
      // The default one is made with the first base station.
      profileId: profiles.data?.length ? profileId : null,
    };
    const answer = await store(saving.mutateAsync({ ...body, gatewayEUI: plainHex(gatewayEUI) }), t("stations.saved"));
    if (answer) onSaved?.(answer.id);
  };
  return {
    ...{ gatewayEUI, setEui, name, setName, profileId, setProfile, profiles, wrong, save },
    ...{ latitude, setLatitude, longitude, setLongitude, altitude, setAltitude, power, setPower, gain, setGain },
  };
}

type StationValues = ReturnType<typeof useStationForm>;

export function StationForm({ station, eui, onSaved }: Props) {
  const t = useT();
  const form = useStationForm({ station, eui, onSaved });
  const { gatewayEUI, setEui, name, setName, profileId, setProfile, profiles, wrong, save } = form;
  return (
    <Stack>
      <TextInput
        label="EUI"
        value={gatewayEUI}
        onChange={(event) => setEui(event.currentTarget.value)}
        disabled={Boolean(station)}
        required
        error={wrong && t("check.eui")}
      />
      <NameField value={name} onChange={setName} data-autofocus />
      {(profiles.data?.length ?? 0) > 0 && (
        <Select
          label={t("stations.profile")}
          allowDeselect={false}
          value={profileId}
          onChange={(given) => setProfile(given ?? profileId)}
          data={(profiles.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
        />
      )}
      <Place {...form} />
      <Power {...form} />
      <PlaceOnMap {...form} fit={station?.id} />
      <Button onClick={() => void save()} disabled={!name.trim() || (!station && !isEui(plainHex(gatewayEUI)))}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}

function Place({ altitude, setAltitude, ...place }: StationValues) {
  const t = useT();
  return (
    <Group grow align="flex-start">
      <Coordinates {...place} />
      <NumberInput label={t("stations.altitude")} value={altitude} onChange={setAltitude} suffix=" m" />
    </Group>
  );
}

function Power({ power, setPower, gain, setGain }: StationValues) {
  const t = useT();
  return (
    <Group grow align="flex-start">
      <NumberInput
        label={t("stations.maxTxPower")}
        value={power}
        onChange={setPower}
        min={-10}
        max={36}
        decimalScale={0}
        suffix=" dBm"
      />
      <NumberInput
        label={t("stations.antennaGain")}
        value={gain}
        onChange={setGain}
        min={-10}
        max={30}
        decimalScale={1}
        suffix=" dBi"
        placeholder={t("stations.ofProfile")}
      />
    </Group>
  );
}

/** The place can be chosen on a map, too. */
function PlaceOnMap({ name, latitude, setLatitude, longitude, setLongitude, fit }: StationValues & { fit?: string }) {
  const t = useT();
  const place = placeOf(latitude, longitude);
  const here = place ? [{ id: "here", ...place, kind: "station" as const, label: name, color: "veld" }] : [];
  return (
    <WorldMap
      label={t("device.place")}
      spots={here}
      height={240}
      fit={fit}
      onPick={(north, east) => {
        setLatitude(Number(north.toFixed(5)));
        setLongitude(Number(east.toFixed(5)));
      }}
    />
  );
}
