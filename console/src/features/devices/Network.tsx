import { Alert, Badge, Button, Grid, Group, Select, Stack, Table, Text, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { api, ApiError, type Schemas } from "../../api/client";
import { options, usePlans, useProfiles, useRouting } from "../../api/catalogues";
import { Facts, Loading, Mono, Panel, Problem, Time, blocking } from "../../components/basics";
import { done, useTell } from "../../components/notify";
import { number } from "../../format";
import { useSession } from "../../session";
import { useChangeDevice, useSessionOf } from "./api";
import { RootKeys } from "./RootKeys";
import { Tags } from "./Tags";
import { useT } from "../../text";
import { useUnsaved } from "../../components/edits";
import { Conflict } from "../../components/Conflict";

export function DeviceNetwork({ device }: { device: Schemas["Device"] }) {
  return (
    <Grid>
      <Grid.Col span={{ base: 12, md: 5 }}>
        <Stack>
          <Settings deviceRef={device.ref ?? ""} />
          <Tags deviceRef={device.ref ?? ""} />
          <RootKeys device={device} />
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 7 }}>
        <SessionView deviceRef={device.ref ?? ""} />
      </Grid.Col>
    </Grid>
  );
}

/** Settings as they were when this was opened: who saves what somebody else has changed since is told. */
function useSettings(deviceRef: string) {
  const t = useT();
  const { failed } = useTell();
  const { mayChange } = useSession();
  const [opened, setOpened] = useState<{ device: Schemas["Device"]; etag: string } | null>(null);
  const [change, setChange] = useState<Record<string, string>>({});
  const [conflict, setConflict] = useState(false);
  const saving = useChangeDevice(deviceRef);
  const open = async () => {
    try {
      const { data, response } = await api.GET("/data/lora/thingpark/devices/{deviceRef}", {
        params: { path: { deviceRef } },
      });
      if (data) setOpened({ device: data, etag: response.headers.get("etag") ?? "*" });
      setChange({});
      setConflict(false);
    } catch (error) {
      failed(error);
    }
  };
  useEffect(() => void open(), [deviceRef]); // eslint-disable-line react-hooks/exhaustive-deps
  const saved = useUnsaved(mayChange && Object.keys(change).length > 0);
  const value = (name: keyof Schemas["Device"]) => change[name] ?? (opened?.device[name] as string | undefined) ?? "";
  const set = (name: string) => (given: string | null) => setChange((before) => ({ ...before, [name]: given ?? "" }));
  const save = async () => {
    const body = Object.fromEntries(
      Object.entries(change).map(([name, given]) => [
        name,
        given === "" && (name === "connectivityPlanId" || name === "routingProfileId") ? "reset" : given,
      ]),
    );
    try {
      await saving.mutateAsync({ body, etag: opened?.etag ?? "*" });
      done(t("device.saved"));
      saved();
      await open();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) setConflict(true);
      else failed(error);
    }
  };
  return { opened, open, change, conflict, value, set, save, saving: saving.isPending };
}

/** What they are, for those who may not change them. */
function ReadOnly({ name, value }: Pick<ReturnType<typeof useSettings>, "value"> & { name?: string }) {
  const t = useT();
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const named = (items: { id?: string; name?: string }[], id: string) =>
    items.find((item) => item.id === id)?.name ?? id;
  return (
    <Panel title={t("device.settings")}>
      <Facts
        items={[
          [t("device.name"), name],
          [t("device.profile"), named(profiles, value("deviceProfileId"))],
          [t("device.plan"), named(plans, value("connectivityPlanId")) || t("device.noPlan")],
          [t("device.routing"), named(routing, value("routingProfileId")) || t("device.noRouting")],
          ["JoinEUI", value("applicationEUI") || "–"],
        ]}
      />
    </Panel>
  );
}

