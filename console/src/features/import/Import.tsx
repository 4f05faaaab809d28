import { Alert, Badge, Button, Code, FileButton, Group, Progress, ScrollArea, Stack, Table, Text } from "@mantine/core";
import {
  IconArrowBackUp,
  IconDownload,
  IconFileSpreadsheet,
  IconPlayerPlay,
  IconTestPipe,
  IconUpload,
} from "@tabler/icons-react";
import type { DragEvent } from "react";
import { RowRemoval } from "../../components/actions";
import { IfMayChange, Mono, PageTitle, Panel, Time, Problem } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useConfirm, useTell } from "../../components/notify";
import { refusedRows, templates } from "./csv";
import { save } from "../../download";
import { bytes, number } from "../../format";
import { useImports, useUndoImport } from "./api";
import { useT } from "../../text";
import { SIZE, useImport, type Loaded, type Progressed, type Result } from "./useImport";

type Importing = ReturnType<typeof useImport>;

export function Import() {
  const t = useT();
  const importing = useImport();
  return (
    <>
      <PageTitle title={t("import.title")} below={t("import.below")} />
      <Stack>
        <IfMayChange>
          <Panel>
            <Target {...importing} />
            {importing.problem !== null && <Problem error={importing.problem} />}
            {importing.progress && <Sending {...importing} progress={importing.progress} />}
          </Panel>
        </IfMayChange>
        {importing.results.length > 0 && <Results {...importing} />}
        <Forms />
        <Earlier />
      </Stack>
    </>
  );
}

/** Where a file is dropped or chosen, and what can be done with it. */
function Target(importing: Importing) {
  const t = useT();
  const { file, take } = importing;
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void take(event.dataTransfer.files[0] ?? null);
  };
  return (
    <Stack
      align="center"
      py="lg"
      onDragOver={(event) => event.preventDefault()}
      onDrop={drop}
      style={{ border: "2px dashed var(--mantine-color-default-border)", borderRadius: 12 }}
    >
      <IconFileSpreadsheet size={40} stroke={1.3} />
      {file ? (
        <Text fw={600}>
          {file.name}{" "}
          <Text span c="dimmed" fw={400}>
            {t("import.file", {
              rows: file.csv.rows.length,
              size: bytes(file.size),
              kind: t(file.csv.header !== null ? "import.header" : "import.thingpark"),
            })}
          </Text>
        </Text>
      ) : (
        <Text c="dimmed">{t("import.drop")}</Text>
      )}
      <Do {...importing} />
    </Stack>
  );
}

function Do({ file, progress, tried, take, carryOut }: Importing) {
  const t = useT();
  return (
    <Group justify="center">
      <FileButton
        onChange={(given) => void take(given)}
        accept=".csv,.txt,.tsv,text/csv,text/plain,text/tab-separated-values"
      >
        {(props) => (
          <Button {...props} variant="default" leftSection={<IconUpload size={16} />} disabled={progress !== null}>
            {t("import.choose")}
          </Button>
        )}
      </FileButton>
      <Button
        variant={tried ? "default" : "filled"}
        leftSection={<IconTestPipe size={16} />}
        disabled={!file || progress !== null}
        onClick={() => void carryOut(true)}
      >
        {t("import.dry")}
      </Button>
      <Button
        variant={tried ? "filled" : "default"}
        leftSection={<IconPlayerPlay size={16} />}
        disabled={!file || progress !== null}
        onClick={() => void carryOut(false)}
      >
        {t("import.run", { count: file?.csv.rows.length ?? 0 })}
      </Button>
    </Group>
  );
}

function Sending({ file, progress, stop }: Importing & { progress: Progressed }) {
  const t = useT();
  const rows = file?.csv.rows.length ?? 0;
  return (
    <Group mt="md" wrap="nowrap">
      <Progress value={(100 * progress.at) / progress.of} style={{ flex: 1 }} animated aria-label={t("import.title")} />
      <Text size="sm">
        {number(Math.min(progress.at * SIZE, rows))} / {number(rows)}
      </Text>
      <Button size="xs" variant="default" onClick={stop}>
        {t("import.stop")}
      </Button>
    </Group>
  );
}

function Results({ file, results, tried }: Importing) {
  const t = useT();
  const bad = results.filter((result) => !result.ok);
  return (
    <Panel title={t("import.results")} right={<Counts file={file} bad={bad} good={results.length - bad.length} />}>
      {tried && !bad.length && (
        <Alert color="veld" mb="sm">
          {t("import.ready")}
        </Alert>
      )}
      <ResultTable rows={[...bad, ...results.filter((result) => result.ok)].slice(0, 500)} />
      {results.length > 500 && (
        <Text size="sm" c="dimmed" mt="xs">
          {t("import.first", { count: 500 })}
        </Text>
      )}
    </Panel>
  );
}

