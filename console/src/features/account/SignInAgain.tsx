import { Button, Modal, Stack, Text } from "@mantine/core";
import { useSession } from "../../session";
import { useLayer } from "../../components/dialogs";
import { useTexts } from "../../text";
import { Credentials, ShowCode, WithPasskey } from "./SignIn";

/** Over the page whose session has ended, so that what was filled in stays. */
export function SignInAgain() {
  const { user, expired, signOut } = useSession();
  const { t } = useTexts();
  const opened = expired && user !== null;
  // No key reaches the dialogs below.
  useLayer(opened);
  return (
    <Modal
      opened={opened}
      onClose={() => {}}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t("signIn.expiredTitle")}
      zIndex={1000}
      centered
    >
      <Stack>
        <Text size="sm">
          {t("signIn.expired")} {t("signIn.kept")}
        </Text>
        {user?.secondFactor === "code" ? <ShowCode /> : <Credentials of={user?.username} />}
        {user?.passkey && user.secondFactor !== "code" && <WithPasskey />}
        <Button variant="subtle" size="compact-sm" onClick={() => void signOut()}>
          {t("signIn.other")}
        </Button>
      </Stack>
    </Modal>
  );
}
