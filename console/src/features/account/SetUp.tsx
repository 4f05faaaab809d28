// For those whose role needs a second factor and who have none yet.
import "../../styles/all.css";
import { Button, Stack, Text } from "@mantine/core";
import { useSession } from "../../session";
import { useT } from "../../text";
import { Enrol } from "./Enrol";
import { Outside } from "./Outside";

export function SetUp() {
  const t = useT();
  const { renew, signOut } = useSession();
  return (
    <Outside title={t("factor.title")}>
      <Stack>
        <Text size="sm">{t("factor.needed")}</Text>
        <Enrol onDone={() => void renew()} />
        <Button variant="subtle" size="compact-sm" onClick={() => void signOut()}>
          {t("nav.signOut")}
        </Button>
      </Stack>
    </Outside>
  );
}
