// The base station: registered, given its configuration, and waited for until it is connected.
import { Alert, Badge, Button, Group, Loader, Select, Stack, Text } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { Mono, Panel, Time } from "../../components/basics";
import { useT } from "../../text";
import { useUnknownStations } from "../operator/api";
import { StationConfiguration } from "../operator/StationConfiguration";
import { StationForm } from "../operator/StationForm";

type Station = Schemas["StationView"];

interface Props {
  stations: Station[];
  chosen: Station | undefined;
  onChosen: (id: string) => void;
  onDone: () => void;
}

export function StationStep({ stations, chosen, onChosen, onDone }: Props) {
  const t = useT();
  const [another, setAnother] = useState(false);
  return (
    <Stack>
      {chosen && (
        <>
          {stations.length > 1 && (
            <Select
              label={t("logger.station")}
              searchable
              allowDeselect={false}
              value={chosen.id}
              onChange={(id) => id && onChosen(id)}
              data={stations.map(({ id, name }) => ({ value: id, label: `${name} (${id})` }))}
            />
          )}
          <Connection station={chosen} onDone={onDone} />
          {!chosen.connected && <StationConfiguration station={chosen} tokens />}
        </>
      )}
      {chosen && !another ? (
        <Group>
          <Button variant="subtle" onClick={() => setAnother(true)}>
            {t("firstSteps.anotherStation")}
          </Button>
        </Group>
      ) : (
        <Registration
          onRegistered={(id) => {
            setAnother(false);
            onChosen(id);
          }}
        />
      )}
    </Stack>
  );
}

/** Whether the base station is there, as it happens. */
function Connection({ station, onDone }: { station: Station; onDone: () => void }) {
  const t = useT();
  if (!station.connected)
    return (
      <Panel title={station.name}>
        <Stack gap="xs">
          <Group gap="sm" role="status">
            <Loader size="sm" aria-hidden />
            <Text size="sm">{t("firstSteps.stationWaiting")}</Text>
          </Group>
          <Text size="sm" c="dimmed">
            {t("firstSteps.stationHelp", { eui: station.gatewayEUI })}
          </Text>
        </Stack>
      </Panel>
    );
  return (
    <Alert
      color="veld"
      icon={<IconCheck size={20} />}
      role="status"
      title={t("firstSteps.stationUp", { name: station.name })}
    >
      <Group justify="space-between">
        <Text size="sm">
          {t("stations.lastSeen")}: <Time at={station.lastSeen} short />
        </Text>
        <Button onClick={onDone}>{t("firstSteps.continue")}</Button>
      </Group>
    </Alert>
  );
}

function Registration({ onRegistered }: { onRegistered: (id: string) => void }) {
  const t = useT();
  const unknown = useUnknownStations();
  const [eui, setEui] = useState("");
  return (
    <Panel title={t("stations.new")}>
      <Stack>
        {(unknown.data?.length ?? 0) > 0 && (
          <Stack gap={6}>
            <Text size="sm">{t("firstSteps.stationSeen")}</Text>
            {unknown.data?.slice(0, 5).map((seen) => (
              <Group key={seen.gatewayEUI} gap="sm">
                <Mono>{seen.gatewayEUI}</Mono>
                <Badge variant="default" tt="none">
                  {seen.address}
                </Badge>
                <Button size="compact-sm" variant="default" onClick={() => setEui(seen.gatewayEUI)}>
                  {t("firstSteps.use")}
                </Button>
              </Group>
            ))}
          </Stack>
        )}
        <StationForm key={eui} eui={eui} onSaved={onRegistered} />
      </Stack>
    </Panel>
  );
}
