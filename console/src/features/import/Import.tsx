import { Alert, Badge, Button, Code, FileButton, Group, Progress, ScrollArea, Stack, Table, Text } from "@mantine/core";
import {
  IconArrowBackUp,
  IconDownload,
  IconFileSpreadsheet,
  IconPlayerPlay,
  IconTestPipe,
  IconUpload,
} from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type DragEvent } from "react";
import { api, postText } from "../../api/client";
import { refresh } from "../../api/changes";
import { IfMayChange, Mono, PageTitle, Panel, Time } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useUnsaved } from "../../components/edits";
import { done, useConfirm, useTell } from "../../components/notify";
import { answerRows, decode, isWorkbook, parse, parts, refusedRows, templates, type CsvFile } from "./csv";
import { save } from "../../download";
import { bytes, number, withQuery } from "../../format";
import { touchedByImport, useImports, useUndoImport } from "./api";
import { useT } from "../../text";

const SIZE = 50;
const MOST = 50_000_000;

interface Result {
  line: number;
  column: string;
  action: string;
  eui: string;
  outcome: string;
  ok: boolean;
}

interface Loaded {
  name: string;
  size: number;
  csv: CsvFile;
}

export function Import() {
  const t = useT();
  const { failed, run } = useTell();
  const confirm = useConfirm();
  const queries = useQueryClient();
  const imports = useImports();
  const undoing = useUndoImport();
  const [file, setFile] = useState<Loaded | null>(null);
  const [results, setResults] = useState<Result[]>([]);
  const [progress, setProgress] = useState<{ at: number; of: number; dry: boolean } | null>(null);
  const [tried, setTried] = useState(false);
  const stop = useRef(false);

  const take = async (given: File | null) => {
    if (!given) return;
    setResults([]);
    setTried(false);
    if (given.size > MOST) return failed(new Error(t("import.tooLarge", { size: bytes(MOST) })));
    const octets = new Uint8Array(await given.arrayBuffer());
    if (isWorkbook(octets)) return failed(new Error(t("import.workbook", { name: given.name })));
    const text = decode(octets);
    if (text === null) return failed(new Error(t("import.notText", { name: given.name })));
    const csv = parse(text);
    if (!csv.rows.length) return failed(new Error(t("import.notCsv", { name: given.name })));
    setFile({ name: given.name, size: given.size, csv });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void take(event.dataTransfer.files[0] ?? null);
  };
  const carryOut = async (dry: boolean) => {
    if (!file) return;
    stop.current = false;
    setResults([]);
    const split = parts(file.csv, SIZE);
    setProgress({ at: 0, of: split.length, dry });
    const all: Result[] = [];
    let continues: string | undefined;
    try {
      const part = dry ? undefined : (await api.POST("/api/v1/imports", { body: { name: file.name } })).data?.ref;
      for (const [index, { line, text }] of split.entries()) {
        if (stop.current) break;
        const answer = await postText(
          withQuery("/api/v1/devices/import", {
            dryRun: dry || undefined,
            import: part,
            firstLine: line,
            continues,
          }),
          text,
        );
        // A dry run knows what its earlier parts would have done.
        continues = answer.headers.get("x-dry-run") ?? undefined;
        for (const [action = "", eui = "", outcome = "", at = "", column = ""] of answerRows(answer.text)) {
          all.push({ line: Number(at), column, action, eui, outcome, ok: outcome.startsWith("[2") });
        }
        setResults([...all]);
        setProgress({ at: index + 1, of: split.length, dry });
      }
      const bad = all.filter((result) => !result.ok).length;
      if (!dry) done(t("import.done", { count: all.length - bad, failed: bad }));
      setTried(dry);
    } catch (error) {
      failed(error);
    } finally {
      setProgress(null);
      refresh(queries, touchedByImport);
    }
  };
  // The parts of a file that are not sent yet would be lost.
  useUnsaved(progress !== null);
  const undo = (ref: string, count: number) =>
    confirm(
      t("import.undoTitle", { count }),
      t("import.undoText"),
      t("import.undo"),
      () => void run(undoing.mutateAsync(ref), t("import.undone")),
    );
  const bad = results.filter((result) => !result.ok);
  const rows = file ? file.csv.rows.length : 0;
  return (
    <>
      <PageTitle title={t("import.title")} below={t("import.below")} />
      <Stack>
        <IfMayChange>
          <Panel>
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
                      rows,
                      size: bytes(file.size),
                      kind: t(file.csv.header !== null ? "import.header" : "import.thingpark"),
                    })}
                  </Text>
                </Text>
              ) : (
                <Text c="dimmed">{t("import.drop")}</Text>
              )}
              <Group>
                <FileButton
                  onChange={(given) => void take(given)}
                  accept=".csv,.txt,.tsv,text/csv,text/plain,text/tab-separated-values"
                >
                  {(props) => (
                    <Button
                      {...props}
                      variant="default"
                      leftSection={<IconUpload size={16} />}
                      disabled={progress !== null}
                    >
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
                  {t("import.run", { count: rows })}
                </Button>
              </Group>
            </Stack>
            {progress && (
              <Group mt="md" wrap="nowrap">
                <Progress
                  value={(100 * progress.at) / progress.of}
                  style={{ flex: 1 }}
                  animated
                  aria-label={t("import.title")}
                />
                <Text size="sm">
                  {number(Math.min(progress.at * SIZE, rows))} / {number(rows)}
                </Text>
                <Button
                  size="xs"
                  variant="default"
                  onClick={() => {
                    stop.current = true;
                  }}
                >
                  {t("import.stop")}
                </Button>
              </Group>
            )}
          </Panel>
        </IfMayChange>
        {results.length > 0 && (
          <Panel
            title={t("import.results")}
            right={
              <Group gap="xs">
                <Badge color="veld" variant="light">
                  {t("import.ok", { count: results.length - bad.length })}
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
            }
          >
            {tried && !bad.length && (
              <Alert color="veld" mb="sm">
                {t("import.ready")}
              </Alert>
            )}
            <ScrollArea.Autosize mah={420}>
              <Table stickyHeader aria-label={t("import.results")} className="data">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t("import.line")}</Table.Th>
                    <Table.Th>{t("import.column")}</Table.Th>
                    <Table.Th>{t("import.action")}</Table.Th>
                    <Table.Th>DevEUI</Table.Th>
                    <Table.Th>{t("import.outcome")}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {[...bad, ...results.filter((result) => result.ok)].slice(0, 500).map((result) => (
                    <Table.Tr key={result.line}>
                      <Table.Td>{result.line}</Table.Td>
                      <Table.Td>{result.column}</Table.Td>
                      <Table.Td>{result.action}</Table.Td>
                      <Table.Td>
                        <Mono>{result.eui}</Mono>
                      </Table.Td>
                      <Table.Td className={result.ok ? "good" : "poor"}>{result.outcome}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollArea.Autosize>
            {results.length > 500 && (
              <Text size="sm" c="dimmed" mt="xs">
                {t("import.first", { count: 500 })}
              </Text>
            )}
          </Panel>
        )}
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
              {
                "name,EUI,applicationEUI,applicationKey,deviceProfileId,connectivityPlanId,hsmGroupId\nTank 7,70B3D5E75E00A1F2,70B3D5E75E000001,8F1C…,LORA/GenericA.1_ETSI_Rx2-SF12,,HSM_1"
              }
            </Code>
            <Text size="sm">{t("import.formThingpark")}</Text>
          </Stack>
        </Panel>
        {(imports.data?.length ?? 0) > 0 && (
          <Panel title={t("import.earlier")}>
            <DataTable
              label={t("import.earlier")}
              rows={imports.data ?? []}
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
                        <Button
                          size="compact-sm"
                          variant="subtle"
                          color="red"
                          leftSection={<IconArrowBackUp size={14} />}
                          aria-haspopup="dialog"
                          onClick={() => undo(row.ref, row.devices)}
                        >
                          {t("import.undo")}
                        </Button>
                      </IfMayChange>
                    ) : null,
                },
              ]}
            />
          </Panel>
        )}
      </Stack>
    </>
  );
}
