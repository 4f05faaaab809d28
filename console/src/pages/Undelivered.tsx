import { Button, Group, Select, Stack, Switch, Text } from "@mantine/core";
import { IconMailCheck, IconRepeat } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { $api, api, type Schemas } from "../api/client";
import { Empty, IfMayChange, Loading, Mono, PageTitle, Problem, Time, blocking } from "../components/basics";
import { DataTable, type Column } from "../components/DataTable";
import { useConfirm, useTell } from "../components/notify";
import { useFilters, useGo } from "../router";
import { useT, type Translate } from "../text";

export type Message = Schemas["UndeliveredMessage"];

export function messageColumns(t: Translate): Column<Message>[] {
  return [
    { key: "at", title: t("alarms.created"), render: (row) => <Time at={row.creationTime} /> },
    { key: "device", title: "DevEUI", render: (row) => <Mono>{row.deviceEUI}</Mono> },
    { key: "as", title: "AS ID", render: (row) => row.asId ?? "–" },
    { key: "message", title: t("logger.message"), render: (row) => row.message },
    { key: "state", title: t("alarms.state"), render: (row) => t(row.state === "pending" ? "undelivered.pending" : "undelivered.given") },
    { key: "error", title: t("undelivered.error"), render: (row) => <Text size="sm" className="poor" inherit>{row.lastError}</Text> },
    { key: "until", title: t("undelivered.until"), render: (row) => <Time at={row.expiryTime} short /> },
  ];
}

export function UndeliveredPage() {
  const t = useT();
  const go = useGo();
  const { run } = useTell();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const [filters, setFilters] = useFilters();
  const days = filters.days ?? "7";
  const pending = filters.pending === "true";
  const from = useMemo(() => new Date(Date.now() - Number(days) * 86_400_000).toISOString(), [days]);
  const found = $api.useQuery("get", "/api/v1/undelivered", { params: { query: { from, pending, limit: 1000 } } }, { refetchInterval: 10_000 });
  const again = () =>
    confirm(t("undelivered.againTitle"), t("undelivered.againText"), t("undelivered.again"), () =>
      void run(api.POST("/api/v1/undelivered/redeliveries", { body: { from, to: new Date(Date.now() + 60_000).toISOString() } }).then(({ data }) => data), t("undelivered.begun")).then(() => queries.invalidateQueries()),
    );
  return (
    <>
      <PageTitle title={t("nav.undelivered")} below={t("undelivered.below")}>
        <IfMayChange><Button leftSection={<IconRepeat size={16} />} onClick={again} disabled={!found.data?.some((row) => row.state !== "pending")}>{t("undelivered.again")}</Button></IfMayChange>
      </PageTitle>
      <Group mb="sm">
        <Select aria-label={t("chart.range")} w={150} allowDeselect={false} value={days} onChange={(value) => setFilters({ days: value ?? undefined })} data={["1", "7", "35"].map((value) => ({ value, label: value === "1" ? t("chart.day") : t("chart.days", { days: value }) }))} />
        <Switch label={t("undelivered.withPending")} checked={pending} onChange={(event) => setFilters({ pending: event.currentTarget.checked ? "true" : undefined })} />
      </Group>
      {blocking(found) ? <Problem error={found.error} retry={() => void found.refetch()} /> : !found.data ? <Loading /> : (
        <Stack gap="xs">
          <DataTable label={t("nav.undelivered")} rows={found.data} columns={messageColumns(t)} id={(row) => row.id} onOpen={(row) => go("/logger", { deviceEUI: row.deviceEUI ?? "", live: "off" })} empty={<Empty icon={IconMailCheck} title={t("undelivered.none")} text={t("undelivered.noneText")} />} />
          {found.data.length === 1000 && <Text size="sm" c="dimmed">{t("undelivered.most")}</Text>}
        </Stack>
      )}
    </>
  );
}
