import { useNavigate, useParams } from "@tanstack/react-router";
import {
  Badge,
  Button,
  Code,
  Grid,
  Group,
  MultiSelect,
  NumberInput,
  SegmentedControl,
  Select,
  Stack,
  Tabs,
  Text,
  TextInput,
  Textarea,
} from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useEffect, useState, type KeyboardEvent } from "react";
import { anyMembers, type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { options, useProfiles } from "../../api/catalogues";
import { DeleteButton } from "../../components/actions";
import { blocking, IfMayChange, Loading, Mono, PageTitle, Panel, Time } from "../../components/basics";
import { NotShown } from "../../components/missing";
import { same, useUnsaved } from "../../components/edits";
import { done, useConfirm, useTell } from "../../components/notify";
import { hex } from "../../format";
import { plainHex } from "../../identifiers";
import { useSession } from "../../session";
import { asMembers, Units, unitsOf, type Unit } from "./Units";
import { useDecoder, useDeleteDecoder, useSaveDecoder, useTryDecoder } from "./api";
import { useT } from "../../text";
import { helpFirst } from "../../theme";
import { NameField } from "../../components/NameField";

const example = `// LoRa Alliance payload codec (TS013)
function decodeUplink(input) {
  const b = input.bytes;
  return {
    data: {
      temperature: ((b[0] << 24 >> 16) | b[1]) / 100,
      battery: b[2],
    },
  };
}

function encodeDownlink(input) {
  return { fPort: 1, bytes: [input.data.interval >> 8, input.data.interval & 255] };
}
`;

/** A decoder as it is stored, and what somebody makes of it. */
function useDecoderForm(ref: string) {
  const t = useT();
  const navigate = useNavigate();
  const { mayChange } = useSession();
  const { run } = useTell();
  const isNew = ref === "new";
  const found = useDecoder(ref, !isNew);
  const saving = useSaveDecoder(isNew ? null : ref);
  const [name, setName] = useState("");
  const [kind, setKind] = useState<"JAVASCRIPT" | "CAYENNE_LPP">("JAVASCRIPT");
  const [source, setSource] = useState(example);
  const [bound, setBound] = useState<string[]>([]);
  const [units, setUnits] = useState<Unit[]>([]);
  const form = { name, kind, source, bound, units };
  const [begun, setBegun] = useState(form);
  const differs = !same(form, begun);
  const saved = useUnsaved(mayChange && differs);
  useEffect(() => {
    // What somebody is writing stays, whatever becomes of the stored one meanwhile.
    if (!found.data || differs) return;
    const stored = {
      name: found.data.name ?? "",
      kind: found.data.kind ?? "JAVASCRIPT",
      source: found.data.source ?? "",
      bound: found.data.deviceProfileIds ?? [],
      units: unitsOf(found.data.units ?? {}),
    };
    setName(stored.name);
    setKind(stored.kind);
    setSource(stored.source);
    setBound(stored.bound);
    setUnits(stored.units);
    setBegun(stored);
    // Only when it is loaded.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [found.data]);
  const save = async () => {
    const body = {
      name,
      kind,
      source: kind === "JAVASCRIPT" ? source : "",
      deviceProfileIds: bound,
      units: asMembers(units),
    };
    const answer = await run(saving.mutateAsync(body));
    if (!answer?.data) return;
    saved();
    setBegun(form);
    done(t("decoders.saved"));
    if (isNew) void navigate({ to: "/decoders/$ref", params: { ref: answer.data.ref ?? "" } });
  };
  return {
    ...{ isNew, found, name, setName, kind, setKind, source, setSource, bound, setBound, units, setUnits },
    ...{ save, saved },
  };
}

type DecoderForm = ReturnType<typeof useDecoderForm>;

export function DecoderLab() {
  const t = useT();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const { run } = useTell();
  const { ref } = useParams({ from: "/decoders/$ref" });
  const decoder = useDecoderForm(ref);
  const { isNew, found, name, kind, source, units, setUnits, save, saved } = decoder;
  const deletion = useDeleteDecoder(ref);
  if (blocking(found)) return <NotShown error={found.error} retry={() => void found.refetch()} list="/decoders" />;
  if (!isNew && !found.data) return <Loading />;
  const remove = () =>
    confirm(
      t("decoders.deleteTitle", { name }),
      t("decoders.deleteText"),
      t("common.delete"),
      () =>
        void run(deletion.mutateAsync()).then((answer) => {
          if (!answer) return;
          saved();
          void navigate({ to: "/decoders" });
        }),
    );
  return (
    <>
      <PageTitle title={isNew ? t("decoders.new") : name}>
        <IfMayChange>
          {!isNew && <DeleteButton onClick={remove} />}
          <Button onClick={() => void save()} disabled={!name.trim()}>
            {t("common.save")}
          </Button>
        </IfMayChange>
      </PageTitle>
      <Grid>
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Fields {...decoder} />
          <Units units={units} onChange={setUnits} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 6 }}>
          <Lab kind={kind} source={source} />
        </Grid.Col>
      </Grid>
    </>
  );
}

/** Name, profiles, kind and source. */
function Fields({ name, setName, kind, setKind, source, setSource, bound, setBound }: DecoderForm) {
  const t = useT();
  const { mayChange } = useSession();
  const profiles = useProfiles();
  return (
    <Panel>
      <Stack>
        <NameField value={name} onChange={setName} readOnly={!mayChange} />
        <MultiSelect
          label={t("decoders.profiles")}
          description={t("decoders.profilesText")}
          data={options(profiles)}
          value={bound}
          onChange={setBound}
          searchable
          readOnly={!mayChange}
        />
        <SegmentedControl
          aria-label={t("decoders.kind")}
          value={kind}
          onChange={(value) => setKind(value)}
          data={[
            { value: "JAVASCRIPT", label: t("decoders.JAVASCRIPT") },
            { value: "CAYENNE_LPP", label: t("decoders.CAYENNE_LPP") },
          ]}
        />
        {kind === "JAVASCRIPT" ? (
          <Source source={source} setSource={setSource} />
        ) : (
          <Text size="sm" c="dimmed">
            {t("decoders.cayenneText")}
          </Text>
        )}
      </Stack>
    </Panel>
  );
}

function Source({ source, setSource }: Pick<DecoderForm, "source" | "setSource">) {
  const t = useT();
  const { mayChange } = useSession();
  // Tab stays in the text where it stands for indentation; Escape first, and it leaves.
  const indent = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Escape") event.currentTarget.dataset.leave = "yes";
    else if (event.key === "Tab" && !event.shiftKey && event.currentTarget.dataset.leave !== "yes") {
      event.preventDefault();
      const { selectionStart: start, selectionEnd: end } = event.currentTarget;
      setSource(`${source.slice(0, start)}  ${source.slice(end)}`);
    } else delete event.currentTarget.dataset.leave;
  };
  return (
    <Textarea
      label={t("decoders.source")}
      description={t("decoders.sourceText")}
      value={source}
      onChange={(event) => setSource(event.currentTarget.value)}
      onKeyDown={indent}
      autosize
      minRows={16}
      maxRows={34}
      spellCheck={false}
      readOnly={!mayChange}
      styles={{
        input: {
          fontFamily: "var(--mantine-font-family-monospace)",
          fontSize: 13,
          lineHeight: 1.5,
          whiteSpace: "pre",
          overflowX: "auto",
        },
      }}
    />
  );
}

