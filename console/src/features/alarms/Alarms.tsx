import { Group, Select } from "@mantine/core";
import { PageTitle } from "../../components/basics";
import { useAssignees } from "./api";
import { AlarmTable } from "./AlarmTable";
import { useT, type Key } from "../../text";
import { useFilters, type FiltersOf } from "../../navigation";

type State = NonNullable<FiltersOf<"/alarms">["state"]>;
const states: readonly State[] = ["CLEARED", "WARNING", "MINOR", "MAJOR", "CRITICAL"];
const mutes = ["true", "false"] as const;
const acks = ["true", "false", "all"] as const;

export function Alarms() {
  const t = useT();
  const [filters, setFilters] = useFilters("/alarms");
  const acked = filters.acked ?? "false";
  const people = useAssignees().data ?? [];
  return (
    <>
      <PageTitle title={t("nav.alarms")} below={t("alarms.below")} />
      <Group mb="sm">
        <Select
          aria-label={t("alarms.state")}
          placeholder={t("alarms.anyState")}
          clearable
          w={190}
          value={filters.state ?? null}
          onChange={(state) => setFilters({ state: states.find((one) => one === state), page: undefined })}
          data={states.map((value) => ({
            value,
            label: value === "CLEARED" ? t("severity.CLEARED") : t("alarms.atLeast", { state: t(`severity.${value}`) }),
          }))}
        />
        <Select
          aria-label={t("alarms.acked")}
          w={190}
          allowDeselect={false}
          value={acked}
          onChange={(value) => setFilters({ acked: acks.find((one) => one === value), page: undefined })}
          data={[
            { value: "false", label: t("alarms.notAcked") },
            { value: "true", label: t("alarms.onlyAcked") },
            { value: "all", label: t("alarms.all") },
          ]}
        />
        <Select
          aria-label={t("alarms.assignee")}
          placeholder={t("alarms.anyAssignee")}
          clearable
          w={190}
          value={filters.assignee ?? null}
          onChange={(assignee) => setFilters({ assignee: assignee ?? undefined, page: undefined })}
          data={[
            { value: "me", label: t("alarms.mine") },
            { value: "none", label: t("alarms.unassigned") },
            ...people.map((one) => ({ value: one.ref, label: one.displayName })),
          ]}
        />
        <Select
          aria-label={t("alarms.muted")}
          placeholder={t("alarms.anyMuted")}
          clearable
          w={190}
          value={filters.muted ?? null}
          onChange={(value) => setFilters({ muted: mutes.find((one) => one === value), page: undefined })}
          data={[
            { value: "true", label: t("alarms.onlyMuted") },
            { value: "false", label: t("alarms.notMuted") },
          ]}
        />
        <Select
          aria-label={t("alarms.type")}
          placeholder={t("alarms.anyType")}
          clearable
          searchable
          w={300}
          value={filters.type ? String(filters.type) : null}
          onChange={(type) => setFilters({ type: type ? Number(type) : undefined, page: undefined })}
          data={Array.from({ length: 16 }, (_, index) => ({
            value: String(index + 1),
            label: `${String(index + 1).padStart(3, "0")} ${t(`alarmType.${index + 1}` as Key)}`,
          }))}
        />
      </Group>
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
