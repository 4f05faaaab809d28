// What stands where something is still being loaded, or could not be. Apart from what screens need, for the
// sign-in form is loaded before them.
import { Alert, Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { IconAlertCircle, IconRefresh } from "@tabler/icons-react";
import { ApiError, Unreachable } from "../api/client";
import { page } from "../api/build";
import { branding } from "../branding";
import { useT, type Translate } from "../text";

export function messageOf(error: unknown, t: Translate): string {
  if (error instanceof ApiError) return sentence(error.message);
  if (error instanceof Unreachable) return t(error.change ? "common.unreachable" : "common.unreachableRead");
  return error instanceof Error ? error.message : String(error);
}

/** With a capital, unless it begins with a name: of a member or setting, such as `geoLatitude` or `sign_in`, a host or an address. */
export function sentence(text: string): string {
  return /^[a-zà-ÿ]+(-[a-zà-ÿ]+)*[,;:]?(\s|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** Whether there is nothing to show but the error. What was loaded stays while the server is away, for somebody
 * may be filling in a form; only what is gone, or no longer theirs to see, goes. */
export function blocking(query: { error: unknown; data: unknown }): boolean {
  if (!query.error) return false;
  return query.data === undefined || (query.error instanceof ApiError && [401, 403, 404].includes(query.error.status));
}

export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const t = useT();
  return (
    <Alert color="red" variant="light" icon={<IconAlertCircle size={20} />} title={t("common.problem")} role="alert">
      <Group justify="space-between">
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {messageOf(error, t)}
        </Text>
        {retry && (
          <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={retry}>
            {t("common.retry")}
          </Button>
        )}
      </Group>
    </Alert>
  );
}

/** The page is of an older build than the server's: what it has not loaded yet may be gone. */
export function Updated({ reload = page.reload }: { reload?: () => void }) {
  const t = useT();
  return (
    <Alert color="blue" variant="light" icon={<IconRefresh size={20} />} role="status" py="xs" mb="md">
      <Group justify="space-between">
        <Text size="sm">{t("updated.text", { name: branding.name })}</Text>
        <Button size="xs" onClick={reload}>
          {t("updated.reload")}
        </Button>
      </Group>
    </Alert>
  );
}

export function Loading({ rows = 5 }: { rows?: number }) {
  return (
    <Stack gap="xs" aria-busy="true">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={36} />
      ))}
    </Stack>
  );
}
