// Tokens by which a base station proves who it is (LoRa Basics Station).
import { Group, Text } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { Once, Time } from "../../components/basics";
import { useT } from "../../text";
import { useIssueStationToken, useRevokeStationToken, useStationTokens } from "./api";
import { Credentials, Revocation, useCredentials } from "./Credentials";

export function StationTokens({ station }: { station: Schemas["StationView"] }) {
  const t = useT();
  const tokens = useStationTokens(station.id);
  const issuing = useIssueStationToken(station.id);
  const revoking = useRevokeStationToken(station.id);
  const { issued, issue, revoke } = useCredentials<Schemas["IssuedToken"]>({
    issue: () => issuing.mutateAsync(),
    revoke: (ref) => revoking.mutateAsync(ref),
    hides: (issued, ref) => issued.ref === ref,
    question: "stations.revokeTitle",
    revoked: "stations.revoked",
  });
  const listed = tokens.data ?? [];
  return (
    <Credentials
      title={t("stations.tokens")}
      icon={IconKey}
      issue={{ label: t("stations.issue"), pending: issuing.isPending, act: issue }}
      issued={issued && <Once label={t("stations.issued")} value={issued.keyFile} />}
      none={t("stations.noTokens")}
    >
      {listed.map((token) => (
        <Group key={token.ref} justify="space-between" gap={8} wrap="nowrap" align="flex-start">
          <Text size="sm">
            {t("stations.tokenBy", { ref: token.ref, by: token.createdBy })} · <Time at={token.createdAt} short />
          </Text>
          <Revocation label={t("stations.revokeOf", { ref: token.ref })} onRevoke={() => revoke(token.ref)} />
        </Group>
      ))}
    </Credentials>
  );
}
