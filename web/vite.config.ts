import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run web:dev` serves the sources with hot reload and asks a running coffee, or the mock, for the data.
const api = process.env["DALGONA_API"] ?? "http://127.0.0.1:8080";
const proxied = ["/api", "/discovery-service", "/leaderboard-service"];

export default defineConfig({
  plugins: [react()],
  cacheDir: "../build/web-cache",
  build: {
    outDir: process.env["DALGONA_WEB_DIST"] ?? "dist",
    emptyOutDir: true,
    target: "es2023",
    // A small file as a data: URL would need holes in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // The polyfill is for browsers that these pages do not run in anyway.
    modulePreload: { polyfill: false },
    // ECharts is a chunk of its own, loaded by the pages that draw.
    chunkSizeWarningLimit: 600,
  },
  server: { host: "127.0.0.1", proxy: Object.fromEntries(proxied.map((path) => [path, { target: api }])) },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
