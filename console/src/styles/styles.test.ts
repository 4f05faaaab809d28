import { expect, it } from "vitest";

const sources = import.meta.glob<string>("/src/**/*.tsx", { query: "?raw", import: "default", eager: true });
const ours = import.meta.glob<string>("/src/styles/*.css", { query: "?raw", import: "default", eager: true });
const offered = import.meta.glob("/node_modules/@mantine/core/styles/*.layer.css");

it("come with every component that is used", () => {
  const styles = Object.values(ours).join("");
  const used = new Set(
    Object.values(sources).flatMap((source) =>
      [...source.matchAll(/import \{([^}]+)\} from "@mantine\/core"/g)].flatMap(([, names]) =>
        (names ?? "").split(",").map((name) => name.trim()),
      ),
    ),
  );
  const missing = [...used].filter(
    (name) =>
      `/node_modules/@mantine/core/styles/${name}.layer.css` in offered && !styles.includes(`/${name}.layer.css`),
  );
  // Add them to src/styles/all.css.
  expect(missing).toEqual([]);
  expect(used.size).toBeGreaterThan(30);
});
