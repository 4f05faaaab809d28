// A campaign: its progress, what can be done with it, and how far each device is.
import type { ReactNode } from "react";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Alert, Badge, Button, Group, Select, Stack, Text } from "@mantine/core";
import { IconAlertCircle, IconDownload } from "@tabler/icons-react";
import { download } from "../../api/client";
import { DeleteButton } from "../../components/actions";
import { DeviceLink, Facts, IfMayChange, Mono, PageTitle, Panel, Time } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { useConfirm, useTell } from "../../components/notify";
import { NotShown } from "../../components/missing";
import { blocking, Loading, Problem } from "../../components/problem";
import { bytes, number } from "../../format";
import { useFilters } from "../../navigation";
import { useT, type Translate } from "../../text";
import {
  useCampaign,
  useCampaignAction,
  useCampaignDevices,
  useDeleteCampaign,
  type Action,
  type Campaign,
  type CampaignDevice,
} from "./api";
import { Bar, Legend } from "./Bar";
import { began, colours, noSession, outcomeOf, states } from "./progress";

export function CampaignPage() {
  const t = useT();
  const { ref } = useParams({ from: "/campaigns/$ref" });
  const found = useCampaign(ref);
  if (blocking(found)) return <NotShown error={found.error} retry={() => void found.refetch()} list="/campaigns" />;
  if (!found.data) return <Loading />;
  const campaign = found.data;
  return (
    <>
      <PageTitle title={campaign.name} below={t(`campaign.${campaign.state}`)}>
        <Actions campaign={campaign} />
      </PageTitle>
      <Stack>
        {campaign.failure && <Failure failure={campaign.failure} />}
        <Panel title={t("campaigns.progressTitle")}>
          <Bar campaign={campaign} size="xl" />
          <Legend campaign={campaign} />
        </Panel>
        {campaign.group && <Sessions campaign={campaign} group={campaign.group} />}
        <Panel title={t("campaigns.about")}>
          <About campaign={campaign} />
        </Panel>
        <Devices campaign={campaign} />
      </Stack>
    </>
  );
}

/** Why nothing is done for a campaign just now. */
function Failure({ failure }: { failure: NonNullable<Campaign["failure"]> }) {
  const t = useT();
  return (
    <Alert color="red" variant="light" icon={<IconAlertCircle size={20} />} title={t("campaigns.fails")} role="alert">
      <Text size="sm">{failure.reasonText}</Text>
      <Group gap="xs" fz="sm">
        {failure.failures > 0 && (
          <>
            <Text size="sm">{t("campaigns.failsSince", { count: failure.failures })}</Text>
            <Time at={failure.since} />
          </>
        )}
        {failure.retryAt !== null && (
          <>
            <Text size="sm">{t("campaigns.failsRetry")}</Text>
            <Time at={failure.retryAt} />
          </>
        )}
      </Group>
    </Alert>
  );
}

function Actions({ campaign }: { campaign: Campaign }) {
  const t = useT();
  const { run } = useTell();
  const open = campaign.state !== "complete" && campaign.state !== "aborted";
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconDownload size={16} />}
        onClick={() => void run(download(`/api/v1/campaigns/${campaign.ref}/report`, "campaign.csv"))}
      >
        {t("campaigns.report")}
      </Button>
      <IfMayChange>{open ? <Steering campaign={campaign} /> : <Removal campaign={campaign} />}</IfMayChange>
    </>
  );
}

/** What can be done while a campaign goes on. */
function Steering({ campaign }: { campaign: Campaign }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const acting = useCampaignAction(campaign.ref);
  const act = (action: Action) => void run(acting.mutateAsync(action), t(`campaigns.${action}Done`));
  const abort = () =>
    confirm(t("campaigns.abortTitle", { name: campaign.name }), t("campaigns.abortText"), t("campaigns.abort"), () =>
      act("abort"),
    );
  return (
    <>
      {campaign.state === "paused" ? (
        <Button onClick={() => act("resume")}>{t("campaigns.resume")}</Button>
      ) : (
        <Button variant="default" onClick={() => act("pause")}>
          {t("campaigns.pause")}
        </Button>
      )}
      <Button variant="default" color="red" aria-haspopup="dialog" onClick={abort}>
        {t("campaigns.abort")}
      </Button>
    </>
  );
}

function Removal({ campaign }: { campaign: Campaign }) {
  const t = useT();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const { run } = useTell();
  const removing = useDeleteCampaign(campaign.ref);
  const remove = async () => {
    if (await run(removing.mutateAsync(undefined), t("campaigns.deleted"))) void navigate({ to: "/campaigns" });
  };
  return (
    <DeleteButton
      onClick={() =>
        confirm(
          t("campaigns.deleteTitle", { name: campaign.name }),
          t("campaigns.deleteText"),
          t("common.delete"),
          () => void remove(),
        )
      }
    />
  );
}

