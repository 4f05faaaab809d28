// A multicast group: what it is, what it was sent, which base stations send, and its members.
import { useNavigate, useParams } from "@tanstack/react-router";
import { Button, Stack, Text } from "@mantine/core";
import { IconDownload, IconSend } from "@tabler/icons-react";
import { download } from "../../api/client";
import { DeleteButton, DialogButton } from "../../components/actions";
import { Copy, Facts, IfMayChange, Mono, PageTitle, Panel } from "../../components/basics";
import { openDialog } from "../../components/dialogs";
import { useConfirm, useTell } from "../../components/notify";
import { NotShown } from "../../components/missing";
import { blocking, Loading } from "../../components/problem";
import { number } from "../../format";
import { useT } from "../../text";
import { useDeleteGroup, useGroup, useGroupPlans, type MulticastGroup } from "./api";
import { Coverage } from "./Coverage";
import { Frames } from "./Frames";
import { GroupForm } from "./GroupForm";
import { Members } from "./Members";
import { SendForm } from "./SendForm";

// Behind it a group takes no more downlinks.
const LAST_COUNTER = 0xffffffff;

export function GroupPage() {
  const t = useT();
  const { ref } = useParams({ from: "/groups/$ref" });
  const found = useGroup(ref);
  if (blocking(found)) return <NotShown error={found.error} retry={() => void found.refetch()} list="/groups" />;
  if (!found.data) return <Loading />;
  const group = found.data;
  return (
    <>
      <PageTitle title={group.name ?? ""} below={t("groups.title", { kind: group.deviceClass ?? "" })}>
        <Actions group={group} />
      </PageTitle>
      <Stack>
        <Panel title={t("groups.about")}>
          <About group={group} />
        </Panel>
        <Frames groupRef={ref} />
        <Coverage groupRef={ref} coverage={group.baseStationCoverage ?? "ALL"} />
        <Members groupRef={ref} />
      </Stack>
    </>
  );
}

function Actions({ group }: { group: MulticastGroup }) {
  const t = useT();
  const navigate = useNavigate();
  const confirm = useConfirm();
  const { run } = useTell();
  const ref = group.ref ?? "";
  const removing = useDeleteGroup(ref);
  const remove = async () => {
    if (await run(removing.mutateAsync(undefined), t("groups.deleted"))) void navigate({ to: "/groups" });
  };
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconDownload size={16} />}
        onClick={() => void run(download(`/api/v1/multicastGroups/${ref}/members/export`, "members.csv"))}
      >
        {t("groups.membersCsv")}
      </Button>
      <IfMayChange>
        <DialogButton onClick={() => openDialog(t("groups.send"), <SendForm group={group} />)}>
          <IconSend size={16} style={{ marginInlineEnd: 6 }} />
          {t("groups.send")}
        </DialogButton>
        <DialogButton onClick={() => openDialog(t("groups.change"), <GroupForm group={group} />)}>
          {t("common.edit")}
        </DialogButton>
        <DeleteButton
          onClick={() =>
            confirm(
              t("groups.deleteTitle", { name: group.name ?? "" }),
              t("groups.deleteText"),
              t("common.delete"),
              () => void remove(),
            )
          }
        />
      </IfMayChange>
    </>
  );
}

function About({ group }: { group: MulticastGroup }) {
  const t = useT();
  const plan = useGroupPlans()?.find((each) => each.id === group.connectivityPlanId);
  const frequency = group.downlinkFrequency ? `${number(group.downlinkFrequency)} MHz` : t("groups.ofRegion");
  const rate = group.downlinkDataRate ?? null;
  return (
    <Facts
      items={[
        [
          "DevEUI",
          <span key="eui">
            <Mono>{group.EUI}</Mono> <Copy value={group.EUI ?? ""} label="DevEUI" />
          </span>,
        ],
        ["DevAddr", <Mono key="address">{group.networkAddress}</Mono>],
        [t("groups.plan"), plan?.name ?? group.connectivityPlanId ?? "–"],
        [t("groups.region"), group.region ?? "–"],
        [t("groups.frequency"), frequency],
        [t("groups.dataRate"), rate === null ? t("groups.ofRegion") : `DR${rate}`],
        ...(group.deviceClass === "B"
          ? [[t("groups.pingPeriod"), String(group.pingSlotPeriod)] as [string, string]]
          : []),
        ...(group.hsmGroupId ? [[t("device.hsm"), group.hsmGroupId] as [string, string]] : []),
        [
          "FCntDown",
          <Text key="counter">
            {group.lastFCntDown ?? "–"}
            {group.lastFCntDown === LAST_COUNTER && (
              <Text span c="var(--severity-red)" size="sm">
                {" "}
                {t("groups.countersUsedUp")}
              </Text>
            )}
          </Text>,
        ],
      ]}
    />
  );
}
