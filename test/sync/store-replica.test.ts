import { describe, expect, it } from "vitest";
import type { Driver } from "../../src/driver.ts";
import { ValidationError } from "../../src/errors.ts";
import { decodeCursor } from "../../src/sql/cursor.ts";
import { DEFAULT_SYNC_LIMITS, storeReplica } from "../../src/sync/index.ts";
import { batch, page, pullAll, put, withReplicas } from "./replicas.ts";

const { replica: newReplica, driver, ask } = withReplicas();

describe("the head of a feed", () => {
  it("has no epoch before the first write, differs after each, and tells the database's time", async () => {
    const replica = newReplica();
    const serverTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(await replica.head()).toEqual({ head: "", epoch: null, serverTime });
    await replica.push(batch(put(1, "a", 1)));
    const first = await replica.head();
    expect(first).toEqual({ head: "0:1", epoch: expect.stringMatching(/^[0-9a-f-]{36}$/), serverTime });
    await replica.push(batch(put(2, "a", 2, 1)));
    expect(await replica.head()).toEqual({ head: "0:2", epoch: first.epoch, serverTime });
    expect((await page(replica.pull(null, 10))).head).toBe("0:2");
  });

  it("spares a reader who knows it the changes", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1)));
    const { head, epoch } = await replica.head();
    const first = await replica.pullUnlessHead(null, 10, null);
    expect(first).toMatchObject({ changes: [{ key: "a" }], head, epoch });
    expect(await replica.pullUnlessHead(null, 10, head)).toEqual({ unchanged: true, head, epoch });
    expect(await replica.pullUnlessHead(null, 10, head, { knownEpoch: epoch, client: "c1" })).toEqual({
      unchanged: true,
      head,
      epoch,
      lastMutation: 1,
    });
    expect(await replica.pullUnlessHead(null, 10, head, { knownEpoch: crypto.randomUUID() })).toMatchObject({
      changes: [{ key: "a" }],
    });
    await replica.push(batch(put(2, "b", 1)));
    expect(await replica.pullUnlessHead(null, 10, head)).toMatchObject({ changes: [{ key: "a" }, { key: "b" }] });
    expect(await replica.pull(null, 10)).not.toHaveProperty("epoch");
  });
});

describe("what a call costs", () => {
  it("is one statement, also for a full push and a full page", async () => {
    let statements = 0;
    const counting: Driver = {
      ...driver(),
      query(statement, options) {
        statements += 1;
        return driver().query(statement, options);
      },
      batch: () => Promise.reject(new Error("a batch was sent")),
    };
    const replica = newReplica({ driver: counting });
    await replica.head();
    statements = 0;
    for (const first of [1, 501]) {
      await replica.push(batch(...Array.from({ length: 500 }, (_, n) => put(first + n, `k${first + n}`, n))));
    }
    const { changes, more } = await page(replica.pull(null, DEFAULT_SYNC_LIMITS.maxChanges));
    await replica.head();
    expect([changes.length, more, statements]).toEqual([1000, false, 4]);
  });

  it("is a look at the clock and nothing else when nothing has changed", async () => {
    const store = "idle";
    const replica = newReplica({ store });
    await replica.push(batch(...Array.from({ length: 50 }, (_, n) => put(n + 1, `k${n}`, n))));
    const { cursor } = await pullAll(replica, 1000);
    const { epoch, lanes } = decodeCursor(cursor, "sync", store);
    const pullFrom = (from: string, known: string | null) => ({
      text: "select changes from persist.sync_pull_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      params: [store, from === "[]" ? null : epoch, from, 10, 100_000, "", null, known, null, ""],
    });
    // Scans that this session has begun and not yet reported, of tables and indexes: only their growth means something.
    const scansOf = (tables: string) => ({
      text: `select coalesce(sum(pg_stat_get_xact_numscans(c.oid)), 0)::int4 as scans
from pg_class t
left join pg_index i on i.indrelid = t.oid
join pg_class c on c.oid in (t.oid, i.indexrelid)
where t.relnamespace = 'persist'::regnamespace and t.relkind = 'r' and ${tables}`,
      params: [],
    });
    const clock = scansOf("t.relname = 'persist_sync_clock'");
    const others = scansOf("t.relname <> 'persist_sync_clock'");
    const measured = [clock, others];
    const rows = await driver().batch([
      ...measured,
      pullFrom(JSON.stringify(lanes), null),
      ...measured,
      pullFrom("[]", "0:50"),
      ...measured,
      pullFrom("[]", null),
      ...measured,
    ]);
    const scans = rows.flatMap(([row]) => (row && "scans" in row ? [Number(row["scans"])] : []));
    const [clock0 = 0, start, clock1, idle, clock2, known, , busy] = scans;
    expect([idle, known]).toEqual([start, start]);
    expect(clock1).toBeGreaterThan(clock0);
    expect(clock2).toBeGreaterThan(Number(clock1));
    expect(busy).toBeGreaterThan(Number(known));
  });
});

describe("a replica", () => {
  it.each([{ store: "" }, { store: "a\0" }, { principal: "" }, { schema: 'x"; drop' }])(
    "refuses %o when it is made",
    (names) => {
      expect(() => storeReplica({ driver: driver(), store: "s", principal: "p", ...names })).toThrow(ValidationError);
    },
  );

  it("works in a schema of the application's own", async () => {
    const replica = newReplica({ schema: "my_app" });
    await replica.push(batch(put(1, "a", 1)));
    expect((await pullAll(replica, 1)).changes).toHaveLength(1);
    expect(await ask("select key from my_app.persist_records")).toEqual([{ key: "a" }]);
  });

  it("keeps to limits of the application's own, and tells them", async () => {
    const replica = newReplica({ limits: { maxChanges: 2, maxMutations: 1 } });
    expect(replica.limits).toEqual({ ...DEFAULT_SYNC_LIMITS, maxChanges: 2, maxMutations: 1 });
    await expect(replica.pull(null, 3)).rejects.toBeInstanceOf(ValidationError);
    await expect(replica.push(batch(put(1, "a", 1), put(2, "b", 1)))).rejects.toBeInstanceOf(ValidationError);
  });

  it("ends a call with its signal", async () => {
    const replica = newReplica();
    const signal = AbortSignal.abort();
    await expect(replica.pull(null, 1, { signal })).rejects.toMatchObject({ code: "aborted" });
    await expect(replica.push(batch(put(1, "a", 1)), { signal })).rejects.toMatchObject({ code: "aborted" });
    await expect(replica.head({ signal })).rejects.toMatchObject({ code: "aborted" });
  });
});
