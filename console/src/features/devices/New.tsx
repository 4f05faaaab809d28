import { useNavigate, useSearch } from "@tanstack/react-router";
import {
  ActionIcon,
  Alert,
  Button,
  Card,
  Checkbox,
  Grid,
  Group,
  Select,
  Stack,
  Text,
  TextInput,
  Textarea,
  Tooltip,
} from "@mantine/core";
import { IconDice, IconInfoCircle } from "@tabler/icons-react";
import { useMemo, useState, type FormEvent } from "react";
import { $api, type Schemas } from "../../api/client";
import { options, useHsmGroups, usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { Once, PageTitle, Panel } from "../../components/basics";
import { done, useTell } from "../../components/notify";
import { WorldMap } from "../../components/Map";
import { isEui, isKey, plainHex, randomHex } from "../../identifiers";
import { useCreateDevice } from "./api";
import { useT } from "../../text";
import { useUnsaved } from "../../components/unsaved";

type NewDeviceBody = Schemas["Device"];

export function NewDevice() {
  const t = useT();
  const navigate = useNavigate();
  const { run } = useTell();
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const groups = useHsmGroups();
  // What is known of a device that was heard already.
  const { deviceEUI = "", joinEUI = "" } = useSearch({ from: "/devices/new" });
  const [value, setValue] = useState<Record<string, string>>({ EUI: deviceEUI, applicationEUI: joinEUI });
  const [plain, setPlain] = useState(false);
  const [touched, setTouched] = useState<Set<string>>(new Set());
  const creation = useCreateDevice();
  const [made, setMade] = useState<{ ref: string; key: string } | null>(null);
  const saved = useUnsaved(plain || Object.values(value).some((given) => given !== ""));
  const set = (name: string) => (given: string | null) => setValue((before) => ({ ...before, [name]: given ?? "" }));
  const field = (name: string) => ({
    value: value[name] ?? "",
    onChange: (event: { currentTarget: { value: string } }) => set(name)(event.currentTarget.value),
    onBlur: () => setTouched((before) => new Set(before).add(name)),
    error: (touched.has(name) || value[name]) && problems[name],
    name,
  });
  const eui = plainHex(value.EUI ?? "");
  // Somebody else's device cannot be told from a new one; one's own can.
  const same = $api.useQuery(
    "get",
    "/api/v1/devices",
    { params: { query: { search: eui, pageSize: 1 } } },
    { enabled: isEui(eui) },
  );
  const known = same.data?.devices.find((device) => device.EUI === eui);
  const hsm = value.hsmGroupId || groups[0]?.id || "";
  const profile = value.deviceProfileId || profiles[0]?.id || "";
  const problems = useMemo<Record<string, string | undefined>>(() => {
    const number = (text: string | undefined, most: number) =>
      text && !(Math.abs(Number(text)) <= most) ? t("check.degrees", { most }) : undefined;
    return {
      EUI: !isEui(eui) ? t("check.eui") : known ? t("check.known", { name: known.name ?? "" }) : undefined,
      applicationEUI: value.applicationEUI && !isEui(plainHex(value.applicationEUI)) ? t("check.eui") : undefined,
      applicationKey: !isKey(plainHex(value.applicationKey ?? ""))
        ? t("check.key")
        : /^(.)\1*$/.test(plainHex(value.applicationKey ?? ""))
          ? t("check.weak")
          : undefined,
      geoLatitude: number(value.geoLatitude, 90),
      geoLongitude: number(value.geoLongitude, 180),
    };
  }, [eui, known, value, t]);
  const fine = Object.values(problems).every((problem) => !problem);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTouched(new Set(Object.keys(problems)));
    if (!fine) return;
    const body: NewDeviceBody = {
      EUI: eui,
      name: value.name || undefined,
      activationType: "OTAA",
      applicationEUI: plainHex(value.applicationEUI ?? "") || undefined,
      applicationKey: plainHex(value.applicationKey ?? ""),
      deviceProfileId: profile,
      connectivityPlanId: value.connectivityPlanId || undefined,
      routingProfileId: value.routingProfileId || undefined,
      hsmGroupId: plain ? undefined : hsm || undefined,
      motionIndicator: (value.motionIndicator || undefined) as NewDeviceBody["motionIndicator"],
      administrativeInfo: value.administrativeInfo || undefined,
      geoLatitude: value.geoLatitude ? Number(value.geoLatitude) : undefined,
      geoLongitude: value.geoLongitude ? Number(value.geoLongitude) : undefined,
    };
    const created = await run(creation.mutateAsync({ body, apiVersion: plain ? "v1.1.1" : "v1.2" }));
    if (!created?.data) return;
    saved();
    done(t("newDevice.done", { name: created.data.name ?? "" }));
    if (value.generated) setMade({ ref: created.data.ref ?? "", key: body.applicationKey ?? "" });
    else void navigate({ to: "/devices/$ref", params: { ref: created.data.ref ?? "" } });
  };
  if (made) {
    return (
      <>
        <PageTitle title={t("newDevice.title")} />
        <Stack maw={640}>
          <Once label={t("newDevice.key")} value={made.key} />
          <Group>
            <Button onClick={() => void navigate({ to: "/devices/$ref", params: { ref: made.ref } })}>
              {t("newDevice.open")}
            </Button>
          </Group>
        </Stack>
      </>
    );
  }
  const spot =
    Number(value.geoLatitude) || Number(value.geoLongitude)
      ? [
          {
            id: "here",
            latitude: Number(value.geoLatitude),
            longitude: Number(value.geoLongitude),
            kind: "device" as const,
            label: value.name || eui,
            color: "veld",
          },
        ]
      : [];
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <PageTitle title={t("newDevice.title")}>
        <Button variant="default" onClick={() => void navigate({ to: "/devices" })}>
          {t("common.cancel")}
        </Button>
        <Button type="submit" loading={creation.isPending}>
          {t("newDevice.submit")}
        </Button>
      </PageTitle>
      <Grid>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack>
            <Panel title={t("newDevice.identity")}>
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
                        onClick={() =>
                          setValue((before) => ({
                            ...before,
                            applicationKey: randomHex(16),
                            generated: "yes",
                          }))
                        }
                      >
                        <IconDice size={18} />
                      </ActionIcon>
                    </Tooltip>
                  }
                />
                <TextInput
                  label={t("device.name")}
                  placeholder={t("newDevice.nameText")}
                  maxLength={100}
                  {...field("name")}
                />
              </Stack>
            </Panel>
            <Panel title={t("newDevice.network")}>
              <Stack>
                <Select
                  label={t("device.profile")}
                  data={options(profiles)}
                  value={profile || null}
                  onChange={set("deviceProfileId")}
                  searchable
                  allowDeselect={false}
                  required
                />
                <Select
                  label={t("device.plan")}
                  placeholder={t("newDevice.firstPlan")}
                  clearable
                  value={value.connectivityPlanId || null}
                  onChange={set("connectivityPlanId")}
                  data={plans.map((plan) => ({
                    value: plan.id,
                    label: `${plan.name} (${t("plans.left", { count: plan.grantedConnections - plan.usedConnections })})`,
                    disabled: plan.usedConnections >= plan.grantedConnections,
                  }))}
                />
                <Select
                  label={t("device.routing")}
                  placeholder={t("newDevice.noRouting")}
                  clearable
                  value={value.routingProfileId || null}
                  onChange={set("routingProfileId")}
                  data={options(routing)}
                />
                <Select
                  label={t("device.hsm")}
                  data={options(groups)}
                  value={plain ? null : hsm || null}
                  onChange={set("hsmGroupId")}
                  disabled={plain}
                  allowDeselect={false}
                />
                <Checkbox
                  checked={plain}
                  onChange={(event) => setPlain(event.currentTarget.checked)}
                  label={t("newDevice.plain")}
                  description={t("newDevice.plainText")}
                />
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
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
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
              <Textarea
                label={t("device.info")}
                autosize
                minRows={2}
                maxLength={255}
                {...field("administrativeInfo")}
              />
            </Stack>
          </Panel>
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
