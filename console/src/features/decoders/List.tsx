import { useNavigate } from "@tanstack/react-router";
import { Badge, Group, Text } from "@mantine/core";
import { IconCode, IconPlus } from "@tabler/icons-react";
import { Empty, IfMayChange, Loading, PageTitle, Problem, Time, blocking } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { useDecoders } from "./api";
import { useT } from "../../text";
import { ButtonLink, TextLink } from "../../components/links";

export function Decoders() {
  const t = useT();
  const navigate = useNavigate();
  const found = useDecoders();
  return (
    <>
      <PageTitle title={t("nav.decoders")} below={t("decoders.below")}>
        <IfMayChange>
          <ButtonLink to="/decoders/$ref" params={{ ref: "new" }} leftSection={<IconPlus size={16} />}>
            {t("decoders.new")}
          </ButtonLink>
        </IfMayChange>
      </PageTitle>
      {blocking(found) ? (
        <Problem error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading />
      ) : (
        <DataTable
          label={t("nav.decoders")}
          rows={found.data}
          id={(row) => row.ref ?? ""}
          onOpen={(row) => void navigate({ to: "/decoders/$ref", params: { ref: row.ref ?? "" } })}
          empty={
            <Empty icon={IconCode} title={t("decoders.none")} text={t("decoders.noneText")}>
              <IfMayChange>
                <ButtonLink to="/decoders/$ref" params={{ ref: "new" }}>
                  {t("decoders.new")}
                </ButtonLink>
              </IfMayChange>
            </Empty>
          }
          columns={[
            {
              key: "name",
              title: t("common.name"),
              value: (row) => row.name,
              render: (row) => (
                <TextLink to="/decoders/$ref" params={{ ref: row.ref ?? "" }} inherit>
                  {row.name}
                </TextLink>
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
                      <Badge key={id} variant="default" tt="none">
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
          ]}
        />
      )}
    </>
  );
}
