import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import { earthquakes } from "../fixtures/earthquakes.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { jsonOf, runHere, runOnetrip, settled } from "./run-onetrip.ts";

const database = withNewDatabase();
let folder: string;
let store: Store;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onetrip-transfer-"));
  store = await createStore("quakes", { driver: pg(database().postgres) });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await store.close();
});

function fileOf(lines: readonly unknown[]): string {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.ndjson`);
  writeFileSync(file, lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));
  return file;
}

describe("records", () => {
  it("come back as they went in, and a second import does no harm", async () => {
    const lines = earthquakes.map((quake) => ({ key: quake.id, value: quake }));
    const imported = await runOnetrip(["import", database().pgbouncer, "quakes", fileOf(lines)]);
    expect(imported).toMatchObject({ code: 0, stderr: "" });
    expect(settled(imported.stdout)).toBe("200 records imported into quakes in N s\n");
    const again = await runOnetrip(["import", database().postgres, "quakes", fileOf(lines), "--json"]);
    expect(jsonOf(again)).toMatchObject({ store: "quakes", kind: "records", imported: 200, batches: 1, lastLine: 200 });

    const file = join(folder, "out.ndjson");
    const exported = await runOnetrip(["export", database().neon, "quakes", "-o", file, "--json"]);
    expect(jsonOf(exported)).toMatchObject({ exported: 200 });
    const found = readFileSync(file, "utf8").trimEnd().split("\n");
    const byKey = [...lines].sort((a, b) => (a.key < b.key ? -1 : 1));
    expect(found.map((line) => JSON.parse(line))).toEqual(byKey);
  });

  it("go through a pipe, in several batches and with blank lines", async () => {
    const input = Array.from(
      { length: 2_500 },
      (_, n) => `${JSON.stringify({ key: `n/${n}`, value: "ü".repeat(n % 9) })}\n`,
    );
    const run = await runOnetrip(["import", "many", "-", "--json"], {
      input: `\n${input.join("\r\n")}`,
      env: { DATABASE_URL: database().postgres },
    });
    expect(jsonOf(run)).toMatchObject({ imported: 2_500, batches: 3 });
    const { code, stdout, stderr } = await runOnetrip(["export", database().postgres, "many", "--prefix", "n/24"]);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(111);
    expect(stdout).toContain('{"key":"n/2499","value":"üüüüüü"}\n');
    expect(settled(stderr)).toBe("111 records exported from many in N s\n");
  });

  it.each([
    ["no JSON", ["{oops hunter2"], "line 1002 is not JSON"],
    ["no object", ["[1]"], "line 1002 is not an object"],
    ["no key", [{ value: 1 }], "line 1002: key is missing"],
    ["no value", [{ key: "a" }], "line 1002: value is missing"],
    ["a key that cannot be stored", [{ key: "", value: 1 }], "line 1002: records.putMany"],
  ])("a line with %s ends it with 65, and says where to go on", async (_, bad, message) => {
    const good = Array.from({ length: 1_001 }, (__, n) => ({ key: `bad/${n}`, value: n }));
    const { code, stdout, stderr } = await runHere(["import", database().postgres, "bad", fileOf([...good, ...bad])]);
    expect({ code, stdout }).toEqual({ code: 65, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("everything up to line 1000 is imported: go on with --skip 1000");
    expect(stderr).not.toContain("hunter2");
  });

  it("go on behind the lines that were imported", async () => {
    const lines = [1, 2, 3].map((n) => ({ key: `skip/${n}`, value: n }));
    const run = await runHere(["import", database().postgres, "quakes", fileOf(lines), "--skip", "2", "--json"]);
    expect(jsonOf(run)).toMatchObject({ imported: 1, lastLine: 3 });
    expect(await store.records.list({ prefix: "skip/" })).toMatchObject([{ key: "skip/3" }]);
  });
});

describe("events", () => {
  it("are the same events when a file is imported again, with an id or without", async () => {
    const lines = [
      { stream: "audit", payload: { n: 1 } },
      { stream: "other", payload: [2], id: "own", type: "seen", metadata: { by: "ada" } },
      { stream: "audit", payload: { n: 1 } },
    ];
    const file = fileOf(lines);
    for (let time = 0; time < 2; time++) {
      const run = await runHere(["import", database().pgbouncer, "quakes", file, "--events", "--json"]);
      expect(jsonOf(run)).toMatchObject({ kind: "events", imported: 3 });
    }
    expect(await store.events.list({ stream: "audit" })).toMatchObject([{ version: 1 }, { version: 2 }]);

    const { stdout } = await runHere(["export", database().postgres, "quakes", "--events"]);
    const copy = await createStore("copy", { driver: pg(database().postgres) });
    await runHere(["import", database().postgres, "copy", "-", "--events"], { input: stdout });
    expect(await copy.events.list({ stream: "other" })).toMatchObject([
      { id: "own", version: 1, payload: [2], type: "seen", metadata: { by: "ada" } },
    ]);
    expect(await copy.events.list({ stream: "audit" })).toHaveLength(2);
    await copy.close();
  });
});

describe("key-value entries", () => {
  it("keep bytes and the rest of their life, and what has expired stays away", async () => {
    await store.kv.set("bytes", Uint8Array.of(0, 255));
    await store.kv.set("null", null);
    await store.kv.set("session", { user: "ada" }, { ttl: 3_600_000 });
    const { stdout } = await runHere(["export", database().postgres, "quakes", "--kv"]);
    const gone = `${JSON.stringify({ key: "gone", value: 1, expiresAt: "2020-01-01T00:00:00Z" })}\n`;

    const run = await runHere(["import", database().neon, "kv-copy", "-", "--kv", "--json"], {
      input: stdout + gone,
    });
    expect(jsonOf(run)).toMatchObject({ kind: "kv", imported: 3 });
    const copy = await createStore("kv-copy", { driver: pg(database().postgres) });
    expect(await copy.kv.getMany(["bytes", "null", "session", "gone"])).toEqual([
      Uint8Array.of(0, 255),
      null,
      { user: "ada" },
      undefined,
    ]);
    const [session] = await copy.kv.list({ prefix: "session" });
    expect(session?.expiresAt?.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
    await copy.close();
  });

  it("are refused with a life that is no number, and live for a hundred years where one was given for longer", async () => {
    const line = (entry: object) => `${JSON.stringify({ key: "k", value: 1, ...entry })}\n`;
    const args = ["import", database().postgres, "kv-lives", "-", "--kv"];
    const wrong = await runHere(args, { input: line({ ttl: "60000" }) });
    expect(wrong).toMatchObject({ code: 65, stderr: expect.stringContaining("ttl") });
    expect(await runHere(args, { input: line({ expiresAt: "9999-12-31T00:00:00Z" }) })).toMatchObject({ code: 0 });
  });
});

describe("files", () => {
  it("keep what they hold when an export does not come about, and lose it when one does", async () => {
    const kept = join(folder, "kept.ndjson");
    writeFileSync(kept, "of before, and longer than what comes now ".repeat(1000));
    const unreachable = "postgresql://ada@127.0.0.1:1/notes";
    expect(await runHere(["export", unreachable, "quakes", "-o", kept])).toMatchObject({ code: 2 });
    expect(readFileSync(kept, "utf8")).toContain("of before");
    expect(await runHere(["export", database().postgres, "quakes", "-o", kept])).toMatchObject({ code: 0 });
    expect(readFileSync(kept, "utf8")).not.toContain("of before");
  });

  it("that cannot be read or written end it with 65", async () => {
    const missing = join(folder, "missing/file.ndjson");
    expect(await runHere(["import", database().postgres, "quakes", missing])).toMatchObject({ code: 65 });
    expect(await runHere(["import", database().postgres, "quakes", folder])).toMatchObject({ code: 65 });
    const unwritable = await runHere(["export", database().postgres, "quakes", "-o", missing]);
    expect(unwritable).toMatchObject({ code: 65, stderr: expect.stringContaining("cannot be written") });
  });

  it("an export does not create what is not there", async () => {
    const run = await runHere(["export", database().postgres, "quakes", "--schema", "nowhere"]);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    const driver = pg(database().postgres);
    expect(await driver.query({ text: "select to_regnamespace('nowhere') as found", params: [] })).toEqual([
      { found: null },
    ]);
    await driver.close();
  });
});
