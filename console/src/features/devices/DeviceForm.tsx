// The form of a new device.
import {
  ActionIcon,
  Alert,
  Button,
  Card,
  Grid,
  Group,
  Select,
  Stack,
  Text,
  TextInput,
  Textarea,
  Tooltip,
} from "@mantine/core";
import { IconDice, IconInfoCircle, IconQrcode } from "@tabler/icons-react";
import { useMemo, useState, type FormEvent, type ReactNode } from "react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { Panel } from "../../components/basics";
import { part } from "../../components/lazy";
import { WorldMap } from "../../components/Map";
import { degrees, placeOf } from "../../components/places";
import { done, useTell } from "../../components/notify";
import { Dialog } from "../../components/dialogs";
import { useUnsaved } from "../../components/edits";
import { isEui, isKey, plainHex, randomHex } from "../../identifiers";
import { useT } from "../../text";
import { modelOf, noChoice, readCodes, useCompleted, useCreation, type NetworkChoice } from "./creating";
import { NetworkFields } from "./NetworkFields";

const Scanner = part(() => import("./Scanner").then((module) => module.Scanner));

type NewDeviceBody = Schemas["Device"];

export interface Created {
  ref: string;
  name: string;
  eui: string;
  /** The AppKey, where it was made here and must be shown once. */
  key: string | null;
}

type Values = Record<string, string>;

/** What is wrong with the values, by their names. */
function useProblems(value: Values, eui: string): Record<string, string | undefined> {
  const t = useT();
  // Somebody else's device cannot be told from a new one; one's own can.
  const same = $api.useQuery(
    "get",
    "/api/v1/devices",
    { params: { query: { search: eui, pageSize: 1 } } },
    { enabled: isEui(eui) },
  );
  const known = same.data?.devices.find((device) => device.EUI === eui);
  return useMemo(() => {
    const number = (text: string | undefined, most: number) =>
      text?.trim() && degrees(text, most) === null ? t("check.degrees", { most }) : undefined;
    const key = plainHex(value.applicationKey ?? "");
    return {
      EUI: !isEui(eui) ? t("check.eui") : known ? t("check.known", { name: known.name ?? "" }) : undefined,
      applicationEUI: value.applicationEUI && !isEui(plainHex(value.applicationEUI)) ? t("check.eui") : undefined,
      applicationKey: !isKey(key) ? t("check.key") : /^(.)\1*$/.test(key) ? t("check.weak") : undefined,
      geoLatitude: number(value.geoLatitude, 90),
      geoLongitude: number(value.geoLongitude, 180),
    };
  }, [eui, known, value, t]);
}

function bodyOf(value: Values, eui: string): NewDeviceBody {
  return {
    EUI: eui,
    name: value.name || undefined,
    applicationEUI: plainHex(value.applicationEUI ?? "") || undefined,
    applicationKey: plainHex(value.applicationKey ?? ""),
    motionIndicator: (value.motionIndicator || undefined) as NewDeviceBody["motionIndicator"],
    administrativeInfo: value.administrativeInfo || undefined,
    geoLatitude: degrees(value.geoLatitude, 90) ?? undefined,
    geoLongitude: degrees(value.geoLongitude, 180) ?? undefined,
  };
}

/** What was typed and chosen for a new device, and what is wrong with it. */
function useNewDevice(initial: Values, choice: NetworkChoice) {
  const [value, setValue] = useState<Values>(initial);
  const [network, setNetwork] = useState(choice);
  const [touched, setTouched] = useState<Set<string>>(new Set());
  const completed = useCompleted(network);
  const saved = useUnsaved(
    network !== choice || Object.entries(value).some(([name, given]) => given !== (initial[name] ?? "")),
  );
  const set = (name: string) => (given: string | null) => setValue((before) => ({ ...before, [name]: given ?? "" }));
  const eui = plainHex(value.EUI ?? "");
  const problems = useProblems(value, eui);
  const field = (name: string) => ({
    value: value[name] ?? "",
    onChange: (event: { currentTarget: { value: string } }) => set(name)(event.currentTarget.value),
    onBlur: () => setTouched((before) => new Set(before).add(name)),
    error: (touched.has(name) || value[name]) && problems[name],
    name,
  });
  const fine = Object.values(problems).every((problem) => !problem) && network.model !== null;
  return {
    value,
    setValue,
    set,
    eui,
    network,
    setNetwork,
    completed,
    touched,
    setTouched,
    problems,
    field,
    fine,
    saved,
  };
}

type NewDevice = ReturnType<typeof useNewDevice>;

/** `title` is given the buttons, to stand beside the heading. */
export function DeviceForm({
  initial = {},
  choice = noChoice,
  title,
  onCreated,
}: {
  initial?: Values;
  choice?: NetworkChoice;
  title: (submit: ReactNode) => ReactNode;
  onCreated: (device: Created) => void;
}) {
  const t = useT();
  const { run } = useTell();
  const made = useNewDevice(initial, choice);
  const creation = useCreation();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const { value, eui, problems, setTouched } = made;
    setTouched(new Set([...Object.keys(problems), "model"]));
    if (!made.fine) return;
    const body = bodyOf(value, eui);
    const created = await run(creation.mutateAsync({ body, network: made.completed }));
    if (!created?.data) return;
    made.saved();
    done(t("newDevice.done", { name: created.data.name ?? "" }));
    onCreated({
      ref: created.data.ref ?? "",
      name: created.data.name ?? "",
      eui,
      key: value.generated === "yes" ? (body.applicationKey ?? "") : null,
    });
  };
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      {title(
        <Button type="submit" loading={creation.isPending}>
          {t("newDevice.submit")}
        </Button>,
      )}
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            <Identity {...made} />
            <Connection {...made} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Place {...made} />
          <Card withBorder mt="md" padding="md">
            <Alert variant="transparent" p={0} icon={<IconInfoCircle size={20} />}>
              <Text size="sm">{t("newDevice.hint")}</Text>
            </Alert>
          </Card>
        </Grid.Col>
      </Grid>
    </form>
  );
}

