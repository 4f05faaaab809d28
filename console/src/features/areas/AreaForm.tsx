// The form of an area: drawn on the map, or typed.
import { Button, Group, SegmentedControl, Select, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { Coordinates } from "../../components/Coordinates";
import { WorldMap } from "../../components/Map";
import { NameField } from "../../components/NameField";
import { NumberField } from "../../components/NumberField";
import { useSaving } from "../../components/saving";
import { useT } from "../../text";
import { useDeviceTags, useSaveArea, type Area } from "./api";
import { cornersOf, drawingOf, edgesOf, nothing, outlineOf, picked, shapeOf, type Drawing } from "./drawing";

const alarms = ["BOTH", "ENTER", "LEAVE"] as const;
const areaLevels = ["WARNING", "MINOR", "MAJOR", "CRITICAL"] as const;

interface Form {
  name: string;
  alarm: (typeof alarms)[number];
  level: (typeof areaLevels)[number];
  tag: string | null;
  drawing: Drawing;
}

const empty: Form = { name: "", alarm: "BOTH", level: "WARNING", tag: null, drawing: nothing };

export function AreaForm({ area }: { area?: Area }) {
  const t = useT();
  const [given] = useState<Form>(() => (area ? { ...area, drawing: drawingOf(area) } : empty));
  const [form, setForm] = useState(given);
  const saving = useSaveArea(area?.ref);
  const save = useSaving(form !== given);
  const change = (part: Partial<Form>) => setForm({ ...form, ...part });
  const shape = shapeOf(form.drawing);
  const submit = () => {
    const { name, alarm, level, tag, drawing } = form;
    // An area whose border is as it was has not been drawn again.
    const drawn = drawing === given.drawing ? {} : shape;
    void save(saving.mutateAsync({ name: name.trim(), alarm, level, tag, ...drawn }), t("areas.saved"));
  };
  return (
    <Stack>
      <NameField value={form.name} onChange={(name) => change({ name })} data-autofocus />
      <Watching form={form} change={change} />
      <Draw area={area} drawing={form.drawing} change={(drawing) => change({ drawing })} />
      <Button loading={saving.isPending} disabled={!form.name.trim() || !shape} onClick={submit}>
        {area ? t("common.save") : t("common.create")}
      </Button>
    </Stack>
  );
}

function Watching({ form, change }: { form: Form; change: (part: Partial<Form>) => void }) {
  const t = useT();
  const tags = useDeviceTags();
  return (
    <Group grow align="flex-start" preventGrowOverflow={false}>
      <Select
        label={t("areas.alarm")}
        data={alarms.map((value) => ({ value, label: t(`areas.${value}`) }))}
        value={form.alarm}
        onChange={(alarm) => alarm && change({ alarm })}
        allowDeselect={false}
      />
      <Select
        label={t("areas.level")}
        data={areaLevels.map((value) => ({ value, label: t(`severity.${value}`) }))}
        value={form.level}
        onChange={(level) => level && change({ level })}
        allowDeselect={false}
      />
      <Select
        label={t("areas.tag")}
        placeholder={t("areas.all")}
        data={form.tag === null || tags.includes(form.tag) ? tags : [form.tag, ...tags]}
        value={form.tag}
        onChange={(tag) => change({ tag })}
        clearable
        searchable
      />
    </Group>
  );
}

interface DrawProps {
  area?: Area;
  drawing: Drawing;
  change: (drawing: Drawing) => void;
}

function Draw({ area, drawing, change }: DrawProps) {
  const t = useT();
  const typed = cornersOf(drawing.corners);
  return (
    <>
      <SegmentedControl
        aria-label={t("areas.shape")}
        data={[
          { value: "circle", label: t("areas.circle") },
          { value: "polygon", label: t("areas.polygon") },
        ]}
        value={drawing.kind}
        onChange={(kind) => change({ ...drawing, kind })}
      />
      <Text size="sm" c="dimmed">
        {drawing.kind === "circle" ? t("areas.clickCircle") : t("areas.clickPolygon")}
      </Text>
      <WorldMap
        label={t("areas.map")}
        spots={[]}
        outlines={outlineOf(drawing, t("areas.drawn"))}
        height={300}
        fit={area?.ref}
        places={area && edgesOf(area)}
        onPick={(latitude, longitude) => change(picked(drawing, latitude, longitude))}
      />
      {drawing.kind === "circle" ? (
        <Group grow align="flex-start">
          <Coordinates
            latitude={drawing.latitude}
            setLatitude={(latitude) => change({ ...drawing, latitude })}
            longitude={drawing.longitude}
            setLongitude={(longitude) => change({ ...drawing, longitude })}
          />
          <NumberField
            label={t("areas.radius")}
            value={drawing.radius}
            onChange={(radius) => change({ ...drawing, radius })}
            min={10}
            max={500_000}
          />
        </Group>
      ) : (
        <Textarea
          label={t("areas.corners")}
          description={t("areas.cornersText")}
          error={typed ? undefined : t("areas.cornersWrong")}
          value={drawing.corners}
          onChange={(event) => change({ ...drawing, corners: event.currentTarget.value })}
          minRows={3}
          maxRows={8}
          autosize
        />
      )}
    </>
  );
}
