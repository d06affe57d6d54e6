import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { postgres } from "../../src/driver/postgres.ts";
import {
  ConflictError,
  createStore,
  type Driver,
  type Statement,
  type Store,
  type StoredRecord,
  type StoreEvent,
  transaction,
  ValidationError,
} from "../../src/index.ts";
import { withNewDatabase } from "../stores/new-database.ts";

const database = withNewDatabase();

const routes: Readonly<Record<string, () => Driver>> = {
  "neon-http": () => neonHttp(database().neon),
  "neon-websocket": () => neonWebsocket(database().neon),
  pg: () => pg(database().postgres),
  "postgres through PgBouncer": () => postgres(database().pgbouncer, { pooler: "transaction" }),
  pglite: () => pglite(),
};

for (const [route, open] of Object.entries(routes)) {
  describe(`transaction across stores: ${route}`, () => {
    const sent: (readonly Statement[])[] = [];
    let driver: Driver;
    let a: Store;
    let b: Store;
    let far: Store;
    beforeAll(async () => {
      driver = counting(open(), sent);
      const schema = `across_${route.replaceAll(/\W/g, "_")}`;
      [a, b] = [await createStore("a", { driver, schema }), await createStore("b", { driver, schema })];
      far = await createStore("a", { driver, schema: `${schema}_far` });
    });
    afterAll(() => driver.close());

    it("creates what is missing in every schema, and writes all", async () => {
      const results = await transaction([
        { store: far, operations: [{ op: "put", key: "k", value: "far" }] },
        {
          store: b,
          operations: [
            { op: "kv.increment", key: "k", by: 2 },
            { op: "kv.delete", key: "none" },
          ],
        },
        { store: a, operations: [] },
      ]);
      expect(results).toEqual([[expect.objectContaining({ value: "far", version: 1 })], [2, false], []]);
      expect(await far.records.get("k")).toMatchObject({ value: "far" });
      expect(await b.kv.get("k")).toBe(2);
    });

    it("is one batch, in the order of the stores, whatever order they are given in", async () => {
      sent.splice(0);
      const operations = [{ op: "put", key: "order", value: 1 }] as const;
      await transaction([b, far, a].map((store) => ({ store, operations })));
      expect(sent).toHaveLength(1);
      expect(sent[0]?.map(({ text, params }) => `${/"\w+?(far)?"/.exec(text)?.[1] ?? ""} ${params[0]}`)).toEqual([
        " a",
        " b",
        "far a",
      ]);
    });

    it("writes nothing when one expectation in one store does not hold, and says where", async () => {
      await b.records.put("at-1", 1);
      const heard: StoreEvent[] = [];
      const offs = [a, b].map((store) => store.on("*", (event) => heard.push(event)));
      const failure = await transaction([
        {
          store: b,
          operations: [
            { op: "kv.set", key: "lost", value: 1 },
            { op: "check", key: "at-1", expectedVersion: 2 },
          ],
        },
        {
          store: a,
          operations: [
            { op: "put", key: "lost", value: 1 },
            { op: "append", stream: "lost", payload: 1 },
          ],
        },
      ]).catch((error: unknown) => error);
      for (const off of offs) off();
      expect(failure).toBeInstanceOf(ConflictError);
      expect(failure).toMatchObject({ part: 1, currentVersion: 1 });
      expect(String(failure)).toContain('parts[0] (store "b"): operations[1] (check): the record is at version 1');
      expect(await a.records.find("lost")).toBeUndefined();
      expect(await a.events.list({ stream: "lost" })).toEqual([]);
      expect(await b.kv.has("lost")).toBe(false);
      expect(heard.filter(({ type }) => type !== "query")).toEqual([
        { type: "record:conflict", store: "b", key: "at-1", currentVersion: 1 },
      ]);
    });

    it("tells the listeners of each store of its own parts", async () => {
      const heard: StoreEvent[] = [];
      const offs = [a, b].map((store) => store.on("*", (event) => heard.push(event)));
      await transaction([
        { store: b, operations: [{ op: "kv.set", key: "told", value: 1 }] },
        { store: a, operations: [{ op: "put", key: "told", value: 1 }] },
      ]);
      for (const off of offs) off();
      const query = (store: string) => ({
        type: "query",
        store,
        operation: "transaction",
        durationMs: expect.any(Number),
        ok: true,
      });
      expect(heard.slice(0, 2)).toEqual(expect.arrayContaining([query("a"), query("b")]));
      expect(heard.slice(2)).toEqual([
        { type: "kv:set", store: "b", key: "told" },
        { type: "record:put", store: "a", key: "told", version: 1 },
      ]);
    });
  });
}

describe("transaction across stores, refused before anything is sent", () => {
  const never: Driver = {
    name: "never",
    query: () => Promise.reject(new Error("was used")),
    batch: () => Promise.reject(new Error("was used")),
    close: async () => undefined,
  };
  const open = (name: string, driver: Driver = never) => createStore(name, { driver });
  const operations = [{ op: "put", key: "k", value: 1 }] as const;

  it("when the stores do not share one driver", async () => {
    const stores = [await open("a"), await open("b", { ...never })];
    await expect(transaction(stores.map((store) => ({ store, operations })))).rejects.toThrow(/one driver/);
  });

  it("when a store occurs twice, also as two objects", async () => {
    const parts = [await open("a"), await open("a")].map((store) => ({ store, operations }));
    await expect(transaction(parts)).rejects.toThrow(/occurs twice/);
  });

  it("when something is no store", async () => {
    const store = await open("a");
    for (const poser of [undefined, null, "a", {}, { ...store }]) {
      const call = transaction([{ store: poser as unknown as Store, operations }]);
      await expect(call).rejects.toBeInstanceOf(ValidationError);
      await expect(call).rejects.toThrow(/the very object that createStore gave/);
    }
    await expect(transaction(undefined as unknown as [])).rejects.toThrow(/parts must be an array/);
    await expect(transaction([undefined] as unknown as [])).rejects.toThrow(ValidationError);
  });

  it("when they are too many together, or one cannot be stored", async () => {
    const [a, b] = [await open("a"), await open("b")];
    const many = Array.from({ length: 251 }, () => operations[0]);
    await expect(transaction([a, b].map((store) => ({ store, operations: many })))).rejects.toThrow(/at most 500/);
    const bad = [{ op: "put", key: "", value: 1 }] as const;
    await expect(transaction([{ store: a, operations: bad }])).rejects.toThrow(
      /\(store "a"\): operations\[0\] \(put\)\.key/,
    );
  });

  it("and not at all when there is nothing to do", async () => {
    expect(await transaction([])).toEqual([]);
    expect(await transaction([{ store: await open("a"), operations: [] }])).toEqual([[]]);
  });

  it("and has the types of its operations, store by store", () => {
    const call = (a: Store, b: Store) =>
      transaction([
        {
          store: a,
          operations: [
            { op: "put", key: "k", value: 1 },
            { op: "kv.delete", key: "k" },
          ],
        },
        { store: b, operations: [{ op: "kv.increment", key: "k" }] },
      ]);
    expectTypeOf(call).returns.resolves.toEqualTypeOf<
      readonly [readonly [StoredRecord<number>, boolean], readonly [number]]
    >();
  });
});

function counting(driver: Driver, sent: (readonly Statement[])[]): Driver {
  return {
    ...driver,
    query: (statement, options) => {
      sent.push([statement]);
      return driver.query(statement, options);
    },
    batch: (statements, options) => {
      sent.push(statements);
      return driver.batch(statements, options);
    },
  };
}
