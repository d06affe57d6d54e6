import { expect, it } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { jsonOf, runOnetrip, settled } from "./run-onetrip.ts";

const database = withNewDatabase();

it("shows the stores, their lanes, and how their syncs stand", async () => {
  const before = await runOnetrip(["status", database().postgres]);
  expect(before).toMatchObject({ code: 0, stdout: expect.stringContaining("There are no tables yet") });

  const driver = pg(database().postgres);
  const notes = await createStore("notes", { driver });
  await notes.records.putMany([1, 2, 3].map((n) => ({ key: String(n), value: n })));
  await notes.records.delete("3");
  await notes.events.append("audit", { n: 1 });
  await notes.kv.set("a", 1);
  await notes.kv.set("gone", 1, { ttl: 1 });
  const other = await createStore("other", { driver });
  await other.kv.set("b", 2);
  const failing = "https://user:hunter2@api.example/sync/v1/notes?token=hunter2";
  await driver.query({
    text: "select client from persist.sync_open($1, $2, $3)",
    params: ["notes", failing, "laptop"],
  });
  await driver.close();

  const { code, stdout } = await runOnetrip(["status", database().neon]);
  expect(code).toBe(0);
  expect(settled(stdout)).toMatchInlineSnapshot(`
    "onetrip@127.0.0.1:PORT/DATABASE, schema persist

    store  records  events  kv  writes  lanes  floor
    notes        2       1   1       7      1      0
    other        0       0   1       1      1      0

    store  remote                             pending  in flight  failed  conflicts  pulled  oldest pending
    notes  https://api.example/sync/v1/notes        5          0       0          0  –       YYYY-MM-DDTHH:MM:SSZ
    "
  `);

  const run = await runOnetrip(["status", database().pgbouncer, "--json"]);
  expect(run.stdout).not.toContain("hunter2");
  expect(jsonOf(run)).toMatchObject({
    isThere: true,
    stores: [
      { store: "notes", records: 2, events: 1, kv: 1, lanes: 1, floor: 0 },
      { store: "other", records: 0, events: 0, kv: 1 },
    ],
    remotes: [{ store: "notes", pending: 5, failed: 0, pulledAt: null }],
  });
  const limited = await runOnetrip(["status", database().postgres, "--limit", "1"]);
  expect(limited.stdout).toContain("(the first 1; --limit shows more)");
});
