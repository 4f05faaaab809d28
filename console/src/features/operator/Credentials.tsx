// What a base station proves itself with, as a panel: a button that issues one, and those there are, each revocable.
import { Button, Stack, Text } from "@mantine/core";
import type { IconKey } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { RowRemoval } from "../../components/actions";
import { IfMayChange, Panel } from "../../components/basics";
import { useT } from "../../text";

interface Props {
  title: string;
  icon: typeof IconKey;
  issue: { label: string; pending: boolean; act: () => void };
  /** What has just been issued, shown this once. */
  issued: ReactNode;
  none: string;
  /** Those that are good. */
  children: ReactNode[];
}

export function Credentials({ title, icon: Icon, issue, issued, none, children }: Props) {
  return (
    <Panel
      title={title}
      right={
        <IfMayChange>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<Icon size={14} />}
            loading={issue.pending}
            onClick={issue.act}
          >
            {issue.label}
          </Button>
        </IfMayChange>
      }
    >
      <Stack gap="sm">
        {issued}
        {children.length === 0 ? (
          <Text size="sm" c="dimmed">
            {none}
          </Text>
        ) : (
          children
        )}
      </Stack>
    </Panel>
  );
}

export function Revocation({ label, onRevoke }: { label: string; onRevoke: () => void }) {
  const t = useT();
  return (
    <IfMayChange>
      <RowRemoval style={{ flexShrink: 0 }} aria-label={label} onClick={onRevoke}>
        {t("stations.revoke")}
      </RowRemoval>
    </IfMayChange>
  );
}
