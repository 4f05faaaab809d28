// Settings of plans and profiles that differ from the defaults, in short.
import { plain } from "../../format";
import { useTexts } from "../../text";
import { changed } from "./OfferForm";
import { choiceText } from "./choiceTexts";
import type { Settings } from "./SettingsForm";
import type { SettingGroup } from "./settingTexts";

export function useDifferences(groups: SettingGroup[]): (settings: Settings, defaults: Settings) => string[] {
  const { t, language } = useTexts();
  const labels = Object.assign({}, ...groups.map((group) => group.settings)) as Partial<SettingGroup["settings"]>;
  const inWords = (name: string, value: unknown) =>
    typeof value === "boolean" ? t(value ? "common.yes" : "common.no") : choiceText(name, plain(value), language);
  return (settings, defaults) =>
    changed(settings, defaults).map(
      ([name, value]) => `${labels[name]?.[language][0] ?? name}: ${inWords(name, value)}`,
    );
}