function Settings({ deviceRef }: { deviceRef: string }) {
  const t = useT();
  const { mayChange } = useSession();
  const plans = usePlans();
  const profiles = useProfiles();
  const routing = useRouting();
  const { opened, open, change, conflict, value, set, save, saving } = useSettings(deviceRef);
  if (!opened) return <LoadingPanel />;
  if (!mayChange) return <ReadOnly name={opened.device.name} value={value} />;
  return (
    <Panel title={t("device.settings")}>
      <Stack>
        {conflict && <Conflict onLoad={() => void open()} />}
        <TextInput
          label={t("device.name")}
          value={value("name")}
          onChange={(event) => set("name")(event.currentTarget.value)}
          maxLength={100}
        />
        <Select
          label={t("device.profile")}
          data={options(profiles)}
          value={value("deviceProfileId")}
          onChange={set("deviceProfileId")}
          allowDeselect={false}
          searchable
        />
        <Select
          label={t("device.plan")}
          placeholder={t("device.noPlan")}
          data={options(plans)}
          value={value("connectivityPlanId") || null}
          onChange={set("connectivityPlanId")}
          clearable
          description={t("device.planText")}
        />
        <Select
          label={t("device.routing")}
          placeholder={t("device.noRouting")}
          data={options(routing)}
          value={value("routingProfileId") || null}
          onChange={set("routingProfileId")}
          clearable
        />
        <TextInput
          label="JoinEUI (AppEUI)"
          value={value("applicationEUI")}
          onChange={(event) => set("applicationEUI")(event.currentTarget.value)}
        />
        <Button onClick={() => void save()} loading={saving} disabled={!Object.keys(change).length}>
          {t("common.save")}
        </Button>
      </Stack>
    </Panel>
  );
}

function SessionView({ deviceRef }: { deviceRef: string }) {
  const t = useT();
  const found = useSessionOf(deviceRef);
  if (blocking(found)) return <Problem error={found.error} />;
  if (!found.data) return <LoadingPanel />;
  const session = found.data.session ?? found.data.pendingSession;
  if (!session) return <NoSession />;
  const at = (seconds: number | null) => (seconds === null ? null : new Date(seconds * 1000).toISOString());
  return (
    <Panel
      title={t("session.title")}
      right={
        !found.data.session && (
          <Badge color="orange" variant="light">
            {t("session.pending")}
          </Badge>
        )
      }
    >
      <Stack>
        <Facts
          items={[
            ["DevAddr", <Mono key="a">{session.devAddr}</Mono>],
            ["LoRaWAN", session.version],
            [t("device.class"), session.currentClass],
            [t("session.opened"), <Time key="o" at={at(session.openedAt)} />],
            ["FCntUp", number(session.fcntUp)],
            ["NFCntDown / AFCntDown", `${number(session.nFcntDown)} / ${number(session.aFcntDown)}`],
            [t("session.queue"), `${found.data.queuedDownlinks} + ${found.data.downlinksInFlight}`],
            [t("session.heardBy"), <Mono key="h">{session.heardBy.join(", ") || "–"}</Mono>],
            ["JoinNonce / DevNonce", `${found.data.joinNonce} / ${found.data.lastDevNonce ?? "–"}`],
          ]}
        />
        {session.blockedRequests.map((text) => (
          <Alert key={text} color="orange" p="xs">
            {text}
          </Alert>
        ))}
        <Parameters parameters={session.parameters} />
      </Stack>
    </Panel>
  );
}

function LoadingPanel() {
  return (
    <Panel>
      <Loading rows={4} />
    </Panel>
  );
}

function NoSession() {
  const t = useT();
  return (
    <Panel title={t("session.title")}>
      <Text size="sm" c="dimmed">
        {t("session.none")}
      </Text>
    </Panel>
  );
}

/** What the device is to have, and what it has confirmed. */
function Parameters({ parameters }: { parameters: Schemas["Parameter"][] }) {
  const t = useT();
  return (
    <Table.ScrollContainer minWidth={320}>
      <Table className="data" aria-label={t("session.parameters")}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("session.parameters")}</Table.Th>
            <Table.Th>{t("session.wanted")}</Table.Th>
            <Table.Th>{t("session.confirmed")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {parameters.map((parameter) => (
            <Table.Tr key={parameter.name}>
              <Table.Td>{parameter.name}</Table.Td>
              <Table.Td>
                <Mono>{parameter.wanted}</Mono>
              </Table.Td>
              <Table.Td>
                <Group gap={6}>
                  <Mono>{parameter.confirmed}</Mono>
                  {parameter.wanted !== parameter.confirmed && (
                    <Badge size="xs" color="orange" variant="light">
                      ≠
                    </Badge>
                  )}
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
