// A number that somebody types: what they type stays as it is, also halfway through "0.001".
import { NumberInput, type NumberInputProps } from "@mantine/core";
import { useEffect, useState } from "react";

interface Props extends Omit<NumberInputProps, "value" | "onChange"> {
  value: number | null | undefined;
  /** null where the field is empty. */
  onChange: (value: number | null) => void;
}

export function read(text: number | string): number | null {
  const value = typeof text === "number" ? text : text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

export function NumberField({ value, onChange, ...rest }: Props) {
  const [text, setText] = useState<number | string>(value ?? "");
  useEffect(() => {
    // Set from elsewhere, as by a button that clears a form.
    setText((before) => (read(before) === (value ?? null) ? before : (value ?? "")));
  }, [value]);
  return (
    <NumberInput
      {...rest}
      value={text}
      onChange={(given) => {
        setText(given);
        onChange(read(given));
      }}
    />
  );
}
