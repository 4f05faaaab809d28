// The configuration files of a base station, to copy or to download.
import { Alert, Button, Code, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconDownload } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { blocking, Copy, Facts, Loading, Mono, Panel, Problem } from "../../components/basics";
import { saveFile } from "../../download";
import { useT } from "../../text";
import { useStationConfiguration, type Program } from "./api";
import { StationTokens } from "./StationTokens";

const programs = [
  { value: "packet-forwarder", label: "Semtech UDP Packet Forwarder" },
  { value: "basics-station", label: "LoRa Basics Station" },
  { value: "gateway-bridge", label: "ChirpStack Gateway Bridge" },
  { value: "mqtt-forwarder", label: "ChirpStack MQTT Forwarder" },
  { value: "kerlink", label: "Kerlink" },
] as const satisfies { value: Program["format"]; label: string }[];
const chips = ["SX1301", "SX1302"] as const satisfies NonNullable<Program["chip"]>[];

interface Props {
  station: Schemas["StationView"];
  /** Whether tokens of Basics Station are issued here. */
  tokens?: boolean;
}

export function StationConfiguration({ station, tokens = false }: Props) {
  const t = useT();
  const [format, setFormat] = useState<Program["format"]>("packet-forwarder");
  const [chip, setChip] = useState<Program["chip"]>();
  const [concentrator, setConcentrator] = useState(1);
  const [server, setServer] = useState("");
  const [typed] = useDebouncedValue(server.trim(), 400);
  const query = { format, chip, concentrator, server: typed || undefined };
  const found = useStationConfiguration(station.id, query, keepPreviousData);
  const several = found.data !== undefined && found.data.concentrators > 1 && format !== "basics-station";
  return (
    <Panel title={t("configuration.title")}>
      <Stack>
        <Group grow align="flex-end" preventGrowOverflow={false}>
          <Select
            label={t("configuration.program")}
            allowDeselect={false}
            data={programs}
            value={format}
            onChange={(value) => setFormat(programs.find((one) => one.value === value)?.value ?? format)}
          />
          <Select
            label={t("configuration.chip")}
            allowDeselect={false}
            data={chips}
            value={chip ?? found.data?.chip ?? null}
            onChange={(value) => setChip(chips.find((one) => one === value) ?? chip)}
          />
          {(several || concentrator > 1) && (
            <Select
              label={t("configuration.concentrator")}
              allowDeselect={false}
              data={Array.from({ length: found.data?.concentrators ?? concentrator }, (_, number) => `${number + 1}`)}
              value={`${concentrator}`}
              onChange={(value) => setConcentrator(Number(value ?? 1))}
            />
          )}
          <TextInput
            label={t("configuration.server")}
            placeholder={found.data?.server}
            value={server}
            onChange={(event) => setServer(event.currentTarget.value)}
          />
        </Group>
        {blocking(found) ? <Problem error={found.error} /> : found.data ? <Files of={found.data} /> : <Loading />}
        {tokens && format === "basics-station" && <StationTokens station={station} />}
      </Stack>
    </Panel>
  );
}

function Files({ of }: { of: Schemas["StationConfigurationView"] }) {
  const t = useT();
  const values = Object.entries(of.values);
  return (
    <Stack>
      {!of.served && <Alert color="orange">{t("configuration.notServed")}</Alert>}
      {of.files.map((file) => (
        <div key={file.name}>
          <Group justify="space-between" mb={4}>
            <Group gap={4}>
              <Text size="sm" fw={600}>
                {file.name}
              </Text>
              <Copy value={file.content} label={t("common.copyOf", { what: file.name })} />
            </Group>
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconDownload size={14} />}
              aria-label={t("configuration.download", { name: file.name })}
              onClick={() => saveFile(file.name, file.content)}
            >
              {t("configuration.save")}
            </Button>
          </Group>
          <Code block mah={220} tabIndex={0} style={{ overflow: "auto" }}>
            {file.content}
          </Code>
        </div>
      ))}
      {values.length > 0 && (
        <div>
          <Text size="sm" mb={4}>
            {t("configuration.values")}
          </Text>
          <Facts items={values.map(([name, value]) => [name, <Mono key={name}>{value}</Mono>])} />
        </div>
      )}
    </Stack>
  );
}
