// The areas of a subscriber: on the map, and as a list.
import { Group } from "@mantine/core";
import { IconPolygon } from "@tabler/icons-react";
import { NewButton, RowButton, RowRemoval } from "../../components/actions";
import { Empty, IfMayChange, SeverityBadge, Time } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { openDialog } from "../../components/dialogs";
import { WorldMap } from "../../components/Map";
import { useConfirm, useTell } from "../../components/notify";
import { TablePage } from "../../components/TablePage";
import { useMemo } from "react";
import { Unreadable } from "../../components/Unreadable";
import { useT, type Translate } from "../../text";
import { useAreas, useDeleteArea, type Area } from "./api";
import { AreaForm } from "./AreaForm";
import { edgesOf } from "./drawing";

export function Areas() {
  const t = useT();
  const found = useAreas();
  // Those that cannot be read have no border.
  const areas = found.data?.filter(({ circle, polygon }) => circle || polygon);
  const outlines = useMemo(
    () => found.data?.map(({ ref, name, circle, polygon }) => ({ id: ref, label: name, circle, polygon })) ?? [],
    [found.data],
  );
  const create = (
    <IfMayChange>
      <NewButton onClick={() => openDialog(t("areas.new"), <AreaForm />, { size: "xl" })}>{t("areas.new")}</NewButton>
    </IfMayChange>
  );
  return (
    <TablePage
      title={t("nav.areas")}
      below={t("areas.below")}
      actions={create}
      query={found}
      id={(row) => row.ref}
      minWidth={640}
      empty={
        <Empty icon={IconPolygon} title={t("areas.none")} text={t("areas.noneText")}>
          {create}
        </Empty>
      }
      columns={columnsOf(t)}
    >
      {areas?.length ? (
        <WorldMap
          label={t("areas.map")}
          spots={[]}
          outlines={outlines}
          height={340}
          fit={areas.map((area) => area.ref).join()}
          places={areas.flatMap(edgesOf)}
        />
      ) : null}
    </TablePage>
  );
}

function columnsOf(t: Translate): Column<Area>[] {
  return [
    {
      key: "name",
      title: t("common.name"),
      value: (row) => row.name,
      render: (row) => (
        <>
          {row.name}
          <Unreadable of={row} />
        </>
      ),
    },
    { key: "alarm", title: t("areas.alarm"), value: (row) => row.alarm, render: (row) => t(`areas.${row.alarm}`) },
    { key: "level", title: t("areas.level"), render: (row) => <SeverityBadge state={row.level} /> },
    { key: "tag", title: t("areas.tag"), value: (row) => row.tag ?? "", render: (row) => row.tag ?? t("areas.all") },
    {
      key: "at",
      title: t("device.changed"),
      render: (row) => (
        <>
          <Time at={row.lastUpdateTime} short /> · {row.lastUpdateUser}
        </>
      ),
    },
    { key: "actions", title: t("common.actions"), render: (row) => <Actions area={row} /> },
  ];
}

function Actions({ area }: { area: Area }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const removing = useDeleteArea(area.ref);
  const remove = () => void run(removing.mutateAsync(undefined), t("areas.deleted"));
  return (
    <IfMayChange>
      <Group gap="xs" wrap="nowrap">
        <RowButton onClick={() => openDialog(area.name, <AreaForm area={area} />, { size: "xl" })}>
          {t("common.edit")}
        </RowButton>
        <RowRemoval
          onClick={() =>
            confirm(t("areas.deleteTitle", { name: area.name }), t("areas.deleteText"), t("common.delete"), remove)
          }
        >
          {t("common.delete")}
        </RowRemoval>
      </Group>
    </IfMayChange>
  );
}
