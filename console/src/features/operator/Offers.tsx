import { Badge, Button, Group, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconCpu, IconListDetails, IconPlus, IconShieldLock } from "@tabler/icons-react";
import { useState } from "react";
import { $api, anyMembers, type Schemas } from "../../api/client";
import { Empty, IfMayChange, Loading, Mono, PageTitle, Panel, Problem, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useTell } from "../../components/notify";
import { number, plain } from "../../format";
import { useSession } from "../../session";
import { useCreateHsmGroup, useDefaults, useGrantPlan, useSaveDeviceProfile, useSavePlan, useSubscribers } from "./api";
import { useT } from "../../text";
import { openForm, same, useUnsaved } from "../../components/unsaved";
import { SettingsForm, type Fields, type Settings } from "./SettingsForm";

function changed(settings: Settings, defaults: Settings): [string, unknown][] {
  return Object.entries(settings).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults[name]));
}

/** Settings that differ from the defaults, in short. */
function Differences({ settings, defaults }: { settings: Settings; defaults: Settings }) {
  const t = useT();
  const found = changed(settings, defaults);
  if (!found.length)
    return (
      <Text size="xs" c="dimmed">
        {t("offers.defaults")}
      </Text>
    );
  return (
    <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
      {found.map(([name, value]) => `${name} ${plain(value)}`).join(" · ")}
    </Text>
  );
}

function onlyChanged(settings: Settings, defaults: Settings): Settings {
  return Object.fromEntries(changed(settings, defaults).filter(([, value]) => value !== undefined));
}

export function OperatorPlans() {
  const t = useT();
  const found = $api.useQuery("get", "/api/v1/operator/plans");
  const defaults = useDefaults();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !defaults.data) return <Loading />;
  const standard = defaults.data.plan as Settings;
  const fields = defaults.data.planFields;
  const create = () => openForm(t("plans.new"), <PlanForm defaults={standard} fields={fields} />, "lg");
  return (
    <>
      <PageTitle title={t("nav.plans")}>
        <IfMayChange>
          <Button leftSection={<IconPlus size={16} />} onClick={create}>
            {t("plans.new")}
          </Button>
        </IfMayChange>
      </PageTitle>
      {!found.data.length ? (
        <Empty icon={IconListDetails} title={t("plans.none")} text={t("plans.noneOperator")}>
          <IfMayChange>
            <Button onClick={create}>{t("plans.new")}</Button>
          </IfMayChange>
        </Empty>
      ) : (
        <Stack>
          {found.data.map((plan) => (
            <Panel
              key={plan.ref}
              title={plan.name}
              right={
                <IfMayChange>
                  <Group gap={6}>
                    <Button
                      size="xs"
                      variant="default"
                      onClick={() => openForm(t("plans.grant"), <GrantForm plan={plan} />)}
                    >
                      {t("plans.grant")}
                    </Button>
                    <Button
                      size="xs"
                      variant="default"
                      onClick={() =>
                        openForm(plan.name, <PlanForm defaults={standard} fields={fields} plan={plan} />, "lg")
                      }
                    >
                      {t("common.edit")}
                    </Button>
                  </Group>
                </IfMayChange>
              }
            >
              <Mono>{plan.id}</Mono>
              <Differences settings={plan.settings as Settings} defaults={standard} />
              <Group mt="xs" gap={6}>
                {plan.grants.map((grant) => (
                  <Badge key={grant.customerId} variant="default" tt="none">
                    {grant.name}: {number(grant.used)} / {number(grant.granted)}
                  </Badge>
                ))}
                {!plan.grants.length && (
                  <Text size="sm" c="dimmed">
                    {t("plans.notGranted")}
                  </Text>
                )}
              </Group>
            </Panel>
          ))}
        </Stack>
      )}
    </>
  );
}

