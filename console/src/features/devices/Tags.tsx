// The tags of a device.
import { Button, Group, TagsInput, Text } from "@mantine/core";
import { blocking, Loading, Panel, Problem } from "../../components/basics";
import { same, useDraft } from "../../components/edits";
import { useTell } from "../../components/notify";
import { useSession } from "../../session";
import { useT } from "../../text";
import { useChangeTags, useTags, useTagsOf } from "./api";

export function Tags({ deviceRef }: { deviceRef: string }) {
  const t = useT();
  const { mayChange } = useSession();
  const found = useTagsOf(deviceRef);
  const stored = found.data?.tags ?? [];
  const content = () => {
    if (blocking(found)) return <Problem error={found.error} retry={() => void found.refetch()} />;
    if (!found.data) return <Loading rows={1} />;
    if (!mayChange) return <Text size="sm">{stored.join(" · ") || "–"}</Text>;
    return <TagsForm deviceRef={deviceRef} stored={stored} />;
  };
  return <Panel title={t("device.tags")}>{content()}</Panel>;
}

function TagsForm({ deviceRef, stored }: { deviceRef: string; stored: string[] }) {
  const t = useT();
  const { run } = useTell();
  const known = useTags();
  const [tags, setTags, saved] = useDraft(stored);
  const change = useChangeTags(deviceRef);
  const save = () => void run(change.mutateAsync(tags), t("device.saved")).then((answer) => answer && saved());
  return (
    <Group align="flex-end" wrap="nowrap">
      <TagsInput
        style={{ flex: 1, minWidth: 0 }}
        aria-label={t("device.tags")}
        data={known}
        value={tags}
        onChange={setTags}
        maxTags={20}
      />
      <Button disabled={same(tags, stored)} loading={change.isPending} onClick={save}>
        {t("common.save")}
      </Button>
    </Group>
  );
}
