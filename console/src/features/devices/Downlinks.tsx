import {
  Alert,
  Badge,
  Button,
  Checkbox,
  Grid,
  Group,
  NumberInput,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
  Textarea,
} from "@mantine/core";
import { IconSend, IconTrash } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import type { Schemas } from "../../api/client";
import { Empty, IfMayChange, Loading, Mono, Panel, Problem, Time, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useConfirm, useTell } from "../../components/notify";
import { hex, localTime, relative } from "../../format";
import { plainHex } from "../../identifiers";
import { useUnsaved } from "../../components/unsaved";
import { useDownlinks, useFlushDownlinks, useSendDownlink } from "./api";
import { useT, useTexts, type Key } from "../../text";

type Body = Schemas["NewDownlink"];

type Line = Schemas["DownlinkLine"];

const colors: Record<Line["status"], string> = {
  queued: "gray",
  sending: "blue",
  sent: "veld",
  acknowledged: "veld",
  unacknowledged: "orange",
  failed: "red",
};

export function DeviceDownlinks({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const found = useDownlinks(device.ref ?? "");
  const flushing = useFlushDownlinks(device.ref ?? "");
  const flush = () =>
    confirm(
      t("downlinks.flushTitle"),
      t("downlinks.flushText"),
      t("downlinks.flush"),
      () => void run(flushing.mutateAsync(), t("downlinks.flushed")),
    );
  const waiting = found.data?.some((line) => line.status === "queued");
  return (
    <Grid>
      <IfMayChange>
        <Grid.Col span={{ base: 12, lg: 4 }}>
          <Send device={device} />
        </Grid.Col>
      </IfMayChange>
      <Grid.Col span={{ base: 12, lg: "auto" }}>
        <Panel
          title={t("downlinks.list")}
          right={
            waiting ? (
              <IfMayChange>
                <Button
                  size="compact-sm"
                  variant="subtle"
                  color="red"
                  leftSection={<IconTrash size={14} />}
                  onClick={flush}
                >
                  {t("downlinks.flush")}
                </Button>
              </IfMayChange>
            ) : null
          }
        >
          {blocking(found) ? (
            <Problem error={found.error} retry={() => void found.refetch()} />
          ) : !found.data ? (
            <Loading rows={2} />
          ) : (
            <DataTable
              label={t("downlinks.list")}
              rows={found.data}
              id={(row) => row.id}
              minWidth={560}
              empty={<Empty icon={IconSend} title={t("downlinks.none")} text={t("downlinks.noneText")} />}
              columns={[
                { key: "status", title: t("downlinks.status"), render: (row) => <Status line={row} /> },
                {
                  key: "payload",
                  title: t("downlinks.payload"),
                  render: (row) => <Payload line={row} />,
                },
                { key: "port", title: "FPort", align: "right", render: (row) => row.fPort ?? "–" },
                { key: "counter", title: "FCntDn", align: "right", render: (row) => row.fCntDn ?? "–" },
                {
                  key: "via",
                  title: t("downlinks.via"),
                  render: (row) =>
                    row.baseStationId ? (
                      <>
                        <Mono>{row.baseStationId}</Mono>
                        <Text size="xs" c="dimmed">
                          {row.slot}
                        </Text>
                      </>
                    ) : (
                      "–"
                    ),
                },
                { key: "time", title: t("common.time"), render: (row) => <Time at={row.time} short /> },
              ]}
            />
          )}
        </Panel>
      </Grid.Col>
    </Grid>
  );
}

function Status({ line }: { line: Line }) {
  const t = useT();
  const { language } = useTexts();
  const causes = line.causes.map(({ slot, code }) => `${slot}: ${t(`cause.${code}` as Key)} (${code})`);
  const details: Partial<Record<Line["status"], string | null | undefined>> = {
    queued: line.afterJoin
      ? t("downlinks.afterJoin")
      : line.expires && t("downlinks.expires", { time: localTime(line.expires) }),
    sent: line.confirmed ? t("downlinks.awaited") : null,
    acknowledged:
      line.acknowledgedTime && t("downlinks.acknowledgedAt", { time: relative(line.acknowledgedTime, language) }),
    unacknowledged: t("downlinks.unacknowledgedText"),
    failed: [line.reason, ...causes].filter(Boolean).join(" · "),
  };
  return (
    <>
      <Badge variant="light" color={colors[line.status]} tt="none">
        {t(`downlinks.status.${line.status}`)}
      </Badge>
      {details[line.status] && (
        <Text size="xs" c="dimmed" mt={2} maw={260}>
          {details[line.status]}
        </Text>
      )}
    </>
  );
}

function Payload({ line }: { line: Line }) {
  const t = useT();
  return (
    <>
      {line.payload === null ? (
        <Text size="sm" c="dimmed">
          {t("downlinks.size", { size: line.size })}
        </Text>
      ) : (
        <Text size="sm" maw={240} style={{ overflowWrap: "anywhere" }}>
          <Mono>{hex(line.payload) || "–"}</Mono>
        </Text>
      )}
      {line.confirmed && (
        <Text size="xs" c="dimmed">
          {t("downlinks.confirmedFlag")}
        </Text>
      )}
    </>
  );
}

function Send({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const { run } = useTell();
  const hsm = Boolean(device.hsmGroupId);
  const [form, setForm] = useState<"payload" | "data">("payload");
  const [fPort, setPort] = useState<number | string>(1);
  const [payload, setPayload] = useState("");
  const [data, setData] = useState("{\n  \n}");
  const [counter, setCounter] = useState<number | string>("");
  const [validity, setValidity] = useState<number | string>("");
  const [confirmed, setConfirmed] = useState(false);
  const [flush, setFlush] = useState(false);
  const sending = useSendDownlink(device.ref ?? "");
  const saved = useUnsaved(form === "payload" && payload !== "");
  const octets = plainHex(payload);
  const wrong = payload !== "" && !/^([0-9A-F]{2})+$/.test(octets);
  let value: unknown;
  let json: string | null = null;
  try {
    value = JSON.parse(data);
    if (typeof value !== "object" || value === null || Array.isArray(value)) json = t("downlinks.object");
  } catch (error) {
    json = (error as Error).message;
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const body: Body = {
      confirmed,
      flush,
      priority: 0,
      fPort: fPort === "" ? undefined : Number(fPort),
      validity: validity === "" ? undefined : Number(validity),
    };
    if (form === "payload")
      Object.assign(body, { payload: octets, fCntDn: counter === "" ? undefined : Number(counter) });
    else body.data = value as Body["data"];
    const answer = await run(sending.mutateAsync(body), t("downlinks.queued"));
    if (answer) saved();
  };
  return (
    <Panel title={t("downlinks.send")}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          {hsm && (
            <Alert color="blue" variant="light">
              {t("downlinks.hsm")}
            </Alert>
          )}
          <SegmentedControl
            value={form}
            onChange={(next) => setForm(next)}
            data={[
              { value: "payload", label: t("downlinks.bytes") },
              { value: "data", label: t("downlinks.json") },
            ]}
            aria-label={t("downlinks.form")}
            disabled={hsm}
          />
          <NumberInput label="FPort" min={1} max={223} value={fPort} onChange={setPort} />
          {form === "payload" ? (
            <TextInput
              label={t("downlinks.payloadHex")}
              value={payload}
              onChange={(event) => setPayload(event.currentTarget.value)}
              placeholder="01 A0 FF"
              error={wrong && t("downlinks.hexWrong")}
              description={octets && !wrong ? t("downlinks.size", { size: octets.length / 2 }) : undefined}
            />
          ) : (
            <Textarea
              label={t("downlinks.jsonText")}
              value={data}
              onChange={(event) => setData(event.currentTarget.value)}
              autosize
              minRows={4}
              error={json}
              styles={{ input: { fontFamily: "monospace" } }}
            />
          )}
          {form === "payload" && (
            <NumberInput
              label={t("downlinks.counter")}
              description={t(hsm ? "downlinks.counterHsm" : "downlinks.counterText")}
              value={counter}
              onChange={setCounter}
              min={0}
              max={4_294_967_295}
              required={hsm}
            />
          )}
          <NumberInput
            label={t("downlinks.validity")}
            description={t("downlinks.validityText")}
            value={validity}
            onChange={setValidity}
            min={1}
            allowDecimal={false}
          />
          <Group>
            <Checkbox
              label={t("downlinks.confirmed")}
              checked={confirmed}
              onChange={(event) => setConfirmed(event.currentTarget.checked)}
            />
            <Checkbox
              label={t("downlinks.flushFirst")}
              checked={flush}
              onChange={(event) => setFlush(event.currentTarget.checked)}
            />
          </Group>
          <Button
            type="submit"
            leftSection={<IconSend size={16} />}
            loading={sending.isPending}
            disabled={form === "payload" ? !octets || wrong : json !== null}
          >
            {t("downlinks.queue")}
          </Button>
          <Text size="xs" c="dimmed">
            {t(device.deviceClass === "C" ? "downlinks.classC" : "downlinks.classA")}
          </Text>
        </Stack>
      </form>
    </Panel>
  );
}
