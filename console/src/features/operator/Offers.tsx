// Connectivity plans and device profiles.
import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { IconCpu, IconListDetails } from "@tabler/icons-react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { Empty, IfMayChange, Loading, Mono, PageTitle, Panel, Problem, blocking } from "../../components/basics";
import { TablePage } from "../../components/TablePage";
import { openDialog } from "../../components/dialogs";
import { number } from "../../format";
import { useSession } from "../../session";
import { Unreadable } from "../../components/Unreadable";
import { useT, type Translate } from "../../text";
import { useDefaults } from "./api";
import { GrantForm } from "./GrantForm";
import { useDifferences } from "./differences";
import { OfferForm, type Offer, type OfferKind } from "./OfferForm";
import { Suspended } from "../../components/Suspended";
import { OfferMenu, type Offered } from "./OfferMenu";
import { type Column } from "../../components/DataTable";
import type { Fields, Settings } from "./SettingsForm";
import { countColumn } from "../../components/columns";
import { planGroups, profileGroups } from "./settingTexts";
import { NewButton } from "../../components/actions";

const groups = [...planGroups, ...profileGroups];

function Differences({ settings, defaults }: { settings: Settings; defaults: Settings }) {
  const t = useT();
  const differences = useDifferences(groups);
  return (
    <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
      {differences(settings, defaults).join(" · ") || t("offers.defaults")}
    </Text>
  );
}

interface Standard {
  defaults: Settings;
  fields: Fields;
}

function useForms(kind: OfferKind, { defaults, fields }: Standard) {
  const t = useT();
  const open = (title: string, offer?: Offer) =>
    openDialog(title, <OfferForm kind={kind} offer={offer} defaults={defaults} fields={fields} />, { size: "xl" });
  const settings = (of: { settings: unknown; problem?: string | null }) =>
    of.problem ? defaults : (of.settings as Settings);
  return {
    create: () => open(t(kind === "plans" ? "plans.new" : "profiles.new")),
    edit: (of: Schemas["Plan"] | Schemas["Profile"]) => open(of.name, { ...of, settings: settings(of) }),
    copy: (of: Schemas["Plan"] | Schemas["Profile"]) =>
      open(t("offers.copyOf", { name: of.name }), {
        ...of,
        ref: undefined,
        id: `${of.id}-2`,
        name: "",
        settings: settings(of),
      }),
  };
}

function offered(of: Schemas["Plan"] | Schemas["Profile"]): Offered {
  return { ref: of.ref, id: of.id, name: of.name, suspended: of.suspended ?? false };
}

export function OperatorPlans() {
  const found = $api.useQuery("get", "/api/v1/operator/plans");
  const defaults = useDefaults();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !defaults.data) return <Loading />;
  return <PlanList plans={found.data} standard={{ defaults: defaults.data.plan, fields: defaults.data.planFields }} />;
}

function PlanList({ plans, standard }: { plans: Schemas["Plan"][]; standard: Standard }) {
  const t = useT();
  const forms = useForms("plans", standard);
  return (
    <>
      <PageTitle title={t("nav.plans")}>
        <IfMayChange>
          <NewButton onClick={forms.create}>{t("plans.new")}</NewButton>
        </IfMayChange>
      </PageTitle>
      {!plans.length && (
        <Empty icon={IconListDetails} title={t("plans.none")} text={t("plans.noneOperator")}>
          <IfMayChange>
            <Button aria-haspopup="dialog" onClick={forms.create}>
              {t("plans.new")}
            </Button>
          </IfMayChange>
        </Empty>
      )}
      <Stack>
        {plans.map((plan) => (
          <Panel
            key={plan.ref}
            title={
              <Group gap={8}>
                {plan.name} <Suspended of={plan} />
              </Group>
            }
            right={<PlanActions plan={plan} forms={forms} />}
          >
            <Mono>{plan.id}</Mono>
            <Unreadable of={plan} />
            {!plan.problem && <Differences settings={plan.settings as Settings} defaults={standard.defaults} />}
            <Grants plan={plan} />
          </Panel>
        ))}
      </Stack>
    </>
  );
}

interface ActionsProps {
  plan: Schemas["Plan"];
  forms: ReturnType<typeof useForms>;
}

function PlanActions({ plan, forms }: ActionsProps) {
  const t = useT();
  return (
    <IfMayChange>
      <Group gap={6} wrap="nowrap">
        <Button
          size="xs"
          variant="default"
          aria-haspopup="dialog"
          onClick={() => openDialog(t("plans.grantTitle", { name: plan.name }), <GrantForm plan={plan} />)}
        >
          {t("plans.grant")}
        </Button>
        <OfferMenu kind="plans" offer={offered(plan)} onEdit={() => forms.edit(plan)} onCopy={() => forms.copy(plan)} />
      </Group>
    </IfMayChange>
  );
}

function Grants({ plan }: { plan: Schemas["Plan"] }) {
  const t = useT();
  return (
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
  );
}

export function Profiles() {
  const found = $api.useQuery("get", "/api/v1/operator/deviceProfiles");
  const defaults = useDefaults();
  if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !defaults.data) return <Loading />;
  return (
    <ProfileTable query={found} standard={{ defaults: defaults.data.profile, fields: defaults.data.profileFields }} />
  );
}

interface ProfileTableProps {
  query: { data: Schemas["Profile"][] | undefined; error: unknown; refetch: () => unknown };
  standard: Standard;
}

function ProfileTable({ query, standard }: ProfileTableProps) {
  const t = useT();
  const { mayChange } = useSession();
  const forms = useForms("deviceProfiles", standard);
  return (
    <TablePage
      title={t("nav.profiles")}
      actions={
        <IfMayChange>
          <NewButton onClick={forms.create}>{t("profiles.new")}</NewButton>
        </IfMayChange>
      }
      query={query}
      id={(row) => row.ref}
      onOpen={mayChange ? forms.edit : undefined}
      empty={
        <Empty icon={IconCpu} title={t("profiles.none")} text={t("profiles.noneText")}>
          <IfMayChange>
            <Button aria-haspopup="dialog" onClick={forms.create}>
              {t("profiles.new")}
            </Button>
          </IfMayChange>
        </Empty>
      }
      columns={columnsOf({ standard, forms }, t)}
    />
  );
}

interface ColumnsOf {
  standard: Standard;
  forms: ReturnType<typeof useForms>;
}

function columnsOf({ standard, forms }: ColumnsOf, t: Translate): Column<Schemas["Profile"]>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => (
        <>
          <Group gap={8}>
            <Text size="sm" fw={500}>
              {row.name}
            </Text>
            <Suspended of={row} />
          </Group>
          <Mono dimmed>{row.id}</Mono>
          <Unreadable of={row} />
        </>
      ),
    },
    {
      key: "version",
      title: "LoRaWAN",
      render: (row) => {
        const of = row.settings as Settings;
        if (row.problem) return "–";
        return `${String(of.loRaWANMacVersion)} · ${String(of.loRaWANClass)} · ${String(of.region)}`;
      },
    },
    {
      key: "settings",
      title: t("offers.settings"),
      render: (row) => !row.problem && <Differences settings={row.settings} defaults={standard.defaults} />,
    },
    countColumn({ key: "devices", title: t("home.devices"), count: (row) => row.devices }),
    {
      key: "actions",
      title: "",
      align: "right",
      render: (row) => (
        <OfferMenu
          kind="deviceProfiles"
          offer={offered(row)}
          onEdit={() => forms.edit(row)}
          onCopy={() => forms.copy(row)}
        />
      ),
    },
  ];
}
