import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running server; built files are served by that server itself. */
const server = loadEnv("", ".", "KINEGRAPH_")["KINEGRAPH_URL"] ?? "http://127.0.0.1:8200";

export default defineConfig({
  plugins: [react()],
  // The server's policy for the editor allows no inline script, and no address but its own.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 400 },
  server: { proxy: { "/api": { target: server, ws: true } } },
  test: { include: ["tests/**/*.test.ts"], environment: "node", maxWorkers: 1 },
});
