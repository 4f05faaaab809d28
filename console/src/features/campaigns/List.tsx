// The campaigns of a subscriber.
import { useNavigate } from "@tanstack/react-router";
import { Text } from "@mantine/core";
import { IconCloudUpload } from "@tabler/icons-react";
import { NewButton } from "../../components/actions";
import { Empty, IfMayChange, Time } from "../../components/basics";
import { openDialog } from "../../components/dialogs";
import { TextLink } from "../../components/links";
import { TablePage } from "../../components/TablePage";
import type { Column } from "../../components/DataTable";
import { number } from "../../format";
import { useT, type Translate } from "../../text";
import { useCampaigns, type Campaign } from "./api";
import { Bar } from "./Bar";
import { NewCampaign } from "./NewCampaign";
import { began, counts } from "./progress";

export function Campaigns() {
  const t = useT();
  const navigate = useNavigate();
  const create = (
    <IfMayChange>
      <NewButton onClick={() => openDialog(t("campaigns.new"), <NewCampaign />)}>{t("campaigns.new")}</NewButton>
    </IfMayChange>
  );
  return (
    <TablePage
      title={t("nav.campaigns")}
      below={t("campaigns.below")}
      actions={create}
      query={useCampaigns()}
      id={(row) => row.ref}
      onOpen={(row) => void navigate({ to: "/campaigns/$ref", params: { ref: row.ref } })}
      minWidth={640}
      empty={
        <Empty icon={IconCloudUpload} title={t("campaigns.none")} text={t("campaigns.noneText")}>
          {create}
        </Empty>
      }
      columns={columnsOf(t)}
    />
  );
}

function columnsOf(t: Translate): Column<Campaign>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => (
        <TextLink to="/campaigns/$ref" params={{ ref: row.ref }} inherit>
          {row.name}
        </TextLink>
      ),
    },
    {
      key: "state",
      title: t("alarms.state"),
      value: (row) => row.state,
      render: (row) => (
        <>
          {t(`campaign.${row.state}`)}
          {row.failure && !row.endedAt && (
            <Text size="xs" c="var(--severity-red)">
              {t("campaigns.fails")}
            </Text>
          )}
        </>
      ),
    },
    {
      key: "progress",
      title: t("campaigns.progressTitle"),
      render: (row) => {
        const found = counts(row.devices);
        return (
          <>
            <Bar campaign={row} />
            <Text size="xs" c="dimmed">
              {t("campaigns.progress", { done: number(found.done), all: number(found.all) })}
            </Text>
          </>
        );
      },
    },
    {
      key: "start",
      title: t("campaigns.startsAt"),
      render: (row) => (began(row) ? <Time at={row.startsAt} short /> : t("campaigns.neverBegan")),
    },
    { key: "by", title: t("common.by"), render: (row) => row.createdBy },
  ];
}
