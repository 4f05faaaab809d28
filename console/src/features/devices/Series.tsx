// Devices scanned one after the other, and created together.
import { ActionIcon, Badge, Box, Button, Grid, Group, Stack, Table, Text, TextInput, Textarea } from "@mantine/core";
import { IconClipboard, IconDice, IconDownload, IconPlayerPlay, IconQrcode, IconTrash } from "@tabler/icons-react";
import { useEffect, useRef, useState, type Dispatch, type SetStateAction } from "react";
import type { Schemas } from "../../api/client";
import { Empty, Mono, PageTitle, Panel } from "../../components/basics";
import { part } from "../../components/lazy";
import { TextLink } from "../../components/links";
import { done, useTell } from "../../components/notify";
import { messageOf } from "../../components/problem";
import { Dialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { save } from "../../download";
import { isKey, plainHex, randomHex } from "../../identifiers";
import { useT } from "../../text";
import { modelOf, noChoice, readCodes, useCompleted, useCreation, type ModelPick } from "./creating";
import { keysIn } from "./keys";
import { NetworkFields } from "./NetworkFields";

const Scanner = part(() => import("./Scanner").then((module) => module.Scanner));
const most = 1000;

interface Scanned {
  eui: string;
  joinEui: string;
  serial: string;
  model: ModelPick | null;
  existing: string | null;
  doubtful: boolean;
  key: string;
  generated: boolean;
  /** Its generated key is in a file. */
  saved?: boolean;
  outcome?: { ref: string } | { error: string };
}

function rowOf(read: Schemas["ReadCode"]): Scanned {
  return {
    eui: read.deviceEUI ?? "",
    joinEui: read.joinEUI ?? "",
    serial: read.serialNumber ?? "",
    model: modelOf(read),
    existing: read.existingRef ?? null,
    doubtful: read.checksumMatches === false,
    key: "",
    generated: false,
  };
}

/** Nobody has its key but this page. */
function holdsKey(row: Scanned): boolean {
  return row.generated && !row.saved && isMade(row);
}

function isMade({ outcome }: Scanned): boolean {
  return outcome !== undefined && "ref" in outcome;
}

function isOpen(row: Scanned): boolean {
  return !row.existing && !isMade(row);
}

type Rows = Dispatch<SetStateAction<Scanned[]>>;

/** What is read of codes joins the rows. */
function useScan(rows: Scanned[], setRows: Rows) {
  const t = useT();
  const known = useRef(new Set<string>());
  useEffect(() => {
    known.current = new Set(rows.map((row) => row.eui));
  }, [rows]);
  const { failed } = useTell();
  const [problem, setProblem] = useState<string | null>(null);
  const reading = useRef<Promise<unknown>>(Promise.resolve());
  const scan = (text: string) => {
    // A paste may have a code on each line.
    const codes = text.split(/[\r\n]+/).filter((line) => line.trim());
    const take = (read: Schemas["ReadCode"][]) => {
      setProblem(read.find((each) => each.error)?.error ?? null);
      const found = read.filter((each) => !each.error).map(rowOf);
      const fresh: Scanned[] = [];
      for (const row of found) {
        if (!known.current.has(row.eui)) fresh.push(row);
        // At once: the same code may be read again before the table shows it.
        known.current.add(row.eui);
      }
      setRows((before) => [...fresh, ...before].slice(0, most));
      const named = (those: Scanned[]) => ({
        eui: those
          .map((row) => row.eui)
          .join(", ")
          .slice(0, 60),
      });
      if (fresh.length) done(t("scan.done", named(fresh)));
      else if (found.length) done(t("scan.again", named(found)));
    };
    // The answer to an earlier code must not replace what a later one says.
    reading.current = reading.current.then(() => readCodes(codes.slice(0, 100)).then(take)).catch(failed);
  };
  return { problem, scan };
}

/** Creates devices of rows, one after the other, until that is stopped. */
function useCreating(change: (eui: string, by: Partial<Scanned>) => void) {
  const t = useT();
  const creation = useCreation();
  const [network, setNetwork] = useState(noChoice);
  const [running, setRunning] = useState(false);
  const [missing, setMissing] = useState(false);
  const completed = useCompleted(network);
  const stopped = useRef(false);
  const create = async (ready: Scanned[]) => {
    if (network.model === null && ready.some((row) => !row.model)) return setMissing(true);
    stopped.current = false;
    setRunning(true);
    for (const row of ready) {
      if (stopped.current) break;
      try {
        const answer = await creation.mutateAsync({
          body: {
            EUI: row.eui,
            applicationEUI: row.joinEui || undefined,
            applicationKey: plainHex(row.key),
            administrativeInfo: row.serial ? t("scan.serial", { serial: row.serial }) : undefined,
          },
          network: row.model ? { ...completed, model: row.model } : completed,
        });
        change(row.eui, { outcome: { ref: answer.data?.ref ?? "" } });
      } catch (error) {
        change(row.eui, { outcome: { error: messageOf(error, t) } });
      }
    }
    setRunning(false);
  };
  const stop = () => {
    stopped.current = true;
  };
  return { network, setNetwork, missing, running, create, stop };
}

export function Series() {
  const t = useT();
  const [rows, setRows] = useState<Scanned[]>([]);
  const open = rows.filter(isOpen);
  useUnsaved(open.length > 0 || rows.some(holdsKey));
  const change = (eui: string, by: Partial<Scanned>) =>
    setRows((before) => before.map((row) => (row.eui === eui ? { ...row, ...by } : row)));
  const { problem, scan } = useScan(rows, setRows);
  const creating = useCreating(change);
  const ready = open.filter((row) => isKey(plainHex(row.key)));
  return (
    <>
      <PageTitle title={t("scan.series")} below={t("scan.seriesBelow")}>
        <SaveKeys rows={rows} setRows={setRows} />
        {creating.running ? (
          <Button variant="default" onClick={creating.stop}>
            {t("import.stop")}
          </Button>
        ) : (
          <Button
            leftSection={<IconPlayerPlay size={16} />}
            disabled={!ready.length}
            onClick={() => void creating.create(ready)}
          >
            {t("scan.create", { count: ready.length })}
          </Button>
        )}
      </PageTitle>
      <Grid>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack>
            <Panel title={t("scan.title")}>
              <Scanner onCode={scan} problem={problem} />
            </Panel>
            <Panel title={t("scan.all")}>
              <NetworkFields value={creating.network} onChange={creating.setNetwork} missing={creating.missing} />
            </Panel>
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <ScannedRows rows={rows} setRows={setRows} change={change} />
        </Grid.Col>
      </Grid>
    </>
  );
}

/** The keys that were made here, which nobody has elsewhere. */
function SaveKeys({ rows, setRows }: RowsProps) {
  const t = useT();
  const generated = rows.filter((row) => row.generated && isMade(row));
  if (!generated.length) return null;
  const keep = () => {
    save("keys.csv", ["EUI,applicationKey", ...generated.map((row) => `${row.eui},${plainHex(row.key)}`)].join("\n"));
    setRows((before) => before.map((row) => (generated.includes(row) ? { ...row, saved: true } : row)));
  };
  return (
    <Button
      variant={rows.some(holdsKey) ? "filled" : "default"}
      leftSection={<IconDownload size={16} />}
      onClick={keep}
    >
      {t("scan.keys")}
    </Button>
  );
}

interface RowsProps {
  rows: Scanned[];
  setRows: Rows;
}

function ScannedRows({ rows, setRows, change }: RowsProps & { change: (eui: string, by: Partial<Scanned>) => void }) {
  const t = useT();
  return (
    <Panel
      title={t("scan.scanned", { count: rows.length })}
      right={rows.length > 0 && <Keys rows={rows} setRows={setRows} />}
    >
      {rows.length ? (
        <Table.ScrollContainer minWidth={280}>
          <Table className="data" aria-label={t("scan.scanned", { count: rows.length })}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>DevEUI, AppKey</Table.Th>
                <Table.Th />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Row
                  key={row.eui}
                  row={row}
                  onKey={(key) => change(row.eui, { key, generated: false })}
                  onRemove={() => setRows((before) => before.filter((each) => each.eui !== row.eui))}
                />
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      ) : (
        <Empty icon={IconQrcode} title={t("scan.empty")} text={t("scan.emptyText")} />
      )}
    </Panel>
  );
}

/** Keys of many rows at once: pasted, or made here. */
function Keys({ rows, setRows }: RowsProps) {
  const t = useT();
  const [pasting, setPasting] = useState(false);
  return (
    <>
      <PasteKeys
        opened={pasting}
        of={new Set(rows.filter(isOpen).map((row) => row.eui))}
        onClose={() => setPasting(false)}
        onKeys={(keys) => {
          setRows((before) =>
            before.map((row) => ({
              ...row,
              key: keys.get(row.eui) ?? row.key,
              generated: row.generated && !keys.has(row.eui),
            })),
          );
          setPasting(false);
        }}
      />
      <Group gap="xs">
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconClipboard size={14} />}
          aria-haspopup="dialog"
          onClick={() => setPasting(true)}
        >
          {t("scan.pasteKeys")}
        </Button>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconDice size={14} />}
          onClick={() =>
            setRows((before) =>
              before.map((row) => (row.key || !isOpen(row) ? row : { ...row, key: randomHex(16), generated: true })),
            )
          }
        >
          {t("scan.generate")}
        </Button>
      </Group>
    </>
  );
}

