import { PasswordInput, type PasswordInputProps } from "@mantine/core";
import { useT } from "../text";

interface Props extends Omit<PasswordInputProps, "value" | "onChange"> {
  value: string;
  onChange: (password: string) => void;
}

/** What is typed is hidden until one asks to see it. */
export function PasswordField({ onChange, ...props }: Props) {
  const t = useT();
  return (
    <PasswordInput
      {...props}
      onChange={(event) => onChange(event.currentTarget.value)}
      visibilityToggleButtonProps={{ "aria-label": t("signIn.show") }}
    />
  );
}
