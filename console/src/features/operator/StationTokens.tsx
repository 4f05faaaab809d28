// Tokens by which a base station proves who it is (LoRa Basics Station).
import { Button, Group, Stack, Text } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { IfMayChange, Once, Panel, Time } from "../../components/basics";
import { useConfirm, useTell } from "../../components/notify";
import { useT } from "../../text";
import { useIssueStationToken, useRevokeStationToken, useStationTokens } from "./api";

export function StationTokens({ station }: { station: Schemas["StationView"] }) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const tokens = useStationTokens(station.id);
  const issuing = useIssueStationToken(station.id);
  const revoking = useRevokeStationToken(station.id);
  const [issued, setIssued] = useState<Schemas["IssuedToken"]>();
  const issue = () =>
    void run(issuing.mutateAsync()).then((made) => {
      if (made?.data) setIssued(made.data);
    });
  const revoke = (ref: string) =>
    confirm(t("stations.revokeTitle"), t("stations.revokeText"), t("stations.revoke"), () => {
      if (issued?.ref === ref) setIssued(undefined);
      void run(revoking.mutateAsync(ref), t("stations.revoked"));
    });
  const listed = tokens.data ?? [];
  return (
    <Panel
      title={t("stations.tokens")}
      right={
        <IfMayChange>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconKey size={14} />}
            loading={issuing.isPending}
            onClick={issue}
          >
            {t("stations.issue")}
          </Button>
        </IfMayChange>
      }
    >
      <Stack gap="sm">
        {issued && <Once label={t("stations.issued")} value={issued.keyFile} />}
        {listed.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t("stations.noTokens")}
          </Text>
        ) : (
          listed.map((token) => (
            <Group key={token.ref} justify="space-between" gap={8}>
              <Text size="sm">
                {t("stations.tokenBy", { ref: token.ref, by: token.createdBy })} · <Time at={token.createdAt} short />
              </Text>
              <IfMayChange>
                <Button
                  size="compact-sm"
                  variant="subtle"
                  color="red"
                  aria-label={t("stations.revokeOf", { ref: token.ref })}
                  aria-haspopup="dialog"
                  onClick={() => revoke(token.ref)}
                >
                  {t("stations.revoke")}
                </Button>
              </IfMayChange>
            </Group>
          ))
        )}
      </Stack>
    </Panel>
  );
}
