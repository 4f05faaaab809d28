import { Alert, Button, Text } from "@mantine/core";
import { useT } from "../text";

/** Somebody else has changed what the form shows since it was read. */
export function Conflict({ onLoad, mb }: { onLoad: () => void; mb?: string }) {
  const t = useT();
  return (
    <Alert color="orange" title={t("conflict.title")} mb={mb} role="alert">
      <Text size="sm">{t("conflict.text")}</Text>
      <Button size="xs" mt="xs" variant="default" onClick={onLoad}>
        {t("conflict.load")}
      </Button>
    </Alert>
  );
}
