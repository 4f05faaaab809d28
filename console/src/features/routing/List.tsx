import { useNavigate } from "@tanstack/react-router";
import { Badge, Group } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { IconPlus, IconRoute } from "@tabler/icons-react";
import { Empty, IfMayChange, Mono } from "../../components/basics";
import { TablePage } from "../../components/TablePage";
import { useRoutingProfiles } from "./api";
import { Unreadable } from "../../components/Unreadable";
import { useT, type Translate } from "../../text";
import { ButtonLink, TextLink } from "../../components/links";
import { type Column } from "../../components/DataTable";

export function Routing() {
  const t = useT();
  const navigate = useNavigate();
  const found = useRoutingProfiles();
  const create = (icon: boolean) => (
    <IfMayChange>
      <ButtonLink to="/routing/$ref" params={{ ref: "new" }} leftSection={icon && <IconPlus size={16} />}>
        {t("routing.new")}
      </ButtonLink>
    </IfMayChange>
  );
  return (
    <TablePage
      title={t("nav.routing")}
      below={t("routing.below")}
      actions={create(true)}
      query={found}
      rows={found.data?.filter((profile) => !profile.id?.endsWith(".dummy"))}
      id={(profile) => profile.ref ?? ""}
      onOpen={(profile) => void navigate({ to: "/routing/$ref", params: { ref: profile.ref ?? "" } })}
      empty={
        <Empty icon={IconRoute} title={t("routing.none")} text={t("routing.noneText")}>
          {create(false)}
        </Empty>
      }
      columns={columnsOf(t)}
    />
  );
}

function columnsOf(t: Translate): Column<Schemas["RoutingProfile"]>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (profile) => profile.name,
      render: (profile) => (
        <>
          <Group gap={8}>
            <TextLink to="/routing/$ref" params={{ ref: profile.ref ?? "" }} inherit>
              {profile.name}
            </TextLink>
            {profile.default && (
              <Badge size="sm" variant="light">
                {t("routing.default")}
              </Badge>
            )}
          </Group>
          <Unreadable of={profile} />
        </>
      ),
    },
    { key: "id", title: "ID", render: (profile) => <Mono>{profile.id}</Mono> },
    {
      key: "servers",
      title: t("routing.servers"),
      render: (profile) =>
        [...new Set(profile.routes?.map((route) => route.asId ?? route.addresses?.[0]))].join(", ") || "–",
    },
    {
      key: "routes",
      title: t("routing.routes"),
      align: "right",
      render: (profile) => profile.routes?.length ?? 0,
    },
  ];
}
