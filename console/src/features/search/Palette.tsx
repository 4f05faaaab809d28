// The command palette: everything that one may see, and every page, from the keyboard.
import { Box, Group, Kbd, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { usePreferences } from "../../api/preferences";
import { Problem } from "../../components/basics";
import type { ScreenPath } from "../../navigation";
import { useSession } from "../../session";
import { useT } from "../../text";
import { searchOptions } from "./api";
import { foundSections, pageEntries, recentEntries, type Entry, type Page, type Section } from "./entries";
import { useOpen } from "./useOpen";

/** As long as somebody types faster, nothing is asked. */
const pause = 120;

export interface PaletteProps {
  pages: readonly Page[];
  close: () => void;
}

export function Palette({ pages, close }: PaletteProps) {
  const t = useT();
  const { user } = useSession();
  const operator = user?.kind === "operator";
  const navigate = useNavigate();
  const queries = useQueryClient();
  const openHit = useOpen(close);
  const [preferences] = usePreferences();
  const [typed, setTyped] = useState("");
  const text = typed.trim();
  const [asked] = useDebouncedValue(text, pause);
  const found = useQuery(searchOptions(asked));
  const [chosen, setChosen] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const list = useId();
  useEffect(() => field.current?.focus(), []);

  const recent = preferences.recent;
  const sections = useMemo<Section[]>(() => {
    const named: Section = { id: "pages", title: t("search.pages"), entries: pageEntries(pages, text, t), more: false };
    if (!text)
      return [
        { id: "recent", title: t("search.recent"), entries: recentEntries(recent ?? [], operator), more: false },
        named,
      ];
    // Answers for other words stay until there are new ones, so that the list does not flicker.
    return [named, ...foundSections(text.length > 1 ? (found.data?.groups ?? []) : [], operator, t)];
  }, [found.data, operator, pages, recent, t, text]);
  const shown = sections.filter((section) => section.entries.length);
  const entries = shown.flatMap((section) => section.entries);
  const active = entries[Math.min(chosen, entries.length - 1)];
  useEffect(() => {
    if (active) document.getElementById(`${list}-${active.id}`)?.scrollIntoView({ block: "nearest" });
  }, [active, list]);

  const open = (entry: Entry) => {
    if (entry.hit) return openHit(entry.hit);
    close();
    void navigate({ to: entry.page as ScreenPath });
  };
  /** Of what stands in the field, whatever is drawn of fewer letters. */
  const openFirst = async () => {
    if (chosen || text.length < 2 || pageEntries(pages, text, t).length) return active && open(active);
    const answer = await queries.fetchQuery(searchOptions(text)).catch(() => null);
    const first = foundSections(answer?.groups ?? [], operator, t)[0]?.entries[0];
    if (first) open(first);
  };
  const keys = (event: KeyboardEvent) => {
    const last = entries.length - 1;
    const steps: Record<string, () => void> = {
      ArrowDown: () => setChosen(chosen >= last ? 0 : chosen + 1),
      ArrowUp: () => setChosen(chosen <= 0 ? Math.max(last, 0) : Math.min(chosen, last) - 1),
      PageDown: () => setChosen(Math.max(Math.min(chosen + 8, last), 0)),
      PageUp: () => setChosen(Math.max(chosen - 8, 0)),
      Enter: () => void openFirst(),
    };
    const step = steps[event.key];
    if (!step || event.nativeEvent.isComposing) return;
    event.preventDefault();
    step();
  };
  const settled = asked === text && !found.isFetching;
  return (
    <Stack gap="xs">
      <TextInput
        ref={field}
        data-autofocus
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={keys}
        maxLength={100}
        placeholder={t("search.placeholder")}
        aria-label={t("search.placeholder")}
        leftSection={<IconSearch size={16} />}
        role="combobox"
        aria-expanded={entries.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={active && `${list}-${active.id}`}
        autoComplete="off"
        spellCheck={false}
      />
      {found.isError && text.length > 1 && <Problem error={found.error} retry={() => void found.refetch()} />}
      <Box id={list} role="listbox" aria-label={t("search.title")} className="palette">
        {shown.map((section) => (
          <div key={section.id} role="group" aria-labelledby={`${list}-${section.id}`}>
            <Text id={`${list}-${section.id}`} size="xs" c="dimmed" fw={600} px="xs" pt="xs">
              {section.title}
              {section.more && ` (${t("search.more")})`}
            </Text>
            {section.entries.map((entry) => (
              <Option
                key={entry.id}
                id={`${list}-${entry.id}`}
                entry={entry}
                active={entry === active}
                choose={() => setChosen(entries.indexOf(entry))}
                open={() => open(entry)}
              />
            ))}
          </div>
        ))}
      </Box>
      <Group justify="space-between" wrap="nowrap" px="xs" mih={22}>
        <Text size="xs" c="dimmed" role="status">
          {text.length > 1 && settled && !found.isError && !entries.length && t("search.nothing")}
        </Text>
        <Group gap={6} wrap="nowrap" visibleFrom="sm" aria-hidden>
          <Kbd size="xs">↑ ↓</Kbd>
          <Kbd size="xs">Enter</Kbd>
          <Kbd size="xs">Esc</Kbd>
        </Group>
      </Group>
    </Stack>
  );
}

interface OptionOf {
  id: string;
  entry: Entry;
  active: boolean;
  choose: () => void;
  open: () => void;
}

/** The keyboard is the field's: it says which option is chosen. */
function Option({ id, entry, active, choose, open }: OptionOf) {
  return (
    <div
      id={id}
      role="option"
      aria-selected={active}
      tabIndex={-1}
      className="palette-option"
      onMouseMove={active ? undefined : choose}
      onClick={open}
      onKeyDown={(event) => event.key === "Enter" && open()}
    >
      <entry.icon size={18} stroke={1.7} aria-hidden />
      <Text size="sm" truncate style={{ flex: "0 1 auto" }}>
        {entry.label}
      </Text>
      {entry.detail && (
        <Text size="xs" c="dimmed" truncate ml="auto" style={{ flex: "0 1 auto" }}>
          {entry.detail}
        </Text>
      )}
    </div>
  );
}
