// The devices of a group.
import { Button, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { NewButton, RowButton } from "../../components/actions";
import { DeviceLink, IfMayChange, Mono, Panel } from "../../components/basics";
import { DataTable } from "../../components/DataTable";
import { openDialog } from "../../components/dialogs";
import { useTell } from "../../components/notify";
import { blocking, Loading, Problem } from "../../components/problem";
import { useSaving } from "../../components/saving";
import { number } from "../../format";
import { useT } from "../../text";
import { devEuis } from "../campaigns/progress";
import { MemberSetUpDialog } from "./MemberSetUp";
import { useAddMembers, useMembers, useRemoveMembers, type Member } from "./api";

export function Members({ groupRef }: { groupRef: string }) {
  const t = useT();
  const found = useMembers(groupRef);
  const add = (
    <IfMayChange>
      <NewButton onClick={() => openDialog(t("groups.addMembers"), <AddMembers groupRef={groupRef} />)}>
        {t("groups.addMembers")}
      </NewButton>
    </IfMayChange>
  );
  return (
    <Panel title={t("groups.membersOf", { count: found.data?.total ?? 0 })} right={add}>
      {blocking(found) ? (
        <Problem error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading />
      ) : found.data.members.length ? (
        <MemberTable groupRef={groupRef} members={found.data.members} />
      ) : (
        <Text c="dimmed">{t("groups.noMembers")}</Text>
      )}
    </Panel>
  );
}

function MemberTable({ groupRef, members }: { groupRef: string; members: Member[] }) {
  const t = useT();
  const { run } = useTell();
  const removing = useRemoveMembers(groupRef);
  return (
    <DataTable
      label={t("groups.members")}
      rows={members}
      id={(row) => row.deviceRef}
      minWidth={640}
      columns={[
        {
          key: "name",
          title: t("common.name"),
          value: (row) => row.deviceName,
          render: (row) => <DeviceLink deviceRef={row.deviceRef} name={row.deviceName} />,
        },
        { key: "eui", title: "DevEUI", render: (row) => <Mono>{row.deviceEUI}</Mono> },
        {
          key: "station",
          title: t("groups.bestStation"),
          render: (row) => (row.baseStationId ? <Mono>{row.baseStationId}</Mono> : t("groups.never")),
        },
        {
          key: "margin",
          title: t("groups.margin"),
          align: "right",
          render: (row) => (row.margin === null ? "–" : `${number(row.margin)} dB`),
        },
        {
          key: "setUp",
          title: "",
          render: (row) => (
            <RowButton
              onClick={() => openDialog(t("groups.setUp"), <MemberSetUpDialog groupRef={groupRef} member={row} />)}
            >
              {t("groups.setUp")}
            </RowButton>
          ),
        },
        {
          key: "remove",
          title: "",
          render: (row) => (
            <IfMayChange>
              <Button
                size="compact-sm"
                variant="subtle"
                color="red"
                onClick={() => void run(removing.mutateAsync([row.deviceEUI]), t("groups.removed"))}
              >
                {t("groups.remove")}
              </Button>
            </IfMayChange>
          ),
        },
      ]}
    />
  );
}

function AddMembers({ groupRef }: { groupRef: string }) {
  const t = useT();
  const [text, setText] = useState("");
  const adding = useAddMembers(groupRef);
  const save = useSaving(text !== "");
  const chosen = devEuis(text);
  return (
    <Stack>
      <Textarea
        label={t("campaigns.devices")}
        description={t("groups.membersText")}
        placeholder="0059AC0000000001"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        minRows={4}
        maxRows={10}
        autosize
        data-autofocus
      />
      <Button
        loading={adding.isPending}
        disabled={!chosen.length}
        onClick={() => void save(adding.mutateAsync(chosen), t("groups.added"))}
      >
        {t("groups.addCount", { count: chosen.length })}
      </Button>
    </Stack>
  );
}
