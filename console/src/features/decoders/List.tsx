import { useNavigate } from "@tanstack/react-router";
import { Badge, Group, Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { IconCode, IconPlus } from "@tabler/icons-react";
import { Empty, IfMayChange, Time } from "../../components/basics";
import { TablePage } from "../../components/TablePage";
import { useDecoders } from "./api";
import { Unreadable } from "../../components/Unreadable";
import { useT, type Translate } from "../../text";
import { ButtonLink, TextLink } from "../../components/links";
import { type Column } from "../../components/DataTable";

export function Decoders() {
  const t = useT();
  const navigate = useNavigate();
  const found = useDecoders();
  const create = (icon: boolean) => (
    <IfMayChange>
      <ButtonLink to="/decoders/$ref" params={{ ref: "new" }} leftSection={icon && <IconPlus size={16} />}>
        {t("decoders.new")}
      </ButtonLink>
    </IfMayChange>
  );
  return (
    <TablePage
      title={t("nav.decoders")}
      below={t("decoders.below")}
      actions={create(true)}
      query={found}
      id={(row) => row.ref ?? ""}
      onOpen={(row) => void navigate({ to: "/decoders/$ref", params: { ref: row.ref ?? "" } })}
      empty={
        <Empty icon={IconCode} title={t("decoders.none")} text={t("decoders.noneText")}>
          {create(false)}
        </Empty>
      }
      columns={columnsOf(t)}
    />
  );
}

function columnsOf(t: Translate): Column<Schemas["PayloadDecoder"]>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => (
        <>
          <TextLink to="/decoders/$ref" params={{ ref: row.ref ?? "" }} inherit>
            {row.name}
          </TextLink>
          <Unreadable of={row} />
        </>
      ),
    },
    {
      key: "kind",
      title: t("decoders.kind"),
      render: (row) => row.kind && t(`decoders.${row.kind}`),
    },
    {
      key: "profiles",
      title: t("decoders.profiles"),
      render: (row) => (
        <Group gap={4}>
          {row.deviceProfileIds?.length ? (
            row.deviceProfileIds.map((id) => (
              <Badge key={id} className="named" variant="default" tt="none">
                {id}
              </Badge>
            ))
          ) : (
            <Text size="sm" c="dimmed">
              {t("decoders.unused")}
            </Text>
          )}
        </Group>
      ),
    },
    {
      key: "at",
      title: t("device.changed"),
      render: (row) => (
        <>
          <Time at={row.lastUpdateTime} short /> · {row.lastUpdateUser}
        </>
      ),
    },
  ];
}
