// The message that gives a member the key of its group, to copy and send.
import { Alert, Button, Select, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Copy, Facts, Mono } from "../../components/basics";
import { Problem } from "../../components/problem";
import { useT } from "../../text";
import { useMemberSetUp, type Member, type MemberSetUp } from "./api";

// McGroupID of TS005.
const NUMBERS = ["0", "1", "2", "3"];

export function MemberSetUpDialog({ groupRef, member }: { groupRef: string; member: Member }) {
  const t = useT();
  const [number, setNumber] = useState("0");
  const making = useMemberSetUp(groupRef, member.deviceRef);
  const made = making.data?.data;
  const choose = (chosen: string | null) => {
    setNumber(chosen ?? "0");
    // What is shown is of another number.
    making.reset();
  };
  return (
    <Stack>
      <Text size="sm">{t("groups.setUpText", { name: member.deviceName })}</Text>
      <Select
        label={t("groups.setUpNumber")}
        description={t("groups.setUpNumberText")}
        data={NUMBERS}
        value={number}
        onChange={choose}
        allowDeselect={false}
      />
      {made ? (
        <Message made={made} />
      ) : (
        <Button loading={making.isPending} onClick={() => making.mutate(Number(number))}>
          {t("groups.setUpMake")}
        </Button>
      )}
      {making.error && <Problem error={making.error} />}
    </Stack>
  );
}

function Message({ made }: { made: MemberSetUp }) {
  const t = useT();
  return (
    <>
      <Facts
        items={[
          ["FPort", made.fPort],
          [
            t("groups.payload"),
            <span key="payload">
              <Mono>{made.payload}</Mono> <Copy value={made.payload} label={t("groups.setUpCopy")} />
            </span>,
          ],
          ["DevAddr", <Mono key="address">{made.networkAddress}</Mono>],
          ["minMcFCount", String(made.minMcFCount)],
          ["maxMcFCount", String(made.maxMcFCount)],
        ]}
      />
      <Alert variant="light" role="note">
        <Text size="sm">{t("groups.setUpSend")}</Text>
      </Alert>
    </>
  );
}
