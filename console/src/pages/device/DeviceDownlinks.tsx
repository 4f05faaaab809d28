import { Alert, Button, Checkbox, Grid, Group, NumberInput, SegmentedControl, Stack, Text, TextInput, Textarea } from "@mantine/core";
import { IconSend, IconTrash } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { $api, api, type Schemas } from "../../api/client";
import { Empty, IfMayChange, Loading, Mono, Panel, Problem, Time, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useConfirm, useTell } from "../../components/notify";
import { hex, number } from "../../format";
import { plainHex } from "../../identifiers";
import { useT } from "../../text";
import { FrameList } from "../FrameList";

type Body = Schemas["NewDownlink"];

export function DeviceDownlinks({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const queries = useQueryClient();
  const params = { params: { path: { deviceRef: device.ref ?? "" } } };
  const waiting = $api.useQuery("get", "/api/v1/devices/{deviceRef}/downlinks", params, { refetchInterval: 3000 });
  const flush = () => confirm(t("downlinks.flushTitle"), t("downlinks.flushText"), t("downlinks.flush"), () => void run(api.DELETE("/api/v1/devices/{deviceRef}/downlinks", params), t("downlinks.flushed")).then(() => queries.invalidateQueries()));
  return (
    <Grid>
      <Grid.Col span={{ base: 12, md: 5 }}><IfMayChange><Send device={device} /></IfMayChange></Grid.Col>
      <Grid.Col span={{ base: 12, md: 7 }}>
        <Stack>
          <Panel title={t("downlinks.waiting")} right={waiting.data?.length ? <IfMayChange><Button size="compact-sm" variant="subtle" color="red" leftSection={<IconTrash size={14} />} onClick={flush}>{t("downlinks.flush")}</Button></IfMayChange> : null}>
            {blocking(waiting) ? <Problem error={waiting.error} /> : !waiting.data ? <Loading rows={2} /> : (
              <DataTable
                label={t("downlinks.waiting")}
                rows={waiting.data}
                id={(row) => row.id}
                minWidth={400}
                empty={<Empty icon={IconSend} title={t("downlinks.none")} text={t("downlinks.noneText")} />}
                columns={[
                  { key: "port", title: "FPort", render: (row) => row.fPort },
                  { key: "payload", title: t("downlinks.payload"), render: (row) => <Mono>{hex(row.payload)}</Mono> },
                  { key: "confirmed", title: t("downlinks.confirmed"), render: (row) => (row.confirmed ? "✓" : "") },
                  { key: "since", title: t("downlinks.since"), render: (row) => <Time at={new Date(row.submittedAt * 1000).toISOString()} short /> },
                  { key: "until", title: t("downlinks.until"), render: (row) => <Time at={row.expiresAt ? new Date(row.expiresAt * 1000).toISOString() : null} short /> },
                ]}
              />
            )}
          </Panel>
          <Panel title={t("downlinks.sent")}><FrameList fixed={{ deviceRef: device.ref ?? "", packetType: "DOWNLINK_DATA,DOWNLINK_MAC_DATA,DOWNLINK_REFUSED" }} height={300} /></Panel>
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

function Send({ device }: { device: Schemas["Device"] }) {
  const t = useT();
  const { run } = useTell();
  const queries = useQueryClient();
  const hsm = Boolean(device.hsmGroupId);
  const [form, setForm] = useState<"payload" | "data">("payload");
  const [fPort, setPort] = useState<number | string>(1);
  const [payload, setPayload] = useState("");
  const [data, setData] = useState("{\n  \n}");
  const [counter, setCounter] = useState<number | string>("");
  const [validity, setValidity] = useState<number | string>("");
  const [confirmed, setConfirmed] = useState(false);
  const [flush, setFlush] = useState(false);
  const [busy, setBusy] = useState(false);
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
    setBusy(true);
    const body: Body = { confirmed, flush, priority: 0, fPort: fPort === "" ? undefined : Number(fPort), validity: validity === "" ? undefined : Number(validity) };
    if (form === "payload") Object.assign(body, { payload: octets, fCntDn: counter === "" ? undefined : Number(counter) });
    else body.data = value as Body["data"];
    await run(api.POST("/api/v1/devices/{deviceRef}/downlinks", { params: { path: { deviceRef: device.ref ?? "" } }, body }), t("downlinks.queued"));
    setBusy(false);
    void queries.invalidateQueries();
  };
  return (
    <Panel title={t("downlinks.send")}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          {hsm && <Alert color="blue" variant="light">{t("downlinks.hsm")}</Alert>}
          <SegmentedControl value={form} onChange={(next) => setForm(next as "payload" | "data")} data={[{ value: "payload", label: t("downlinks.bytes") }, { value: "data", label: t("downlinks.json") }]} aria-label={t("downlinks.form")} disabled={hsm} />
          <NumberInput label="FPort" min={1} max={223} value={fPort} onChange={setPort} />
          {form === "payload" ? (
            <TextInput label={t("downlinks.payloadHex")} value={payload} onChange={(event) => setPayload(event.currentTarget.value)} placeholder="01 A0 FF" error={wrong && t("downlinks.hexWrong")} description={octets && !wrong ? t("downlinks.size", { size: octets.length / 2 }) : undefined} />
          ) : <Textarea label={t("downlinks.jsonText")} value={data} onChange={(event) => setData(event.currentTarget.value)} autosize minRows={4} error={json} styles={{ input: { fontFamily: "monospace" } }} />}
          {form === "payload" && <NumberInput label={t("downlinks.counter")} description={t(hsm ? "downlinks.counterHsm" : "downlinks.counterText")} value={counter} onChange={setCounter} min={0} max={4_294_967_295} required={hsm} />}
          <NumberInput label={t("downlinks.validity")} description={t("downlinks.validityText")} value={validity} onChange={setValidity} min={1} suffix=" s" thousandSeparator=" " />
          <Group><Checkbox label={t("downlinks.confirmed")} checked={confirmed} onChange={(event) => setConfirmed(event.currentTarget.checked)} /><Checkbox label={t("downlinks.flushFirst")} checked={flush} onChange={(event) => setFlush(event.currentTarget.checked)} /></Group>
          <Button type="submit" leftSection={<IconSend size={16} />} loading={busy} disabled={form === "payload" ? !octets || wrong : json !== null}>{t("downlinks.queue")}</Button>
          <Text size="xs" c="dimmed">{t(device.deviceClass === "C" ? "downlinks.classC" : "downlinks.classA", { rate: number(0) })}</Text>
        </Stack>
      </form>
    </Panel>
  );
}
