import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { withNewDatabase } from "../stores/new-database.ts";
import { withDevelopmentWorker } from "../worker/with-development-worker.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);
const database = withNewDatabase();
const worker = withDevelopmentWorker(() => database().neon);

it("examples/two-devices.ts ends with equal notes everywhere", { timeout: 60_000 }, async () => {
  const { stdout, stderr } = await run(process.execPath, ["examples/two-devices.ts", worker().url.origin], {
    cwd: root,
    env: { ...process.env, ONETRIP_TOKEN: worker().bearer },
  });
  expect(stderr).toBe("");
  expect(stdout.match(/All three are equal\./g)).toHaveLength(2);
  expect(stdout).toContain('server  {"idea":"a bird house","shopping":"bread, cheese"}');
  expect(stdout).toContain("conflict on the phone: shopping");
  expect(stdout).toContain('server  {"idea":"a bird house","shopping":"bread, jam, butter"}');
});
