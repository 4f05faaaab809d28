// The name of anything that people name.
import { TextInput, type TextInputProps } from "@mantine/core";
import { useT } from "../text";

interface Props extends Omit<TextInputProps, "value" | "onChange"> {
  value: string;
  onChange: (name: string) => void;
}

export function NameField({ onChange, ...given }: Props) {
  const t = useT();
  return (
    <TextInput
      label={t("common.name")}
      maxLength={100}
      required
      {...given}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