function Lab({ kind, source }: { kind: "JAVASCRIPT" | "CAYENNE_LPP"; source: string }) {
  const t = useT();
  const { run } = useTell();
  const [results, setResults] = useState<Schemas["LabResult"][] | null>(null);
  const trial = useTryDecoder();
  const attempt = async (more: Partial<Schemas["Lab"]>) => {
    const answer = await run(trial.mutateAsync({ kind, source, trials: [], deviceRef: "", ...more }));
    setResults(answer?.data ?? null);
  };
  return (
    <Panel title={t("lab.title")}>
      <Tabs defaultValue="payload">
        <Tabs.List mb="sm">
          <Tabs.Tab value="payload">{t("lab.payload")}</Tabs.Tab>
          <Tabs.Tab value="device">{t("lab.device")}</Tabs.Tab>
          <Tabs.Tab value="encode">{t("lab.encode")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="payload">
          <OfPayload attempt={attempt} pending={trial.isPending} />
        </Tabs.Panel>
        <Tabs.Panel value="device">
          <OfDevice attempt={attempt} pending={trial.isPending} />
        </Tabs.Panel>
        <Tabs.Panel value="encode">
          <Encode attempt={attempt} pending={trial.isPending} />
        </Tabs.Panel>
      </Tabs>
      <Stack mt="md" gap="sm" data-testid="lab-results">
        {results?.map((result, index) => (
          <Result key={index} result={result} />
        ))}
        {results && !results.length && (
          <Text size="sm" c="dimmed">
            {t("lab.nothing")}
          </Text>
        )}
      </Stack>
    </Panel>
  );
}

interface Trial {
  attempt: (more: Partial<Schemas["Lab"]>) => Promise<void>;
  pending: boolean;
}

/** Decodes a payload that is typed. */
function OfPayload({ attempt, pending }: Trial) {
  const t = useT();
  const [payload, setPayload] = useState("0967 5A");
  const [fPort, setPort] = useState<number | string>(1);
  const [received, setReceived] = useState("");
  return (
    <Group align="flex-end">
      <TextInput
        label={t("downlinks.payloadHex")}
        value={payload}
        onChange={(event) => setPayload(event.currentTarget.value)}
        style={{ flex: 1 }}
        styles={{ input: { fontFamily: "monospace" } }}
      />
      <NumberInput label="FPort" value={fPort} onChange={setPort} min={1} max={223} w={90} />
      <TextInput
        type="datetime-local"
        step={1}
        label={t("lab.recvTime")}
        description={t("lab.recvTimeText")}
        inputWrapperOrder={helpFirst}
        value={received}
        onChange={(event) => setReceived(event.currentTarget.value)}
        w={210}
      />
      <Button
        leftSection={<IconPlayerPlay size={16} />}
        loading={pending}
        onClick={() =>
          void attempt({
            trials: [
              {
                payload: plainHex(payload),
                fPort: Number(fPort) || 1,
                recvTime: received ? new Date(received).toISOString() : undefined,
              },
            ],
          })
        }
      >
        {t("lab.run")}
      </Button>
    </Group>
  );
}

/** Decodes the last uplinks of a device. */
function OfDevice({ attempt, pending }: Trial) {
  const t = useT();
  const [device, setDevice] = useState<string | null>(null);
  const [text, setText] = useState("");
  const devices = $api.useQuery("get", "/api/v1/devices", {
    params: { query: { search: text || undefined, pageSize: 20 } },
  });
  return (
    <Group align="flex-end">
      <Select
        label={t("lab.deviceLabel")}
        description={t("lab.deviceText")}
        inputWrapperOrder={helpFirst}
        searchable
        searchValue={text}
        onSearchChange={setText}
        value={device}
        onChange={setDevice}
        data={(devices.data?.devices ?? []).map((one) => ({
          value: one.ref ?? "",
          label: `${one.name} (${one.EUI})`,
        }))}
        filter={({ options: all }) => all}
        style={{ flex: 1 }}
      />
      <Button
        leftSection={<IconPlayerPlay size={16} />}
        loading={pending}
        disabled={!device}
        onClick={() => void attempt({ deviceRef: device ?? "" })}
      >
        {t("lab.run")}
      </Button>
    </Group>
  );
}

/** Encodes an object as a downlink. */
function Encode({ attempt, pending }: Trial) {
  const t = useT();
  const [object, setObject] = useState('{ "interval": 600 }');
  let data: object | null = null;
  try {
    const value: unknown = JSON.parse(object);
    data = typeof value === "object" ? value : null;
  } catch {
    // Shown as an error below.
  }
  return (
    <Stack gap="xs">
      <Textarea
        label={t("lab.object")}
        value={object}
        onChange={(event) => setObject(event.currentTarget.value)}
        autosize
        minRows={3}
        error={data === null && t("downlinks.object")}
        styles={{ input: { fontFamily: "monospace" } }}
      />
      <Group justify="flex-end">
        <Button
          leftSection={<IconPlayerPlay size={16} />}
          loading={pending}
          disabled={data === null}
          onClick={() => void attempt({ encode: data && anyMembers(data) })}
        >
          {t("lab.run")}
        </Button>
      </Group>
    </Stack>
  );
}

function Result({ result }: { result: Schemas["LabResult"] }) {
  const t = useT();
  return (
    <div>
      <Group gap={8}>
        {result.payload && <Mono>{hex(result.payload)}</Mono>}
        {result.fPort > 0 && (
          <Badge variant="default" size="sm">
            FPort {result.fPort}
          </Badge>
        )}
        {result.time && (
          <Text size="xs" c="dimmed">
            <Time at={result.time} />
          </Text>
        )}
      </Group>
      {result.error ? (
        <Text size="sm" className="poor">
          {result.error}
        </Text>
      ) : (
        <Code block mt={4} tabIndex={0}>
          {JSON.stringify(result.result, null, 2)}
        </Code>
      )}
      {warnings(result.result).map((words) => (
        <Text key={words} size="sm" c="orange.8">
          {t("lab.warning", { words })}
        </Text>
      ))}
      {(result.console?.length ?? 0) > 0 && (
        <>
          <Text size="xs" c="dimmed" mt={4}>
            {t("lab.console")}
          </Text>
          <Code block tabIndex={0}>
            {result.console?.join("\n")}
          </Code>
        </>
      )}
    </div>
  );
}

/** The warnings of a result (TS013), whatever a decoder made of them. */
function warnings(result: unknown): string[] {
  const found = result && typeof result === "object" && "warnings" in result ? result.warnings : [];
  return Array.isArray(found)
    ? [...new Set(found.map((one) => (typeof one === "string" ? one : JSON.stringify(one))))]
    : [];
}
