// Choose a device by name or EUI.
import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { $api } from "../api/queries";
import { useT } from "../text";

export function useDeviceOptions(text: string): { value: string; label: string }[] {
  const [settled] = useDebouncedValue(text, 200);
  const found = $api.useQuery("get", "/api/v1/devices", {
    params: { query: { search: settled || undefined, pageSize: 20 } },
  });
  return (found.data?.devices ?? []).map((one) => ({ value: one.ref ?? "", label: `${one.name} (${one.EUI})` }));
}

export function DevicePicker({ value, onChange }: { value: string | null; onChange: (ref: string | null) => void }) {
  const t = useT();
  const [text, setText] = useState("");
  const options = useDeviceOptions(text);
  const known = $api.useQuery(
    "get",
    "/data/lora/thingpark/devices/{deviceRef}",
    { params: { path: { deviceRef: value ?? "" } } },
    { enabled: value !== null },
  ).data;
  const chosen = known?.ref ? [{ value: known.ref, label: `${known.name} (${known.EUI})` }] : [];
  const data = [...chosen.filter((one) => options.every((other) => other.value !== one.value)), ...options];
  return (
    <Select
      aria-label={t("devices.one")}
      placeholder={t("devices.any")}
      searchable
      clearable
      w={{ base: "100%", sm: 320 }}
      value={value}
      onChange={onChange}
      searchValue={text}
      onSearchChange={setText}
      data={data}
      filter={({ options: all }) => all}
    />
  );
}