function About({ campaign }: { campaign: Campaign }) {
  const t = useT();
  const { size, fragments, fragmentSize, redundancy, estimate } = campaign;
  const needs: [ReactNode, ReactNode][] = estimate === null ? [] : [[t("campaigns.estimate"), estimated(t, estimate)]];
  return (
    <Facts
      items={[
        [t("campaigns.file"), t("campaigns.fileText", { size: bytes(size), fragments, fragmentSize, redundancy })],
        ["SHA-256", <Mono key="digest">{campaign.digest}</Mono>],
        [
          t("campaigns.startsAt"),
          began(campaign) ? <Time key="start" at={campaign.startsAt} /> : t("campaigns.neverBegan"),
        ],
        [t("campaigns.endsAt"), <Time key="end" at={campaign.endedAt ?? campaign.endsAt} />],
        [t("common.by"), campaign.createdBy],
        ...needs,
      ]}
    />
  );
}

/** What messages to single devices need, or that it is not known. */
function estimated(t: Translate, estimate: NonNullable<Campaign["estimate"]>): string {
  const { uplinks, time, airtime } = estimate;
  if (time === null || airtime === null) return t("campaigns.estimateUnknown", { uplinks });
  return t("campaigns.estimateText", { uplinks, minutes: Math.ceil(time / 60), airtime: Math.ceil(airtime / 60) });
}

/** The group of a campaign, and how far its sessions are. */
function Sessions({ campaign, group }: { campaign: Campaign; group: NonNullable<Campaign["group"]> }) {
  const t = useT();
  const { deviceClass: groupClass, groupNumber } = group;
  return (
    <Panel title={t("campaigns.groupTitle")}>
      <Text size="sm">{t("campaigns.groupClass", { groupClass, groupNumber })}</Text>
      {group.setUpTime !== null && !campaign.endedAt && (
        <Text size="sm">{t("campaigns.setUp", { minutes: Math.ceil(group.setUpTime / 60) })}</Text>
      )}
      {group.sessions.length === 0 && (
        <Text size="sm" c="dimmed">
          {t(noSession[campaign.state])}
        </Text>
      )}
      {group.sessions.map((session) => (
        <Group key={session.number} gap="xs" fz="sm">
          <Text size="sm" fw={500}>
            {t("campaigns.session", { number: session.number })}
          </Text>
          <Time at={session.startsAt} />
          <Text size="sm">
            {t("campaigns.sessionText", {
              sent: session.sent - session.firstFragment + 1,
              all: session.lastFragment - session.firstFragment + 1,
            })}
          </Text>
          <Time at={session.endsAt} />
        </Group>
      ))}
    </Panel>
  );
}

function Devices({ campaign }: { campaign: Campaign }) {
  const t = useT();
  const [{ state }, setFilters] = useFilters("/campaigns/$ref");
  const found = useCampaignDevices(campaign.ref, state);
  const rows = found.data?.pages.flatMap((page) => page.devices) ?? [];
  return (
    <Panel
      title={t("campaigns.devicesTitle")}
      right={
        <Select
          aria-label={t("alarms.state")}
          placeholder={t("campaigns.anyState")}
          w={230}
          clearable
          value={state ?? null}
          onChange={(value) => setFilters({ state: states.find((each) => each === value) })}
          data={states
            .filter((each) => each === state || campaign.devices[each])
            .map((each) => ({
              value: each,
              label: `${t(`campaignDevice.${each}`)} (${campaign.devices[each] ?? 0})`,
            }))}
        />
      }
    >
      {blocking(found) ? (
        <Problem error={found.error} retry={() => void found.refetch()} />
      ) : (
        <DataTable
          label={t("campaigns.devicesTitle")}
          rows={rows}
          id={(row) => row.deviceRef}
          minWidth={680}
          columns={columnsOf(t)}
        />
      )}
      {found.hasNextPage && (
        <Group justify="center" mt="sm">
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {t("campaigns.moreDevices")}
          </Button>
        </Group>
      )}
    </Panel>
  );
}

function columnsOf(t: Translate): Column<CampaignDevice>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => (
        <>
          <DeviceLink deviceRef={row.deviceRef} name={row.name} />
          <Text size="xs" c="dimmed">
            <Mono>{row.deviceEUI}</Mono>
          </Text>
        </>
      ),
    },
    {
      key: "state",
      title: t("alarms.state"),
      value: (row) => row.state,
      render: (row) => (
        <>
          <Badge
            variant="light"
            color={colours[outcomeOf(row.state)]}
            tt="none"
            style={{ color: "var(--mantine-color-text)" }}
          >
            {t(`campaignDevice.${row.state}`)}
          </Badge>
          {row.reasonText && (
            <Text size="xs" c="dimmed" maw={320}>
              {row.reasonText}
            </Text>
          )}
        </>
      ),
    },
    {
      key: "sent",
      title: t("campaigns.sent"),
      align: "right",
      value: (row) => row.sent,
      render: (row) => (row.target ? `${number(row.sent)} / ${number(row.target)}` : "–"),
    },
    {
      key: "missing",
      title: t("campaigns.missing"),
      align: "right",
      value: (row) => row.missing,
      render: (row) => (row.missing === null ? "–" : number(row.missing)),
    },
    { key: "at", title: t("device.changed"), render: (row) => <Time at={row.changedAt} short /> },
  ];
}
