/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: {
    outDir: "../src/veldnet/console/static",
    emptyOutDir: true,
    target: "es2022",
    // One file of styles, so that no page flashes without them.
    cssCodeSplit: false,
    chunkSizeWarningLimit: 700,
    // Nothing inline: the page's policy allows scripts of its own host only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/data": "http://127.0.0.1:8080" } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], setupFiles: ["src/testing.setup.ts"] },
});
