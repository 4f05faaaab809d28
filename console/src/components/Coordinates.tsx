import { NumberInput } from "@mantine/core";
import { useT } from "../text";

interface Props {
  latitude: number | string;
  setLatitude: (latitude: number | string) => void;
  longitude: number | string;
  setLongitude: (longitude: number | string) => void;
}

/** Two fields, side by side in a group. */
export function Coordinates({ latitude, setLatitude, longitude, setLongitude }: Props) {
  const t = useT();
  return (
    <>
      <NumberInput
        label={t("device.latitude")}
        value={latitude}
        onChange={setLatitude}
        min={-90}
        max={90}
        decimalScale={6}
      />
      <NumberInput
        label={t("device.longitude")}
        value={longitude}
        onChange={setLongitude}
        min={-180}
        max={180}
        decimalScale={6}
      />
    </>
  );
}
