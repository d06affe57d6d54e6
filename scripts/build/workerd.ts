import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workerdEnvironment } from "../workerd-environment.ts";
import type { ImportResults } from "./consumer.ts";

/**
 * Imports bundles inside a real workerd, each as a module of its own, so that what it does while it loads meets the
 * rules of the global scope: no I/O, no timers, no randomness.
 *
 * @param bundles entry name → bundled code.
 */
export async function importInsideWorkerd(root: string, bundles: ReadonlyMap<string, string>): Promise<ImportResults> {
  Object.assign(process.env, workerdEnvironment);
  const { unstable_startWorker: startWorker } = await import("wrangler");
  const folder = mkdtempSync(join(tmpdir(), "onetrip-workerd-"));
  try {
    const files = [...bundles.keys()].map((name, index) => [name, `./entry-${index}.js`] as const);
    for (const [name, file] of files) writeFileSync(join(folder, file), bundles.get(name) ?? "");
    writeFileSync(join(folder, "main.js"), workerScript(files));
    const worker = await startWorker({
      name: "imports",
      entrypoint: join(folder, "main.js"),
      compatibilityDate: compatibilityDate(root),
      compatibilityFlags: ["nodejs_compat"],
      build: {
        bundle: false,
        findAdditionalModules: true,
        moduleRoot: folder,
        moduleRules: [{ type: "ESModule", globs: ["**/*.js"] }],
      },
      dev: { logLevel: "error", inspector: false, watch: false, server: { hostname: "127.0.0.1", port: 0 } },
    });
    try {
      const response = await worker.fetch("http://worker/");
      const text = await response.text();
      if (!response.ok) throw new Error(`workerd answered ${response.status}: ${text}`);
      return JSON.parse(text);
    } finally {
      await worker.dispose();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The date of the worker that the repository ships; one that this workerd knows while there is none. */
function compatibilityDate(root: string): string {
  const path = join(root, "wrangler.toml");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return /^compatibility_date\s*=\s*"([^"]+)"/m.exec(text)?.[1] ?? "2026-09-01";
}

function workerScript(files: readonly (readonly [name: string, file: string])[]): string {
  return `
export default {
  async fetch() {
    const results = {};
    for (const [name, file] of ${JSON.stringify(files)}) {
      results[name] = await import(file).then((module) => Object.keys(module).sort(), (error) => String(error));
    }
    return Response.json(results);
  },
};
`;
}
