/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** More octets than any file of the first screen has. The last step would take two seconds for a fiftieth of their form. */
const large = 500_000;

/** Beside each script and style its smallest form, which takes too long to make for a server that is asked for it. */
function compressed(): Plugin {
  let folder = "";
  return {
    name: "compressed",
    apply: "build",
    configResolved(config) {
      folder = join(config.build.outDir, "assets");
    },
    closeBundle() {
      for (const name of readdirSync(folder).filter((one) => /\.(js|css)$/.test(one))) {
        const path = join(folder, name);
        const whole = readFileSync(path);
        const quality = constants.BROTLI_MAX_QUALITY - Number(whole.length > large);
        const params = { [constants.BROTLI_PARAM_QUALITY]: quality };
        writeFileSync(`${path}.br`, brotliCompressSync(whole, { params }));
      }
    },
  };
}

/** The page around the screens, and the first of them. */
const view = /\/src\/(Console|features\/home\/Home)\.tsx$/;

/** Whether one of our modules comes with the first screen after signing in. */
function ofView(id: string, modules: { getModuleInfo: (id: string) => { importers: string[] } | null }) {
  const seen = new Set<string>();
  const isOfView = (one: string): boolean => {
    if (seen.has(one)) return false;
    seen.add(one);
    return view.test(one) || (modules.getModuleInfo(one)?.importers ?? []).some(isOfView);
  };
  // What they use of libraries follows them.
  return !id.includes("/node_modules/") && isOfView(id) ? "view" : null;
}

export default defineConfig({
  base: "/console/",
  plugins: [react(), compressed()],
  build: {
    outDir: "../src/veldnet/console/static",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 700,
    // Nothing inline: the page's policy allows scripts of its own host only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What the sign-in form needs is one file: each costs a slow line its headers, and compresses worse by itself.
          groups: [
            { name: "first", tags: ["$initial"], priority: 3 },
            // The first screen is another, with nothing that only other screens need.
            { name: ofView, debugName: "view", priority: 2 },
            // What several screens need is a third: a page asks for a third of the files, and the browser compiles fewer.
            { name: "shared", minShareCount: 3, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/data": "http://127.0.0.1:8080" } },
  test: {
    // Tests wait for what they count on: a busy machine must not fail them.
    testTimeout: 60_000,
    environment: "jsdom",
    isolate: false,
    css: { include: [/src.styles/] },
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing.setup.ts"],
  },
});
