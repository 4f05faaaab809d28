// The form that queues a downlink.
import {
  Alert,
  Button,
  Checkbox,
  Group,
  NumberInput,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
  Textarea,
} from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import type { Schemas } from "../../api/client";
import { Panel } from "../../components/basics";
import { useTell } from "../../components/notify";
import { same, useUnsaved } from "../../components/edits";
import { plainHex } from "../../identifiers";
import { useT } from "../../text";
import { useSendDownlink } from "./api";

type Body = Schemas["NewDownlink"];

/** What the form holds, and how it is sent. */
function useDownlink(deviceRef: string, onQueued: (id: string) => void) {
  const t = useT();
  const { run } = useTell();
  const [form, setForm] = useState<"payload" | "data">("payload");
  const [fPort, setPort] = useState<number | string>(1);
  const [payload, setPayload] = useState("");
  const [data, setData] = useState("{\n  \n}");
  const [counter, setCounter] = useState<number | string>("");
  const [validity, setValidity] = useState<number | string>("");
  const [confirmed, setConfirmed] = useState(false);
  const [flush, setFlush] = useState(false);
  const sending = useSendDownlink(deviceRef);
  const given = { fPort, payload, data, counter, validity, confirmed, flush };
  const [sent, setSent] = useState(given);
  useUnsaved(!same(given, sent));
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
    if (!answer) return;
    setSent(given);
    if (answer.data) onQueued(answer.data.id);
  };
  return {
    ...{ form, setForm, fPort, setPort, payload, setPayload, data, setData, counter, setCounter },
    ...{ validity, setValidity, confirmed, setConfirmed, flush, setFlush },
    ...{ octets, wrong, json, submit, pending: sending.isPending },
  };
}

type Values = ReturnType<typeof useDownlink>;

/** The form that queues a downlink; `onQueued` is given its id. */
export function Send({ device, onQueued }: { device: Schemas["Device"]; onQueued: (id: string) => void }) {
  const t = useT();
  const hsm = Boolean(device.hsmGroupId);
  const values = useDownlink(device.ref ?? "", onQueued);
  const { form, setForm, fPort, setPort, validity, setValidity } = values;
  return (
    <Panel title={t("downlinks.send")}>
      <form onSubmit={(event) => void values.submit(event)}>
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
          <Content {...values} hsm={hsm} />
          <NumberInput
            label={t("downlinks.validity")}
            description={t("downlinks.validityText")}
            value={validity}
            onChange={setValidity}
            min={1}
            allowDecimal={false}
          />
          <Choices {...values} />
          <Button
            type="submit"
            leftSection={<IconSend size={16} />}
            loading={values.pending}
            disabled={form === "payload" ? !values.octets || values.wrong : values.json !== null}
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

function Choices({ confirmed, setConfirmed, flush, setFlush }: Values) {
  const t = useT();
  return (
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
  );
}

/** What is sent: octets with a counter of the sender, or an object that the decoder encodes. */
function Content(values: Values & { hsm: boolean }) {
  const t = useT();
  const { form, payload, setPayload, data, setData, counter, setCounter, octets, wrong, json, hsm } = values;
  return (
    <>
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
    </>
  );
}
