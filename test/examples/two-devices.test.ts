import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { audience, developmentToken, issuer } from "../../scripts/start/development-token.ts";
import { type DevelopmentWorker, startDevelopmentWorker } from "../../scripts/start/development-worker.ts";
import { withNewDatabase } from "../stores/new-database.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "onetrip-example-"));
const database = withNewDatabase();
const token = await developmentToken(folder, new Date());
let worker: DevelopmentWorker;

beforeAll(async () => {
  worker = await startDevelopmentWorker({
    root,
    port: 0,
    logFolder: folder,
    variables: {
      DATABASE_URL: database().neon,
      DATABASE_DRIVER: "neon-http",
      PUBLIC_JWK: token.publicJwk,
      TOKEN_ISSUER: issuer,
      TOKEN_AUDIENCE: audience,
    },
  });
});
afterAll(async () => {
  await worker?.close();
  rmSync(folder, { recursive: true, force: true });
});

it("examples/two-devices.ts ends with equal notes everywhere", { timeout: 60_000 }, async () => {
  const { stdout, stderr } = await run(process.execPath, ["examples/two-devices.ts", worker.url.origin], {
    cwd: root,
    env: { ...process.env, ONETRIP_TOKEN: token.bearer },
  });
  expect(stderr).toBe("");
  expect(stdout.match(/All three are equal\./g)).toHaveLength(2);
  expect(stdout).toContain('server  {"idea":"a bird house","shopping":"bread, cheese"}');
  expect(stdout).toContain("conflict on the phone: shopping");
  expect(stdout).toContain('server  {"idea":"a bird house","shopping":"bread, jam, butter"}');
});
