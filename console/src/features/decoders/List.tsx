import { Badge, Button, Group, Text } from "@mantine/core";
import { IconCode, IconPlus } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { $api } from "../../api/client";
import { Empty, IfMayChange, Loading, PageTitle, Problem, Time, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useGo } from "../../router";
import { useT } from "../../text";

export function Decoders() {
  const t = useT();
  const go = useGo();
  const found = $api.useQuery("get", "/api/v1/decoders");
  return (
    <>
      <PageTitle title={t("nav.decoders")} below={t("decoders.below")}>
        <IfMayChange><Button component={Link} to="/decoders/new" leftSection={<IconPlus size={16} />}>{t("decoders.new")}</Button></IfMayChange>
      </PageTitle>
      {blocking(found) ? <Problem error={found.error} retry={() => void found.refetch()} /> : !found.data ? <Loading /> : (
        <DataTable
          label={t("nav.decoders")}
          rows={found.data}
          id={(row) => row.ref ?? ""}
          onOpen={(row) => go(`/decoders/${row.ref}`)}
          empty={<Empty icon={IconCode} title={t("decoders.none")} text={t("decoders.noneText")}><IfMayChange><Button component={Link} to="/decoders/new">{t("decoders.new")}</Button></IfMayChange></Empty>}
          columns={[
            { key: "name", title: t("common.name"), value: (row) => row.name, render: (row) => <Text component={Link} to={`/decoders/${row.ref}`} className="link" inherit>{row.name}</Text> },
            { key: "kind", title: t("decoders.kind"), render: (row) => t(`decoders.${row.kind}` as never) },
            { key: "profiles", title: t("decoders.profiles"), render: (row) => <Group gap={4}>{row.deviceProfileIds?.length ? row.deviceProfileIds.map((id) => <Badge key={id} variant="default" tt="none">{id}</Badge>) : <Text size="sm" c="dimmed">{t("decoders.unused")}</Text>}</Group> },
            { key: "at", title: t("device.changed"), render: (row) => <><Time at={row.lastUpdateTime} short /> · {row.lastUpdateUser}</> },
          ]}
        />
      )}
    </>
  );
}
