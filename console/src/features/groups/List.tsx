// The multicast groups of a subscriber.
import { useNavigate } from "@tanstack/react-router";
import { IconBroadcast } from "@tabler/icons-react";
import { NewButton } from "../../components/actions";
import { Empty, IfMayChange, Mono, Time } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { openDialog } from "../../components/dialogs";
import { TextLink } from "../../components/links";
import { TablePage } from "../../components/TablePage";
import { number } from "../../format";
import { Unreadable } from "../../components/Unreadable";
import { useT, type Translate } from "../../text";
import { useGroups, type MulticastGroup } from "./api";
import { GroupForm } from "./GroupForm";

export function Groups() {
  const t = useT();
  const navigate = useNavigate();
  const found = useGroups();
  const create = (
    <IfMayChange>
      <NewButton onClick={() => openDialog(t("groups.new"), <GroupForm group={null} />)}>{t("groups.new")}</NewButton>
    </IfMayChange>
  );
  return (
    <TablePage
      title={t("nav.groups")}
      below={t("groups.below")}
      actions={create}
      query={{ ...found, data: found.data?.groups }}
      id={(row) => row.ref ?? ""}
      onOpen={(row) => void navigate({ to: "/groups/$ref", params: { ref: row.ref ?? "" } })}
      minWidth={720}
      empty={
        <Empty icon={IconBroadcast} title={t("groups.none")} text={t("groups.noneText")}>
          {create}
        </Empty>
      }
      columns={columnsOf(t)}
    />
  );
}

function columnsOf(t: Translate): Column<MulticastGroup>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => (
        <>
          <TextLink to="/groups/$ref" params={{ ref: row.ref ?? "" }} inherit>
            {row.name}
          </TextLink>
          <Unreadable of={row} />
        </>
      ),
    },
    { key: "eui", title: "DevEUI", value: (row) => row.EUI, render: (row) => <Mono>{row.EUI}</Mono> },
    { key: "address", title: "DevAddr", render: (row) => <Mono>{row.networkAddress}</Mono> },
    { key: "class", title: t("groups.class"), value: (row) => row.deviceClass, render: (row) => row.deviceClass },
    {
      key: "members",
      title: t("groups.members"),
      align: "right",
      value: (row) => row.memberCount,
      render: (row) => number(row.memberCount ?? 0),
    },
    {
      key: "last",
      title: t("groups.last"),
      value: (row) => row.lastDownlinkTime,
      render: (row) =>
        row.lastDownlinkStatus ? (
          <>
            {t(`groupStatus.${row.lastDownlinkStatus}`)} · <Time at={row.lastDownlinkTime} short />
          </>
        ) : (
          "–"
        ),
    },
  ];
}
