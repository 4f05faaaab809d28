// Which devices a list shows.
import { Select, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { options, type Named } from "../../api/catalogues";
import { useT } from "../../text";
import { alarmLevels, healthStates, type DeviceFilters } from "./model";

interface Props {
  /** What is being typed, which the filters follow. */
  search: string;
  onSearch: (text: string) => void;
  filters: DeviceFilters;
  onChange: (change: Omit<DeviceFilters, "search">) => void;
  catalogues: Catalogues;
}

export interface Catalogues {
  plans: Named[];
  profiles: Named[];
  routing: Named[];
  tags: string[];
}

/** A tag that no device has any more can still be what is asked for. */
const tagsOf = (known: string[], asked: string | undefined) =>
  [...new Set([...known, asked ?? []].flat())].map((tag) => ({ value: tag, label: tag }));

export function Filters({ search, onSearch, filters, onChange, catalogues }: Props) {
  const t = useT();
  const choice = (
    label: string,
    width: number,
    value: string | undefined,
    data: { value: string; label: string }[],
    choose: (value: string | null) => void,
  ) => (
    <Select
      aria-label={label}
      placeholder={label}
      clearable
      searchable={data.length > 6}
      w={width}
      value={value ?? null}
      onChange={choose}
      data={data}
    />
  );
  return (
    <>
      <TextInput
        leftSection={<IconSearch size={16} />}
        placeholder={t("devices.search")}
        aria-label={t("devices.search")}
        value={search}
        w={200}
        onChange={(event) => onSearch(event.currentTarget.value)}
      />
      {choice(
        t("device.health"),
        130,
        filters.healthState,
        healthStates.map((value) => ({ value, label: t(`health.${value}`) })),
        (value) => onChange({ healthState: healthStates.find((one) => one === value) }),
      )}
      {choice(
        t("device.alarms"),
        130,
        filters.alarm,
        alarmLevels.map((value) => ({ value, label: t(`alarmFilter.${value}`) })),
        (value) => onChange({ alarm: alarmLevels.find((one) => one === value) }),
      )}
      {choice(t("device.plan"), 185, filters.connectivityPlanId, options(catalogues.plans), (value) =>
        onChange({ connectivityPlanId: value ?? undefined }),
      )}
      {choice(t("device.profile"), 160, filters.deviceProfileId, options(catalogues.profiles), (value) =>
        onChange({ deviceProfileId: value ?? undefined }),
      )}
      {choice(t("device.routing"), 170, filters.routingProfileId, options(catalogues.routing), (value) =>
        onChange({ routingProfileId: value ?? undefined }),
      )}
      {(catalogues.tags.length > 0 || filters.tag !== undefined) &&
        choice(t("devices.tag"), 120, filters.tag, tagsOf(catalogues.tags, filters.tag), (value) =>
          onChange({ tag: value ?? undefined }),
        )}
    </>
  );
}
