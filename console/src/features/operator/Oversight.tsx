import { Code, Stack, Text, TextInput } from "@mantine/core";
import { IconClipboardList } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { Empty, Loading, Mono, PageTitle, Panel, Problem, Time, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { TablePage } from "../../components/TablePage";
import { useT } from "../../text";
import { Messages, UndeliveredFilters, usePeriod } from "../undelivered/Undelivered";
import { useFilters } from "../../navigation";

export function NetworkUndelivered() {
  const t = useT();
  const [filters, setFilters] = useFilters("/operator/undelivered");
  const { from, pending } = usePeriod(filters);
  const found = $api.useQuery(
    "get",
    "/api/v1/operator/undelivered",
    { params: { query: { from, pending, limit: 1000 } } },
    { refetchInterval: 10_000 },
  );
  return (
    <>
      <PageTitle title={t("nav.undelivered")} below={t("undelivered.belowOperator")} />
      <UndeliveredFilters filters={filters} onChange={setFilters} />
      <Messages query={found} />
    </>
  );
}

export function Audit() {
  const t = useT();
  const [find, setFind] = useState("");
  const found = $api.useQuery(
    "get",
    "/api/v1/operator/audit",
    { params: { query: { limit: 1000 } } },
    { refetchInterval: 15_000 },
  );
  const rows = useMemo(
    () =>
      (found.data ?? [])
        .map((row, index) => ({ ...row, key: `${row.time}-${index}` }))
        .filter(
          (row) =>
            !find ||
            [row.actor, row.action, row.object, row.deviceEUI, row.deviceName]
              .join(" ")
              .toLowerCase()
              .includes(find.toLowerCase()),
        ),
    [found.data, find],
  );
  return (
    <TablePage
      title={t("nav.audit")}
      below={t("audit.below")}
      query={{ ...found, data: found.data && rows }}
      id={(row) => row.key}
      empty={<Empty icon={IconClipboardList} title={t("audit.none")} text={t("audit.noneText")} />}
      columns={[
        { key: "at", title: t("common.time"), render: (row) => <Time at={row.time} /> },
        { key: "who", title: t("common.by"), render: (row) => row.actor },
        { key: "action", title: t("import.action"), render: (row) => <Mono>{row.action}</Mono> },
        {
          key: "object",
          title: t("audit.object"),
          // What was changed and how is read first.
          width: "50%",
          wide: true,
          render: (row) => (
            <>
              <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                {row.deviceEUI ? (
                  <>
                    {row.deviceName} <Mono>{row.deviceEUI}</Mono>
                  </>
                ) : (
                  row.object
                )}
              </Text>
              <Details of={row.details} />
            </>
          ),
        },
      ]}
    >
      <Find label={t("audit.find")} value={find} onChange={setFind} />
    </TablePage>
  );
}

/** Each member in a line. Values are JSON, so that none can look like another line. */
function Details({ of }: { of: object }) {
  const lines = Object.entries(of).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  if (!lines.length) return null;
  return (
    <Code block p={4} style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
      {lines.join("\n")}
    </Code>
  );
}

interface FindProps {
  label: string;
  value: string;
  onChange: (text: string) => void;
}

function Find({ label, value, onChange }: FindProps) {
  return (
    <TextInput
      mb="sm"
      w={320}
      placeholder={label}
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export function Settings() {
  const t = useT();
  const [find, setFind] = useState("");
  const found = $api.useQuery("get", "/api/v1/operator/settings");
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const sections = [...new Set(found.data.map((setting) => setting.section))];
  const matches = (text: string) => text.toLowerCase().includes(find.toLowerCase());
  return (
    <>
      <PageTitle title={t("nav.settings")} below={t("settings.below")} />
      <Find label={t("offers.find")} value={find} onChange={setFind} />
      <Stack>
        {sections.map((section) => {
          const rows = found.data.filter(
            (setting) => setting.section === section && matches(`${section}.${setting.name} ${setting.help}`),
          );
          if (!rows.length) return null;
          return <SettingTable key={section} title={section || t("settings.general")} settings={rows} />;
        })}
      </Stack>
    </>
  );
}

function SettingTable({ title, settings }: { title: string; settings: Schemas["SettingView"][] }) {
  const t = useT();
  return (
    <Panel title={title}>
      <DataTable
        label={title}
        minWidth={600}
        rows={settings}
        id={(setting) => setting.name}
        columns={[
          { key: "name", title: t("settings.name"), width: "26%", render: (setting) => <Mono>{setting.name}</Mono> },
          { key: "value", title: t("settings.value"), width: "24%", render: (setting) => <Value of={setting.value} /> },
          { key: "help", title: t("settings.help"), wide: true, render: (setting) => <Help setting={setting} /> },
        ]}
      />
    </Panel>
  );
}

function Value({ of }: { of: string | null }) {
  const t = useT();
  if (of !== null) return <Code style={{ wordBreak: "break-all" }}>{of}</Code>;
  return (
    <Text size="sm" c="dimmed">
      {t("settings.hidden")}
    </Text>
  );
}

function Help({ setting }: { setting: Schemas["SettingView"] }) {
  const t = useT();
  return (
    <>
      <Text size="sm">{setting.help}</Text>
      <Text size="xs" c="dimmed" ff="monospace">
        {setting.environment} · {t("settings.default")} {setting.default}
      </Text>
    </>
  );
}