function PlanForm({ defaults, fields, plan }: { defaults: Settings; fields: Fields; plan?: Schemas["Plan"] }) {
  const t = useT();
  const { run } = useTell();
  const saving = useSavePlan(plan?.ref);
  const [id, setId] = useState(plan?.id ?? "");
  const [name, setName] = useState(plan?.name ?? "");
  const [settings, setSettings] = useState<Settings>((plan?.settings as Settings | undefined) ?? defaults);
  const saved = useUnsaved(
    !same(
      { id, name, settings },
      {
        id: plan?.id ?? "",
        name: plan?.name ?? "",
        settings: (plan?.settings as Settings | undefined) ?? defaults,
      },
    ),
  );
  const save = async () => {
    const wanted = anyMembers(onlyChanged(settings, defaults));
    const answer = await run(saving.mutateAsync({ id, name, settings: wanted }), t("plans.saved"));
    if (!answer) return;
    saved();
    modals.closeAll();
  };
  return (
    <Stack>
      {!plan && (
        <Group grow>
          <TextInput
            label="ID"
            placeholder="acme-cs/basic"
            value={id}
            onChange={(event) => setId(event.currentTarget.value)}
            required
          />
          <TextInput
            label={t("common.name")}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
          />
        </Group>
      )}
      <SettingsForm fields={fields} defaults={defaults} settings={settings} onChange={setSettings} />
      <Button onClick={() => void save()} disabled={!plan && (!id || !name)}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}

function GrantForm({ plan }: { plan: Schemas["Plan"] }) {
  const t = useT();
  const { run } = useTell();
  const grant = useGrantPlan(plan.ref);
  const customers = useSubscribers();
  const [customerId, setCustomer] = useState<string | null>(null);
  const [granted, setGranted] = useState<number | string>(100);
  const save = async () => {
    const answer = await run(
      grant.mutateAsync({ customerId: customerId ?? "", granted: Number(granted) }),
      t("plans.saved"),
    );
    if (!answer) return;
    modals.closeAll();
  };
  return (
    <Stack>
      <Select
        label={t("nav.subscribers")}
        searchable
        value={customerId}
        onChange={(value) => {
          setCustomer(value);
          const held = plan.grants.find((grant) => grant.customerId === value);
          if (held) setGranted(held.granted);
        }}
        data={(customers.data ?? []).map((one) => ({
          value: one.customerId,
          label: `${one.name} (${one.customerId})`,
        }))}
      />
      <NumberInput label={t("plans.granted")} min={0} value={granted} onChange={setGranted} />
      <Button onClick={() => void save()} disabled={!customerId || granted === ""}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}

export function Profiles() {
  const t = useT();
  const { mayChange } = useSession();
  const found = $api.useQuery("get", "/api/v1/operator/deviceProfiles");
  const defaults = useDefaults();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !defaults.data) return <Loading />;
  const standard = defaults.data.profile as Settings;
  const fields = defaults.data.profileFields;
  const open = (profile?: Schemas["Profile"]) =>
    openForm(
      profile?.name ?? t("profiles.new"),
      <ProfileForm defaults={standard} fields={fields} profile={profile} />,
      "lg",
    );
  return (
    <>
      <PageTitle title={t("nav.profiles")}>
        <IfMayChange>
          <Button leftSection={<IconPlus size={16} />} onClick={() => open()}>
            {t("profiles.new")}
          </Button>
        </IfMayChange>
      </PageTitle>
      <DataTable
        label={t("nav.profiles")}
        rows={found.data}
        id={(row) => row.ref}
        onOpen={mayChange ? open : undefined}
        empty={<Empty icon={IconCpu} title={t("profiles.none")} text={t("profiles.noneText")} />}
        columns={[
          {
            key: "name",
            title: t("common.name"),
            value: (row) => row.name,
            render: (row) => (
              <>
                <Text size="sm" fw={500}>
                  {row.name}
                </Text>
                <Mono dimmed>{row.id}</Mono>
              </>
            ),
          },
          {
            key: "version",
            title: "LoRaWAN",
            render: (row) => {
              const of = row.settings as Settings;
              return `${String(of.loRaWANMacVersion)} · ${String(of.loRaWANClass)} · ${String(of.region)}`;
            },
          },
          {
            key: "settings",
            title: t("offers.settings"),
            render: (row) => <Differences settings={row.settings} defaults={standard} />,
          },
          {
            key: "devices",
            title: t("home.devices"),
            align: "right",
            value: (row) => row.devices,
            render: (row) => number(row.devices),
          },
        ]}
      />
    </>
  );
}

function ProfileForm({
  defaults,
  fields,
  profile,
}: {
  defaults: Settings;
  fields: Fields;
  profile?: Schemas["Profile"];
}) {
  const t = useT();
  const { run } = useTell();
  const saving = useSaveDeviceProfile(profile?.ref);
  const [id, setId] = useState(profile?.id ?? "");
  const [name, setName] = useState(profile?.name ?? "");
  const [settings, setSettings] = useState<Settings>((profile?.settings as Settings | undefined) ?? defaults);
  const saved = useUnsaved(
    !same(
      { id, name, settings },
      {
        id: profile?.id ?? "",
        name: profile?.name ?? "",
        settings: (profile?.settings as Settings | undefined) ?? defaults,
      },
    ),
  );
  const save = async () => {
    const wanted = anyMembers(onlyChanged(settings, defaults));
    const answer = await run(saving.mutateAsync({ id, name, settings: wanted }), t("profiles.saved"));
    if (!answer) return;
    saved();
    modals.closeAll();
  };
  return (
    <Stack>
      <Group grow>
        <TextInput
          label="ID"
          placeholder="ACME/Sensor.1_ETSI"
          value={id}
          onChange={(event) => setId(event.currentTarget.value)}
          required
          disabled={Boolean(profile)}
        />
        <TextInput
          label={t("common.name")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          required
        />
      </Group>
      <SettingsForm
        fields={fields}
        defaults={defaults}
        settings={settings}
        onChange={setSettings}
        fixed={profile ? ["loRaWANMacVersion", "region"] : []}
      />
      <Button onClick={() => void save()} disabled={!id || !name}>
        {t("common.save")}
      </Button>
    </Stack>
  );
}

export function HsmGroups() {
  const t = useT();
  const found = $api.useQuery("get", "/api/v1/operator/hsmGroups", undefined, { refetchInterval: 10_000 });
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  return (
    <>
      <PageTitle title={t("nav.hsm")} below={t("hsm.below")}>
        <IfMayChange>
          <Button leftSection={<IconPlus size={16} />} onClick={() => openForm(t("hsm.new"), <GroupForm />)}>
            {t("hsm.new")}
          </Button>
        </IfMayChange>
      </PageTitle>
      {!found.data ? (
        <Loading />
      ) : (
        <DataTable
          label={t("nav.hsm")}
          rows={found.data}
          id={(row) => row.id}
          empty={<Empty icon={IconShieldLock} title={t("hsm.none")} text={t("hsm.noneText")} />}
          columns={[
            { key: "name", title: t("common.name"), value: (row) => row.name, render: (row) => row.name },
            { key: "id", title: "ID", render: (row) => <Mono>{row.id}</Mono> },
            { key: "vault", title: t("hsm.vault"), render: (row) => row.vault || t("hsm.default") },
            {
              key: "devices",
              title: t("home.devices"),
              align: "right",
              render: (row) => number(row.devices),
            },
            {
              key: "state",
              title: t("alarms.state"),
              render: (row) =>
                row.problem ? (
                  <Text size="sm" className="poor">
                    {row.problem}
                  </Text>
                ) : (
                  <Badge variant="dot" color="veld" tt="none">
                    {t("hsm.ok")}
                  </Badge>
                ),
            },
          ]}
        />
      )}
    </>
  );
}

function GroupForm() {
  const t = useT();
  const { run } = useTell();
  const defaults = useDefaults();
  const [name, setName] = useState("");
  const creation = useCreateHsmGroup();
  const [vault, setVault] = useState("");
  const save = async () => {
    const answer = await run(creation.mutateAsync({ name, vault }), t("hsm.created"));
    if (!answer) return;
    modals.closeAll();
  };
  return (
    <Stack>
      <TextInput
        label={t("common.name")}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        required
        data-autofocus
      />
      <Select
        label={t("hsm.vault")}
        allowDeselect={false}
        value={vault}
        onChange={(value) => setVault(value ?? "")}
        data={(defaults.data?.vaults ?? [""]).map((value) => ({ value, label: value || t("hsm.default") }))}
      />
      <Button onClick={() => void save()} disabled={!name.trim()}>
        {t("common.create")}
      </Button>
    </Stack>
  );
}