/** The key stands beside the DevEUI where there is room for all of it, else below; what became of the device takes its place. */
function Row({ row, onKey, onRemove }: { row: Scanned; onKey: (key: string) => void; onRemove: () => void }) {
  const t = useT();
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap="xs" align="flex-start">
          <Box flex="1 1 10rem" miw={0}>
            <Mono>{row.eui}</Mono>
            <Text size="xs" c="dimmed">
              {[row.model && `${row.model.makerName} ${row.model.name}`, row.serial].filter(Boolean).join(" · ")}
            </Text>
            {row.doubtful && (
              <Badge className="named" size="sm" color="orange" variant="light" tt="none">
                {t("scan.checksum")}
              </Badge>
            )}
          </Box>
          <Box flex="1 1 17rem" miw={0}>
            <KeyOrOutcome row={row} onKey={onKey} />
          </Box>
        </Group>
      </Table.Td>
      <Table.Td>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t("scan.remove", { eui: row.eui })}
          disabled={holdsKey(row)}
          onClick={onRemove}
        >
          <IconTrash size={16} />
        </ActionIcon>
      </Table.Td>
    </Table.Tr>
  );
}

function KeyOrOutcome({ row, onKey }: { row: Scanned; onKey: (key: string) => void }) {
  const t = useT();
  const key = plainHex(row.key);
  const made = row.outcome && "ref" in row.outcome ? row.outcome.ref : null;
  if (row.existing || made)
    return (
      <TextLink to="/devices/$ref" params={{ ref: row.existing ?? made ?? "" }} size="sm">
        {t(made ? "scan.created" : "scan.existing")}
      </TextLink>
    );
  return (
    <>
      <TextInput
        size="xs"
        aria-label={t("scan.keyOf", { eui: row.eui })}
        value={row.key}
        onChange={(event) => onKey(event.currentTarget.value)}
        error={key && !isKey(key) ? t("check.key") : undefined}
        autoComplete="off"
        styles={{ input: { fontFamily: "monospace" } }}
      />
      {row.outcome && "error" in row.outcome && (
        <Text size="sm" className="poor">
          {row.outcome.error}
        </Text>
      )}
    </>
  );
}

