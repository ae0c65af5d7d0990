import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { precompress } from "./build/precompress.ts";

const target = process.env["HOSTEL_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), precompress()],
  resolve: { alias: { "#": resolve(import.meta.dirname, "src") } },
  // The server puts a fresh nonce in its place with each page.
  html: { cspNonce: "{{nonce}}" },
  build: {
    outDir: resolve(import.meta.dirname, "../api/static"),
    emptyOutDir: true,
    // Browsers of 2024 on: they know light-dark(), which an older target would have rewritten into what does not work here.
    target: ["chrome123", "firefox120", "safari17.5"],
    // Everything that is in a page comes from this origin, as a file: the policy allows no data: scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    rollupOptions: {
      input: { index: resolve(import.meta.dirname, "index.html"), docs: resolve(import.meta.dirname, "docs.html") },
    },
  },
  server: { proxy: { "/api": { target, ws: true }, "/healthz": target } },
  test: {
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    // With a window and all modules made anew for each file the tests took three times as long; see src/testing/setup.ts.
    isolate: false,
    pool: "threads",
    // A busy machine is no failure.
    testTimeout: 30_000,
  },
});