/** Reading the code on a device: what it says goes into the form. */
function useScan({ setValue, setNetwork }: Pick<NewDevice, "setValue" | "setNetwork">) {
  const t = useT();
  const [scanning, setScanning] = useState(false);
  const scanned = (read: Schemas["ReadCode"]) => {
    setValue((before) => ({
      ...before,
      EUI: read.deviceEUI ?? "",
      applicationEUI: read.joinEUI ?? before.applicationEUI ?? "",
      administrativeInfo:
        before.administrativeInfo || (read.serialNumber ? t("scan.serial", { serial: read.serialNumber }) : ""),
    }));
    const model = modelOf(read);
    if (model) setNetwork((before) => ({ ...before, model }));
    setScanning(false);
    done(t("scan.done", { eui: read.deviceEUI ?? "" }));
  };
  return { scanning, setScanning, scanned };
}

function AppKey({ field, setValue }: Pick<NewDevice, "field" | "setValue">) {
  const t = useT();
  return (
    <TextInput
      label="AppKey"
      description={t("newDevice.keyText")}
      required
      autoComplete="off"
      {...field("applicationKey")}
      rightSection={
        <Tooltip label={t("newDevice.generate")}>
          <ActionIcon
            variant="subtle"
            aria-label={t("newDevice.generate")}
            onClick={() => setValue((before) => ({ ...before, applicationKey: randomHex(16), generated: "yes" }))}
          >
            <IconDice size={18} />
          </ActionIcon>
        </Tooltip>
      }
    />
  );
}

/** Who the device is, which a code on it may say. */
function Identity({ field, setValue, setNetwork }: NewDevice) {
  const t = useT();
  const { scanning, setScanning, scanned } = useScan({ setValue, setNetwork });
  return (
    <>
      <ScanOne opened={scanning} onClose={() => setScanning(false)} onRead={scanned} />
      <Panel
        title={t("newDevice.identity")}
        right={
          <Button
            size="compact-sm"
            variant="light"
            leftSection={<IconQrcode size={16} />}
            aria-haspopup="dialog"
            onClick={() => setScanning(true)}
          >
            {t("scan.one")}
          </Button>
        }
      >
        <Stack>
          <TextInput
            label="DevEUI"
            description={t("newDevice.euiText")}
            placeholder="70B3D5E75E00A1F2"
            required
            styles={{ input: { fontFamily: "monospace" } }}
            {...field("EUI")}
          />
          <TextInput label="JoinEUI (AppEUI)" placeholder="70B3D5E75E000001" {...field("applicationEUI")} />
          <AppKey field={field} setValue={setValue} />
          <TextInput
            label={t("device.name")}
            placeholder={t("newDevice.nameText")}
            maxLength={100}
            {...field("name")}
          />
        </Stack>
      </Panel>
    </>
  );
}

function Connection({ value, set, network, setNetwork, touched }: NewDevice) {
  const t = useT();
  return (
    <Panel title={t("newDevice.network")}>
      <Stack>
        <NetworkFields value={network} onChange={setNetwork} missing={touched.has("model")} />
        <Select
          label={t("device.motion")}
          placeholder={t("newDevice.fromProfile")}
          clearable
          value={value.motionIndicator || null}
          onChange={set("motionIndicator")}
          data={(["NEAR_STATIC", "WALKING_SPEED", "VEHICLE_SPEED", "RANDOM"] as const).map((word) => ({
            value: word,
            label: t(`motion.${word}`),
          }))}
        />
      </Stack>
    </Panel>
  );
}

function Place({ value, setValue, field, eui }: NewDevice) {
  const t = useT();
  const place = placeOf(value.geoLatitude, value.geoLongitude);
  const spot = place
    ? [{ id: "here", ...place, kind: "device" as const, label: value.name || eui, color: "veld" }]
    : [];
  return (
    <Panel title={t("newDevice.place")}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t("newDevice.placeText")}
        </Text>
        <WorldMap
          label={t("newDevice.place")}
          spots={spot}
          height={320}
          onPick={(latitude, longitude) =>
            setValue((before) => ({
              ...before,
              geoLatitude: latitude.toFixed(5),
              geoLongitude: longitude.toFixed(5),
            }))
          }
        />
        <Group grow>
          <TextInput label={t("device.latitude")} {...field("geoLatitude")} />
          <TextInput label={t("device.longitude")} {...field("geoLongitude")} />
        </Group>
        <Textarea label={t("device.info")} autosize minRows={2} maxLength={255} {...field("administrativeInfo")} />
      </Stack>
    </Panel>
  );
}

function ScanOne({
  opened,
  onClose,
  onRead,
}: {
  opened: boolean;
  onClose: () => void;
  onRead: (read: Schemas["ReadCode"]) => void;
}) {
  const t = useT();
  const { failed } = useTell();
  const [problem, setProblem] = useState<string | null>(null);
  const read = (text: string) => {
    readCodes([text]).then(([found]) => {
      setProblem(found?.error ?? null);
      if (found && !found.error) onRead(found);
    }, failed);
  };
  return (
    <Dialog
      opened={opened}
      onClose={() => {
        setProblem(null);
        onClose();
      }}
      title={t("scan.title")}
      size="lg"
    >
      <Stack>
        <Text size="sm" c="dimmed">
          {t("scan.text")}
        </Text>
        <Scanner onCode={read} problem={problem} />
      </Stack>
    </Dialog>
  );
}