interface PasteProps {
  /** The DevEUIs for which keys are wanted. */
  of: ReadonlySet<string>;
  onClose: () => void;
  onKeys: (keys: Map<string, string>) => void;
}

function PasteKeys({ opened, ...props }: PasteProps & { opened: boolean }) {
  const t = useT();
  return (
    <Dialog opened={opened} onClose={props.onClose} title={t("scan.pasteKeys")}>
      <PastedKeys of={props.of} onKeys={props.onKeys} />
    </Dialog>
  );
}

function PastedKeys({ of, onKeys }: Omit<PasteProps, "onClose">) {
  const t = useT();
  const [text, setText] = useState("");
  useUnsaved(text !== "");
  const found = keysIn(text);
  const keys = new Map([...found].filter(([eui]) => of.has(eui)));
  return (
    <Stack>
      <Textarea
        label={t("scan.list")}
        description={t("scan.listText")}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        minRows={6}
        autosize
        maxRows={12}
        autoComplete="off"
        data-autofocus
        styles={{ input: { fontFamily: "monospace" } }}
      />
      {found.size > keys.size && (
        <Text size="sm" role="status">
          {t("scan.otherKeys", { count: found.size - keys.size })}
        </Text>
      )}
      <Button disabled={!keys.size} onClick={() => onKeys(keys)}>
        {t("scan.use", { count: keys.size })}
      </Button>
    </Stack>
  );
}
