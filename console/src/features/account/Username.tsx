// The user name, as browsers keep it beside a password.
import { TextInput, type TextInputProps } from "@mantine/core";
import { useTexts } from "../../text";

interface UsernameProps extends Omit<TextInputProps, "value" | "onChange"> {
  value: string;
  onChange?: (username: string) => void;
}

export function Username({ onChange, ...given }: UsernameProps) {
  const { t } = useTexts();
  return (
    <TextInput
      label={t("signIn.username")}
      autoComplete="username"
      name="username"
      required
      {...given}
      onChange={(event) => onChange?.(event.currentTarget.value)}
    />
  );
}
