import { Group, Select } from "@mantine/core";
import { PageTitle } from "../../components/basics";
import { useAssignees } from "./api";
import { AlarmTable } from "./AlarmTable";
import { useT, type Key, type Translate } from "../../text";
import { useFilters, type FiltersOf } from "../../navigation";

type State = NonNullable<FiltersOf<"/alarms">["state"]>;
const states: readonly State[] = ["CLEARED", "WARNING", "MINOR", "MAJOR", "CRITICAL"];
const mutes = ["true", "false"] as const;
const acks = ["true", "false", "all"] as const;

export function Alarms() {
  const t = useT();
  const [filters, setFilters] = useFilters("/alarms");
  const acked = filters.acked ?? "false";
  return (
    <>
      <PageTitle title={t("nav.alarms")} below={t("alarms.below")} />
      <AlarmFilters filters={filters} setFilters={setFilters} />
      <AlarmTable
        filters={{
          state: filters.state,
          acked: acked === "all" ? undefined : acked === "true",
          type: filters.type,
          assignee: filters.assignee,
          muted: filters.muted && filters.muted === "true",
        }}
        page={filters.page ?? 1}
        onPage={(page) => setFilters({ page })}
      />
    </>
  );
}

interface FiltersProps {
  filters: FiltersOf<"/alarms">;
  setFilters: (change: Partial<FiltersOf<"/alarms">>) => void;
}

function AlarmFilters({ filters, setFilters }: FiltersProps) {
  const t = useT();
  const people = useAssignees().data ?? [];
  const narrow = (change: FiltersProps["filters"]) => setFilters({ ...change, page: undefined });
  return (
    <Group mb="sm" role="search" aria-label={t("common.filters")}>
      <Filter
        label={t("alarms.state")}
        any={t("alarms.anyState")}
        value={filters.state}
        onChange={(state) => narrow({ state: states.find((one) => one === state) })}
        data={levelsOf(t)}
      />
      <Select
        aria-label={t("alarms.acked")}
        w={190}
        allowDeselect={false}
        value={filters.acked ?? "false"}
        onChange={(value) => narrow({ acked: acks.find((one) => one === value) })}
        data={[
          { value: "false", label: t("alarms.notAcked") },
          { value: "true", label: t("alarms.onlyAcked") },
          { value: "all", label: t("alarms.all") },
        ]}
      />
      <Filter
        label={t("alarms.assignee")}
        any={t("alarms.anyAssignee")}
        value={filters.assignee}
        onChange={(assignee) => narrow({ assignee: assignee ?? undefined })}
        data={[
          { value: "me", label: t("alarms.mine") },
          { value: "none", label: t("alarms.unassigned") },
          ...people.map((one) => ({ value: one.ref, label: one.displayName })),
        ]}
      />
      <Filter
        label={t("alarms.muted")}
        any={t("alarms.anyMuted")}
        value={filters.muted}
        onChange={(value) => narrow({ muted: mutes.find((one) => one === value) })}
        data={[
          { value: "true", label: t("alarms.onlyMuted") },
          { value: "false", label: t("alarms.notMuted") },
        ]}
      />
      <Filter
        label={t("alarms.type")}
        any={t("alarms.anyType")}
        width={300}
        value={filters.type ? String(filters.type) : undefined}
        onChange={(type) => narrow({ type: type ? Number(type) : undefined })}
        data={typesOf(t)}
      />
    </Group>
  );
}

const levelsOf = (t: Translate) =>
  states.map((value) => ({
    value,
    label: value === "CLEARED" ? t("severity.CLEARED") : t("alarms.atLeast", { state: t(`severity.${value}`) }),
  }));

/** ThingPark's, and those of areas. */
const deviceAlarms = [...Array.from({ length: 16 }, (_, index) => index + 1), 207, 208];

const typesOf = (t: Translate) =>
  deviceAlarms.map((type) => ({
    value: String(type),
    label: `${String(type).padStart(3, "0")} ${t(`alarmType.${type}` as Key)}`,
  }));

interface FilterProps {
  label: string;
  /** What is said where nothing is chosen. */
  any: string;
  value: string | undefined;
  onChange: (value: string | null) => void;
  data: { value: string; label: string }[];
  width?: number;
}

/** One choice; a long list can be searched. */
function Filter({ label, any, value, onChange, data, width = 190 }: FilterProps) {
  return (
    <Select
      aria-label={label}
      placeholder={any}
      clearable
      searchable={width > 190}
      w={width}
      value={value ?? null}
      onChange={onChange}
      data={data}
    />
  );
}
