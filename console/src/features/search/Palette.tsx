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

/** Pages and what one had open lately; with letters, pages and what the server has found. */
function useFound(pages: readonly Page[], text: string) {
  const t = useT();
  const operator = useSession().user?.kind === "operator";
  const queries = useQueryClient();
  const [{ recent }] = usePreferences();
  const [asked] = useDebouncedValue(text, pause);
  const found = useQuery(searchOptions(asked));
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
  const settled = asked === text && !found.isFetching;
  /** Of what stands in the field, whatever is drawn of fewer letters. */
  const first = async () => {
    const answer = await queries.fetchQuery(searchOptions(text)).catch(() => null);
    return foundSections(answer?.groups ?? [], operator, t)[0]?.entries[0];
  };
  return { found, shown, entries, settled, first };
}

/** Which entry a key leads to. */
function stepped(key: string, chosen: number, last: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: chosen >= last ? 0 : chosen + 1,
    ArrowUp: chosen <= 0 ? Math.max(last, 0) : Math.min(chosen, last) - 1,
    PageDown: Math.max(Math.min(chosen + 8, last), 0),
    PageUp: Math.max(chosen - 8, 0),
  };
  return steps[key];
}

export function Palette({ pages, close }: PaletteProps) {
  const t = useT();
  const navigate = useNavigate();
  const openHit = useOpen(close);
  const [typed, setTyped] = useState("");
  const text = typed.trim();
  const { found, shown, entries, settled, first } = useFound(pages, text);
  const [chosen, setChosen] = useState(0);
  const list = useId();
  const active = entries[Math.min(chosen, entries.length - 1)];
  useEffect(() => {
    if (active) document.getElementById(`${list}-${active.id}`)?.scrollIntoView({ block: "nearest" });
  }, [active, list]);

  const open = (entry: Entry) => {
    if (entry.hit) return openHit(entry.hit);
    close();
    void navigate({ to: entry.page as ScreenPath });
  };
  const openFirst = async () => {
    const shownIsTyped = chosen || text.length < 2 || pageEntries(pages, text, t).length;
    const entry = shownIsTyped ? active : await first();
    if (entry) open(entry);
  };
  const keys = (event: KeyboardEvent) => {
    const next = stepped(event.key, chosen, entries.length - 1);
    if (event.nativeEvent.isComposing || (next === undefined && event.key !== "Enter")) return;
    event.preventDefault();
    if (next === undefined) void openFirst();
    else setChosen(next);
  };
  return (
    <Stack gap="xs">
      <SearchField
        typed={typed}
        onType={(next) => {
          setTyped(next);
          setChosen(0);
        }}
        onKeyDown={keys}
        list={list}
        expanded={entries.length > 0}
        active={active && `${list}-${active.id}`}
      />
      {found.isError && text.length > 1 && <Problem error={found.error} retry={() => void found.refetch()} />}
      <Box id={list} role="listbox" aria-label={t("search.title")} className="palette">
        {shown.map((section) => (
          <SectionOf
            key={section.id}
            list={list}
            section={section}
            active={active}
            choose={(entry) => setChosen(entries.indexOf(entry))}
            open={open}
          />
        ))}
      </Box>
      <Footer nothing={text.length > 1 && settled && !found.isError && !entries.length} />
    </Stack>
  );
}

interface FieldProps {
  typed: string;
  onType: (text: string) => void;
  onKeyDown: (event: KeyboardEvent) => void;
  /** The ids of the list that it leads, and of what is chosen there. */
  list: string;
  active: string | undefined;
  expanded: boolean;
}

function SearchField({ typed, onType, onKeyDown, list, active, expanded }: FieldProps) {
  const t = useT();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <TextInput
      ref={field}
      data-autofocus
      value={typed}
      onChange={(event) => onType(event.currentTarget.value)}
      onKeyDown={onKeyDown}
      maxLength={100}
      placeholder={t("search.placeholder")}
      aria-label={t("search.placeholder")}
      leftSection={<IconSearch size={16} />}
      role="combobox"
      aria-expanded={expanded}
      aria-controls={list}
      aria-autocomplete="list"
      aria-activedescendant={active}
      autoComplete="off"
      spellCheck={false}
    />
  );
}

interface SectionProps {
  /** The id of the list it is in. */
  list: string;
  section: Section;
  active: Entry | undefined;
  choose: (entry: Entry) => void;
  open: (entry: Entry) => void;
}

function SectionOf({ list, section, active, choose, open }: SectionProps) {
  const t = useT();
  return (
    <div role="group" aria-labelledby={`${list}-${section.id}`}>
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
          choose={() => choose(entry)}
          open={() => open(entry)}
        />
      ))}
    </div>
  );
}

/** Whether nothing was found, and the keys. */
function Footer({ nothing }: { nothing: boolean }) {
  const t = useT();
  return (
    <Group justify="space-between" wrap="nowrap" px="xs" mih={22}>
      <Text size="xs" c="dimmed" role="status">
        {nothing && t("search.nothing")}
      </Text>
      <Group gap={6} wrap="nowrap" visibleFrom="sm" aria-hidden>
        <Kbd size="xs">↑ ↓</Kbd>
        <Kbd size="xs">Enter</Kbd>
        <Kbd size="xs">Esc</Kbd>
      </Group>
    </Group>
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
