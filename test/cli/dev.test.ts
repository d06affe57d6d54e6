import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { runOnetrip } from "./run-onetrip.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onetrip-dev-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Started {
  readonly url: string;
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

async function start(database: string): Promise<Started> {
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const child: ChildProcess = spawn(process.execPath, [main, "dev", "--json", "--port", "0", "--database", database]);
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const line = new Promise<string>((resolve) => child.stdout?.once("data", (bytes) => resolve(String(bytes))));
  const text = await Promise.race([line, exited.then(() => "{}")]);
  const { url = "" } = JSON.parse(text) as { url?: string };
  return {
    url,
    stop(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

describe("onetrip dev", { timeout: 60_000 }, () => {
  it("keeps an embedded database behind a URL that the other commands take, one process at a time", async () => {
    const database = `pglite:${join(folder, "database")}`;
    const first = await start(database);
    const env = { DATABASE_URL: first.url };
    const imported = await runOnetrip(["import", "notes", "-"], { env, input: '{"key":"a","value":1}\n' });
    expect(imported).toMatchObject({ code: 0 });

    const second = await runOnetrip(["dev", "--database", database]);
    expect(second).toMatchObject({ code: 65, stderr: expect.stringContaining("in use by process") });
    expect(await first.stop("SIGINT")).toBe(0);
    expect(existsSync(join(folder, "lock"))).toBe(false);

    expect((await runOnetrip(["export", database, "notes"])).stdout).toBe('{"key":"a","value":1}\n');
  });

  it("stands in front of a server", async () => {
    const { url, stop } = await start(inject("servers").postgres);
    expect((await runOnetrip(["sql", url, "select 1 as one", "--json"])).stdout).toBe('{"rows":[{"one":1}]}\n');
    expect(await stop("SIGTERM")).toBe(0);
  });

  it("says that its port is taken", async () => {
    const { port } = new URL(inject("servers").postgres);
    const run = await runOnetrip(["dev", "--database", inject("servers").postgres, "--port", port]);
    expect(run).toMatchObject({ code: 65, stderr: expect.stringContaining(`port ${port} is taken`) });
  });
});
