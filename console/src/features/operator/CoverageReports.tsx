// The weekly reports on base stations, and who gets them by e-mail.
import { Button, Group, TagsInput, Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { IfMayChange, Loading, Mono, Panel, Time } from "../../components/basics";
import { countColumn } from "../../components/columns";
import { DataTable } from "../../components/DataTable";
import { same, useDraft } from "../../components/edits";
import { useTell } from "../../components/notify";
import { number, percent } from "../../format";
import { useT } from "../../text";
import { useReport, useReports, useReportRecipients, useSaveReportRecipients } from "./api";

export function CoverageReports({ chosen, onChoose }: { chosen?: string; onChoose: (ref: string) => void }) {
  const t = useT();
  const reports = useReports();
  const rows = reports.data ?? [];
  const ref = chosen ?? rows[0]?.ref;
  return (
    <Panel title={t("report.title")}>
      <Recipients />
      {rows.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t("report.none")}
        </Text>
      ) : (
        <DataTable
          label={t("report.title")}
          rows={rows.slice(0, 10)}
          id={(row) => row.ref}
          onOpen={(row) => onChoose(row.ref)}
          columns={[
            {
              key: "week",
              title: t("report.week"),
              render: (row) => <span style={{ whiteSpace: "nowrap" }}>{row.ref}</span>,
            },
            {
              key: "dependent",
              title: t("report.dependent"),
              align: "right",
              render: (row) => number(row.dependent),
            },
            { key: "idle", title: t("report.idle"), align: "right", render: (row) => number(row.idle) },
            {
              key: "mailed",
              title: t("report.mailed"),
              render: (row) => (row.mailed ? <Time at={row.mailed} short /> : "–"),
            },
          ]}
        />
      )}
      {ref !== undefined && rows.length > 0 && <Report reportRef={ref} />}
    </Panel>
  );
}

function Recipients() {
  const t = useT();
  const { run } = useTell();
  const stored = useReportRecipients();
  const save = useSaveReportRecipients();
  const before = stored.data?.recipients ?? [];
  const [recipients, setRecipients, saved] = useDraft(before);
  return (
    <IfMayChange>
      <Group align="flex-end" mb="md" wrap="nowrap">
        <TagsInput
          style={{ flex: 1 }}
          maxTags={20}
          label={t("report.recipients")}
          placeholder={t("report.recipientsHint")}
          value={recipients}
          onChange={setRecipients}
        />
        <Button
          disabled={same(recipients, before)}
          loading={save.isPending}
          onClick={() =>
            void run(save.mutateAsync({ recipients }), t("report.saved")).then((answer) => answer && saved())
          }
        >
          {t("common.save")}
        </Button>
      </Group>
    </IfMayChange>
  );
}

type StationReport = Schemas["CoverageReport"]["stations"][number];

function Report({ reportRef }: { reportRef: string }) {
  const t = useT();
  const report = useReport(reportRef);
  if (!report.data) return report.isError ? null : <Loading />;
  return (
    <>
      <Text fw={600} mt="md" mb="xs">
        {t("report.of", { day: reportRef })}
      </Text>
      <DataTable<StationReport>
        label={t("report.of", { day: reportRef })}
        rows={report.data.stations}
        id={(row) => row.id}
        minWidth={700}
        columns={[
          {
            key: "name",
            title: t("common.name"),
            value: (row) => row.name,
            render: (row) => (
              <>
                {row.name}
                <Text size="xs" c="dimmed">
                  <Mono>{row.id}</Mono>
                </Text>
              </>
            ),
          },
          {
            key: "connected",
            title: t("history.connected"),
            align: "right",
            value: (row) => row.connected,
            render: (row) => percent(row.connected, 2),
          },
          countColumn({ key: "outages", title: t("history.outages"), count: (row) => row.outages }),
          countColumn({ key: "uplinks", title: t("chart.uplinks"), count: (row) => row.uplinks }),
          countColumn({ key: "only", title: t("worth.only"), count: (row) => row.only }),
          countColumn({ key: "weak", title: t("worth.weak"), count: (row) => row.weak }),
          { key: "nothing", title: "", render: (row) => (row.addsNothing ? t("worth.addsNothing") : "") },
        ]}
      />
    </>
  );
}