/** How many rows went well, and those that did not as a file to mend. */
function Counts({ file, bad, good }: { file: Loaded | null; bad: Result[]; good: number }) {
  const t = useT();
  return (
    <Group gap="xs">
      <Badge color="veld" variant="light">
        {t("import.ok", { count: good })}
      </Badge>
      <Badge color={bad.length ? "red" : "gray"} variant="light">
        {t("import.bad", { count: bad.length })}
      </Badge>
      {file && bad.length > 0 && (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconDownload size={14} />}
          onClick={() =>
            save(
              `refused-${file.name}`,
              refusedRows(file.csv, new Map(bad.map((result) => [result.line, result.outcome]))),
            )
          }
        >
          {t("import.refused")}
        </Button>
      )}
    </Group>
  );
}

function ResultTable({ rows }: { rows: Result[] }) {
  const t = useT();
  const titles = [t("import.line"), t("import.column"), t("import.action"), "DevEUI", t("import.outcome")];
  return (
    <ScrollArea.Autosize mah={420}>
      <Table role="table" stickyHeader aria-label={t("import.results")} className="data cards">
        <Table.Thead role="rowgroup">
          <Table.Tr role="row">
            {titles.map((title) => (
              <Table.Th key={title} role="columnheader">
                {title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody role="rowgroup">
          {rows.map((result) => (
            <Table.Tr key={result.line} role="row">
              <Table.Td role="cell">{result.line}</Table.Td>
              <Table.Td role="cell" data-title={t("import.column")}>
                {result.column}
              </Table.Td>
              <Table.Td role="cell" data-title={t("import.action")}>
                {result.action}
              </Table.Td>
              <Table.Td role="cell" data-title="DevEUI">
                {result.eui && <Mono>{result.eui}</Mono>}
              </Table.Td>
              <Table.Td role="cell" data-title={t("import.outcome")} data-wide className={result.ok ? "good" : "poor"}>
                {result.outcome}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  );
}

/** The forms that files may have. */
function Forms() {
  const t = useT();
  return (
    <Panel title={t("import.forms")}>
      <Stack gap="xs">
        <Group gap="xs">
          {(["header", "thingpark"] as const).map((form) => (
            <Button
              key={form}
              size="xs"
              variant="default"
              leftSection={<IconDownload size={14} />}
              onClick={() => save(templates[form].name, templates[form].text)}
            >
              {t(form === "header" ? "import.template" : "import.templateThingpark")}
            </Button>
          ))}
        </Group>
        <Text size="sm">{t("import.formHeader")}</Text>
        <Code block tabIndex={0}>
          {[
            "name,EUI,applicationEUI,applicationKey,deviceProfileId,connectivityPlanId,hsmGroupId",
            "Tank 7,70B3D5E75E00A1F2,70B3D5E75E000001,8F1C…,LORA/GenericA.1_ETSI_Rx2-SF12,,HSM_1",
          ].join("\n")}
        </Code>
        <Text size="sm">{t("import.formThingpark")}</Text>
      </Stack>
    </Panel>
  );
}

/** Imports of before, which can be undone. */
function Earlier() {
  const t = useT();
  const { run } = useTell();
  const confirm = useConfirm();
  const imports = useImports();
  const undoing = useUndoImport();
  if (!imports.data?.length) return null;
  const undo = (ref: string, count: number) =>
    confirm(
      t("import.undoTitle", { count }),
      t("import.undoText"),
      t("import.undo"),
      () => void run(undoing.mutateAsync(ref), t("import.undone")),
    );
  return (
    <Panel title={t("import.earlier")}>
      <DataTable
        label={t("import.earlier")}
        rows={imports.data}
        id={(row) => row.ref}
        columns={[
          { key: "name", title: t("import.name"), render: (row) => row.name },
          { key: "at", title: t("common.time"), render: (row) => <Time at={row.creationTime} /> },
          { key: "by", title: t("common.by"), render: (row) => row.createdBy },
          {
            key: "devices",
            title: t("nav.devices"),
            align: "right",
            render: (row) => number(row.devices),
          },
          {
            key: "undo",
            title: "",
            align: "right",
            render: (row) =>
              row.undoneTime ? (
                <Text size="sm" c="dimmed">
                  {t("import.undone")}
                </Text>
              ) : row.devices ? (
                <IfMayChange>
                  <RowRemoval leftSection={<IconArrowBackUp size={14} />} onClick={() => undo(row.ref, row.devices)}>
                    {t("import.undo")}
                  </RowRemoval>
                </IfMayChange>
              ) : null,
          },
        ]}
      />
    </Panel>
  );
}
