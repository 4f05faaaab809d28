// What a base station proves itself with, as a panel: a button that issues one, and those there are, each revocable.
import { Button, Stack, Text } from "@mantine/core";
import type { IconKey } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";
import { RowRemoval } from "../../components/actions";
import { IfMayChange, Panel } from "../../components/basics";
import { useConfirm, useTell } from "../../components/notify";
import { useT, type Key } from "../../text";

interface Steps<T> {
  issue: () => Promise<{ data?: T } | undefined>;
  revoke: (ref: string) => Promise<unknown>;
  /** Whether revoking one hides what has just been issued. */
  hides: (issued: T, ref: string) => boolean;
  /** The title of the question before one is revoked, and what is said once it is. */
  question: Key;
  revoked: Key;
}

/** Issues and revokes credentials, and holds what has just been issued. */
export function useCredentials<T>({ issue, revoke, hides, question, revoked }: Steps<T>) {
  const t = useT();
  const confirm = useConfirm();
  const { run } = useTell();
  const [issued, setIssued] = useState<T>();
  return {
    issued,
    issue: () => void run(issue()).then((made) => made?.data && setIssued(made.data)),
    revoke: (ref: string) =>
      confirm(t(question), t("stations.revokeText"), t("stations.revoke"), () => {
        setIssued((shown) => (shown && hides(shown, ref) ? undefined : shown));
        void run(revoke(ref), t(revoked));
      }),
  };
}

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
