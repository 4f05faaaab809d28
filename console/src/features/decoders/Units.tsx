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
  const { mayChange } = useSession();
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
            <Group key={index} gap="xs" wrap="nowrap">
              <TextInput
                aria-label={t("decoders.reading")}
                placeholder="temperature"
                value={one.name}
                maxLength={200}
                readOnly={!mayChange}
                onChange={(event) => put(index, { name: event.currentTarget.value })}
                style={{ flex: 1 }}
              />
              <TextInput
                aria-label={t("decoders.unit")}
                placeholder="°C"
                value={one.unit}
                maxLength={20}
                readOnly={!mayChange}
                onChange={(event) => put(index, { unit: event.currentTarget.value })}
                w={90}
              />
              <IfMayChange>
                <ActionIcon
                  variant="subtle"
                  color="red"
                  aria-label={t("decoders.removeUnit")}
                  onClick={() => onChange(units.filter((_, at) => at !== index))}
                >
                  <IconTrash size={16} />
                </ActionIcon>
              </IfMayChange>
            </Group>
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
