import { Badge, Button, Group, Text } from "@mantine/core";
import { IconPlus, IconRoute } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { $api } from "../../api/client";
import { Empty, IfMayChange, Loading, Mono, PageTitle, Problem, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useGo } from "../../router";
import { useT } from "../../text";

export function Routing() {
  const t = useT();
  const go = useGo();
  const found = $api.useQuery("get", "/data/lora/thingpark/routingProfiles");
  return (
    <>
      <PageTitle title={t("nav.routing")} below={t("routing.below")}>
        <IfMayChange><Button component={Link} to="/routing/new" leftSection={<IconPlus size={16} />}>{t("routing.new")}</Button></IfMayChange>
      </PageTitle>
      {blocking(found) ? <Problem error={found.error} retry={() => void found.refetch()} /> : !found.data ? <Loading /> : (
        <DataTable
          label={t("nav.routing")}
          rows={found.data.filter((profile) => !profile.id?.endsWith(".dummy"))}
          id={(profile) => profile.ref ?? ""}
          onOpen={(profile) => go(`/routing/${profile.ref}`)}
          empty={<Empty icon={IconRoute} title={t("routing.none")} text={t("routing.noneText")}><IfMayChange><Button component={Link} to="/routing/new">{t("routing.new")}</Button></IfMayChange></Empty>}
          columns={[
            { key: "name", title: t("common.name"), value: (profile) => profile.name, render: (profile) => <Group gap={8}><Text component={Link} to={`/routing/${profile.ref}`} className="link" inherit>{profile.name}</Text>{profile.default && <Badge size="sm" variant="light">{t("routing.default")}</Badge>}</Group> },
            { key: "id", title: "ID", render: (profile) => <Mono>{profile.id}</Mono> },
            { key: "servers", title: t("routing.servers"), render: (profile) => [...new Set(profile.routes?.map((route) => route.asId ?? route.addresses?.[0]))].join(", ") || "–" },
            { key: "routes", title: t("routing.routes"), align: "right", render: (profile) => profile.routes?.length ?? 0 },
            { key: "hsm", title: t("routing.asKey"), render: (profile) => (profile.hsmGroupId ? <Badge variant="light" tt="none">{profile.hsmGroupId}</Badge> : "–") },
          ]}
        />
      )}
    </>
  );
}
