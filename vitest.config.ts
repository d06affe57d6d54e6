import { join } from "node:path";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { workerdEnvironment } from "./scripts/workerd-environment.ts";
import { contractMatrix } from "./test/reporters/contract-matrix.ts";
import { faultMatrix } from "./test/reporters/fault-matrix.ts";
import type {} from "./test/servers/provided.ts";

Object.assign(process.env, workerdEnvironment);

const patience = { testTimeout: 30_000, hookTimeout: 30_000, retry: 0 };

/** Where to write the results for a program that reads them, such as `.ci/run`. */
const jsonFile = process.env["TEST_RESULTS_JSON"];

export default defineConfig({
  // In workerd the pool resolves what a package requires with the configuration of this root, whose conditions lead to
  // ES modules that `require` cannot load. pg needs these two.
  resolve: {
    alias: {
      "pg-cloudflare": inPackage("pg-cloudflare/dist/index.js"),
      "pg-protocol": inPackage("pg-protocol/dist/index.js"),
    },
  },
  test: {
    globalSetup: "test/servers/global-setup.ts",
    reporters: [
      "default",
      contractMatrix(),
      faultMatrix(),
      ...(jsonFile ? [["json", { outputFile: jsonFile }] as ["json", { outputFile: string }]] : []),
    ],
    onUnhandledError: (error) => !isSocketPolyfillNoise(error),
    // Neither project extends this file: each would run the global setup once more.
    projects: [
      {
        test: { name: "node", include: ["test/**/*.test.ts"], exclude: ["test/workerd/**"], ...patience },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            miniflare: {
              compatibilityDate: "2026-09-01",
              compatibilityFlags: ["nodejs_compat"],
              hyperdrives: { HYPERDRIVE: inject("servers").postgres },
            },
          })),
        ],
        test: { name: "workerd", include: ["test/workerd/**/*.test.ts"], ...patience },
      },
    ],
  },
});

function inPackage(path: string): string {
  return join(import.meta.dirname, "node_modules", path);
}

/** Rejections that nobody can handle: postgres.js's socket for Workers leaves them behind when it is closed. */
function isSocketPolyfillNoise(error: { readonly message?: string; readonly stack?: string }): boolean {
  const isAboutClosing = error.message === "This socket has been closed." || error.message === "Stream was cancelled.";
  return isAboutClosing && (error.stack?.includes("/postgres/cf/polyfills.js") ?? false);
}
