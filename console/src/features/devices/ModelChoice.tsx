import { Alert, Badge, Group, Select, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { type Schemas } from "../../api/client";
import { $api } from "../../api/queries";
import { useT } from "../../text";
import type { ModelPick } from "./creating";

type Variant = Schemas["ModelVariant"];

/** A variant of another version or region: the nearest to what is chosen. */
function nearest(variants: Variant[], version: string, region: string): Variant | undefined {
  const first = (...tests: ((each: Variant) => boolean)[]) =>
    tests.map((test) => variants.find(test)).find((found) => found !== undefined);
  return first(
    (each) => each.version === version && each.region === region,
    (each) => each.version === version && each.region === "EU868",
    (each) => each.version === version,
    (each) => each.region === "EU868",
    () => true,
  );
}

const idOf = ({ makerId, modelId }: Pick<ModelPick, "makerId" | "modelId">) => `${makerId}/${modelId}`;

/** The models that what was typed finds, as choices with the chosen one among them, and what that one comes in. */
function useModels(value: ModelPick | null, search: string) {
  const [typed] = useDebouncedValue(search, 200);
  const label = value ? `${value.makerName} ${value.name}` : "";
  const found = $api.useQuery(
    "get",
    "/api/v1/catalogue/models",
    { params: { query: { search: typed === label ? "" : typed } } },
    { placeholderData: keepPreviousData, staleTime: 60_000 },
  );
  const model = $api.useQuery(
    "get",
    "/api/v1/catalogue/models/{makerId}/{modelId}",
    { params: { path: { makerId: value?.makerId ?? "", modelId: value?.modelId ?? "" } } },
    { enabled: value !== null, staleTime: 60_000 },
  );
  const variants = model.data?.variants ?? [];
  const models = found.data ?? [];
  const listed = models.map((each) => ({ value: idOf(each), label: `${each.makerName} ${each.name}` }));
  const id = value && idOf(value);
  const data = id && !listed.some((each) => each.value === id) ? [{ value: id, label }, ...listed] : listed;
  return { models, data, model: model.data, variants };
}

interface ChoiceProps {
  value: ModelPick | null;
  onChange: (value: ModelPick | null) => void;
  error?: string;
}

/** Maker, model, version and region, of the device catalogue. */
export function ModelChoice({ value, onChange, error }: ChoiceProps) {
  const t = useT();
  const [search, setSearch] = useState("");
  const { models, data, model, variants } = useModels(value, search);
  const id = value && idOf(value);
  const [known, setKnown] = useState("");
  // The first version and region, once the model is there.
  if (value && id && variants.length && known !== id) {
    const variant = nearest(variants, value.version, value.region);
    setKnown(id);
    if (variant) onChange({ ...value, version: variant.version, region: variant.region });
  }
  const choose = (chosen: string | null) => {
    const of = models.find((each) => idOf(each) === chosen);
    onChange(of ? { ...of, version: "", region: "" } : null);
  };
  const change = (version: string, region: string) => {
    const variant = nearest(variants, version, region);
    if (value && variant) onChange({ ...value, version: variant.version, region: variant.region });
  };
  const variant = variants.find((each) => each.version === value?.version && each.region === value.region);
  return (
    <Stack>
      <Select
        label={t("model.title")}
        description={t("model.text")}
        placeholder={t("model.search")}
        nothingFoundMessage={t("model.none")}
        data={data}
        value={id}
        onChange={choose}
        searchable
        clearable
        onSearchChange={setSearch}
        // The server has searched.
        filter={({ options }) => options}
        limit={50}
        error={error}
        required
      />
      {value && variants.length > 0 && <VariantChoice value={value} variants={variants} onChange={change} />}
      {variant && <VariantSigns variant={variant} />}
      {model?.description && (
        <Text size="sm" c="dimmed">
          {model.description}
        </Text>
      )}
      {variant?.activationType === "ABP" && <Alert color="orange">{t("model.abp")}</Alert>}
    </Stack>
  );
}

interface VariantProps {
  value: ModelPick;
  variants: Variant[];
  onChange: (version: string, region: string) => void;
}

function VariantChoice({ value, variants, onChange }: VariantProps) {
  const t = useT();
  const distinct = (values: string[]) => [...new Set(values)];
  return (
    <Group grow align="flex-start">
      <Select
        label={t("model.version")}
        data={distinct(variants.map((each) => each.version))}
        value={value.version || null}
        onChange={(version) => onChange(version ?? "", value.region)}
        allowDeselect={false}
      />
      <Select
        label={t("model.region")}
        data={distinct(variants.filter((each) => each.version === value.version).map((each) => each.region))}
        value={value.region || null}
        onChange={(region) => onChange(value.version, region ?? "")}
        allowDeselect={false}
      />
    </Group>
  );
}

function VariantSigns({ variant }: { variant: Variant }) {
  const t = useT();
  return (
    <Group gap="xs">
      <Badge variant="light" tt="none">
        LoRaWAN {variant.macVersion}
      </Badge>
      <Badge variant="light" tt="none">
        {t("model.class", { letter: variant.deviceClass })}
      </Badge>
      <Badge variant="light" color={variant.decoder ? "veld" : "gray"} tt="none">
        {t(variant.decoder ? "model.decoder" : "model.noDecoder")}
      </Badge>
    </Group>
  );
}
