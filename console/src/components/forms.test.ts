// Every form of the console says when it holds what is not saved: what was typed is never dropped unasked.
import ts from "typescript";
import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>(["../**/*.tsx", "!../**/*.test.tsx"], {
  query: "?raw",
  import: "default",
  eager: true,
});

const passed = "what is typed is the form's around it, which says so";
const shown = "it decides what is shown, and nothing is stored";
const outside = "before somebody signs in there is no page to leave for";

const trial = "something to try the decoder with";
const rows = "of scanned devices, which the page around it tells of";

/** Components that hold input which nobody saves, and why. */
const free: Record<string, string> = {
  "components/DataTable.tsx useSortedHere": shown,
  "components/DevicePicker.tsx DevicePicker": passed,
  "components/NumberField.tsx NumberField": passed,
  "features/account/Links.tsx": outside,
  "features/account/SignIn.tsx": outside,
  "features/decoders/Lab.tsx Encode": trial,
  "features/decoders/Lab.tsx OfDevice": trial,
  "features/decoders/Lab.tsx OfPayload": trial,
  "features/devices/DeviceForm.tsx useScan": shown,
  "features/devices/List.tsx useSelection": shown,
  "features/devices/Map.tsx usePlaces": shown,
  "features/devices/ModelChoice.tsx ModelChoice": passed,
  "features/devices/Readings.tsx Compare": shown,
  "features/devices/Series.tsx useCreating": rows,
  "features/devices/Series.tsx useScan": rows,
  "features/first-steps/StationStep.tsx StationStep": shown,
  "features/groups/MemberSetUp.tsx MemberSetUpDialog": shown,
  "features/operator/Branding.tsx Logo": passed,
  "features/operator/Oversight.tsx Audit": shown,
  "features/operator/Oversight.tsx Settings": shown,
  "features/operator/SettingsForm.tsx": passed,
  "features/operator/StationConfiguration.tsx StationConfiguration": shown,
  "features/operator/StationHistory.tsx StationHistory": shown,
  "features/operator/StationFailure.tsx useCells": shown,
  "features/operator/UnknownDevices.tsx ForWhom": "one choice on the way to another form",
};

interface Holder {
  name: string;
  /** Whether it says when it differs from what is saved. */
  guarded: boolean;
}

function named(node: ts.Node, found: (call: string) => void): void {
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) found(node.expression.text);
  node.forEachChild((child) => named(child, found));
}

function isTyped(within: ts.Node): boolean {
  const isProp =
    ts.isJsxAttribute(within) || ts.isPropertyAssignment(within) || ts.isShorthandPropertyAssignment(within);
  if (isProp && within.name.getText() === "onChange") return true;
  return within.forEachChild((child) => isTyped(child) || undefined) ?? false;
}

const parsed = (path: string, text: string) =>
  ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);

/** Components with a state of their own that an input changes. The state of a hook is changed by any input beside it. */
function holders(path: string, text: string): Holder[] {
  const file = parsed(path, text);
  return file.statements.filter(ts.isFunctionDeclaration).flatMap((component) => {
    const calls = new Set<string>();
    named(component, (call) => calls.add(call));
    const typed = isTyped(component.name?.text.startsWith("use") ? file : component);
    const holds = typed && (calls.has("useState") || calls.has("useDraft"));
    const guarded = ["useUnsaved", "useSaving", "useDraft"].some((call) => calls.has(call));
    return holds ? [{ name: component.name?.text ?? "", guarded }] : [];
  });
}

/** Buttons that say by themselves that they open a dialog: those that have the attribute, and those made of them. */
function speaking(text: string): Set<string> {
  const found = new Set<string>();
  for (const component of parsed("actions.tsx", text).statements.filter(ts.isFunctionDeclaration)) {
    const body = component.getText();
    if (body.includes('aria-haspopup="dialog"') || [...found].some((name) => body.includes(`<${name} `)))
      found.add(component.name?.text ?? "");
  }
  return found;
}

const speak = speaking(sources["./actions.tsx"] ?? "");

/** Buttons whose press opens a dialog, and which do not say so. */
function silent(path: string, text: string): string[] {
  const file = parsed(path, text);
  return file.statements.filter(ts.isFunctionDeclaration).flatMap((component) => {
    const openers = new Set(["openDialog", "confirm", "openQuestion"]);
    const opens = (node: ts.Node): boolean =>
      (ts.isIdentifier(node) && openers.has(node.text)) ||
      (node.forEachChild((child) => opens(child) || undefined) ?? false);
    const says = (attributes: ts.JsxAttributes) =>
      attributes.getText().includes("aria-haspopup") || speak.has(attributes.parent.tagName.getText());
    const found: string[] = [];
    const names = (node: ts.Node): void => {
      if (ts.isVariableDeclaration(node) && node.initializer && ts.isArrowFunction(node.initializer))
        if (opens(node.initializer.body)) openers.add(node.name.getText());
      node.forEachChild(names);
    };
    const look = (node: ts.Node): void => {
      if (ts.isJsxAttribute(node) && node.name.getText() === "onClick" && node.initializer && opens(node.initializer))
        if (!says(node.parent)) found.push(`${path}: ${node.getText()}`);
      node.forEachChild(look);
    };
    names(component);
    look(component);
    return found;
  });
}

const all = Object.entries(sources).flatMap(([key, text]) => {
  // Those of this folder are named without it.
  const path = key.replace(/^\.\.\//, "").replace(/^\.\//, "components/");
  return holders(path, text).map((one) => ({ ...one, path, place: `${path} ${one.name}` }));
});

describe("the forms of the console", () => {
  const excused = (place: string, path: string) => place in free || path in free;

  it("say when they hold what is not saved, or are listed", () => {
    const forgotten = all.filter(({ guarded, place, path }) => !guarded && !excused(place, path));
    expect(forgotten.map(({ place }) => place)).toEqual([]);
  });

  it("are not listed for nothing", () => {
    const needed = all.filter(({ guarded }) => !guarded);
    const idle = Object.keys(free).filter((key) => !needed.some(({ place, path }) => place === key || path === key));
    expect(idle).toEqual([]);
  });

  it("are found by the test", () => {
    expect(all.filter(({ guarded }) => guarded).length).toBeGreaterThan(25);
  });

  it("are opened by buttons that say so", () => {
    const found = Object.entries(sources).filter(([path]) => !path.endsWith("/dialogs.tsx"));
    expect(found.flatMap(([path, text]) => silent(path, text))).toEqual([]);
  });
});
