// The units of what a decoder reads, by the names of the readings.
import { ActionIcon, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { IfMayChange, Panel } from "../../components/basics";
import { useSession } from "../../session";
import { useT } from "../../text";

export interface Unit {
  name: string;
  unit: string;
}

export function unitsOf(members: Record<string, string>): Unit[] {
  return Object.entries(members).map(([name, unit]) => ({ name, unit }));
}

/** As the server takes them; of a name that is there twice the last, and none without a name. */
export function asMembers(units: Unit[]): Record<string, string> {
  return Object.fromEntries(
    units.filter(({ name }) => name.trim()).map(({ name, unit }) => [name.trim(), unit.trim()]),
  );
}

export function Units({ units, onChange }: { units: Unit[]; onChange: (units: Unit[]) => void }) {
  const t = useT();
  const put = (index: number, change: Partial<Unit>) =>
    onChange(units.map((one, at) => (at === index ? { ...one, ...change } : one)));
  return (
    <Stack mt="md">
      <Panel title={t("decoders.units")}>
        <Stack gap="xs">
          <Text size="sm" c="dimmed">
            {t("decoders.unitsText")}
          </Text>
          {units.map((one, index) => (
            <OneUnit
              key={index}
              of={one}
              onChange={(change) => put(index, change)}
              onRemove={() => onChange(units.filter((_, at) => at !== index))}
            />
          ))}
          <IfMayChange>
            <Group>
              <Button
                size="xs"
                variant="default"
                leftSection={<IconPlus size={14} />}
                onClick={() => onChange([...units, { name: "", unit: "" }])}
              >
                {t("decoders.addUnit")}
              </Button>
            </Group>
          </IfMayChange>
        </Stack>
      </Panel>
    </Stack>
  );
}

interface OneProps {
  of: Unit;
  onChange: (change: Partial<Unit>) => void;
  onRemove: () => void;
}

function OneUnit({ of, onChange, onRemove }: OneProps) {
  const t = useT();
  const { mayChange } = useSession();
  return (
    <Group gap="xs" wrap="nowrap">
      <TextInput
        aria-label={t("decoders.reading")}
        placeholder="temperature"
        value={of.name}
        maxLength={200}
        readOnly={!mayChange}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
        style={{ flex: 1 }}
      />
      <TextInput
        aria-label={t("decoders.unit")}
        placeholder="°C"
        value={of.unit}
        maxLength={20}
        readOnly={!mayChange}
        onChange={(event) => onChange({ unit: event.currentTarget.value })}
        w={90}
      />
      <IfMayChange>
        <ActionIcon variant="subtle" color="red" aria-label={t("decoders.removeUnit")} onClick={onRemove}>
          <IconTrash size={16} />
        </ActionIcon>
      </IfMayChange>
    </Group>
  );
}
