// A name for filters that somebody wants to come back to.
import { Button, Group, TextInput } from "@mantine/core";
import { closeDialogs } from "./dialogs";
import { useUnsaved } from "./edits";
import { useState } from "react";
import { useT } from "../text";

export function SaveView({ onSave }: { onSave: (name: string) => void }) {
  const t = useT();
  const [name, setName] = useState("");
  useUnsaved(name !== "");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSave(name.trim());
        closeDialogs();
      }}
    >
      <Group align="flex-end">
        <TextInput
          data-autofocus
          label={t("views.name")}
          value={name}
          maxLength={60}
          onChange={(event) => setName(event.currentTarget.value)}
          style={{ flex: 1 }}
          required
        />
        <Button type="submit" disabled={!name.trim()}>
          {t("common.save")}
        </Button>
      </Group>
    </form>
  );
}
