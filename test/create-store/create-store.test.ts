import { afterEach, describe, expect, expectTypeOf, it } from "vitest";
import type { NeonHttpModule, PgliteModule, PostgresModule } from "../../src/create-store/load-driver.ts";
import {
  CapabilityError,
  createStore,
  type Driver,
  type KvEntry,
  type Store,
  type StoredEvent,
  type StoredRecord,
  type StoreEvent,
  type StoreOptions,
  ValidationError,
} from "../../src/index.ts";
import { withNewDatabase } from "../stores/new-database.ts";

const database = withNewDatabase();
const opened: Store[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

async function open(options: StoreOptions, name = "s"): Promise<Store> {
  const store = await createStore(name, options);
  opened.push(store);
  return store;
}

const unused: Driver = {
  name: "unused",
  query: () => Promise.reject(new Error("was used")),
  batch: () => Promise.reject(new Error("was used")),
  close: async () => undefined,
};

describe("createStore", () => {
  it("can be printed and spread, though it has no blobs", async () => {
    const store = await open({ driver: unused });
    expect({ ...store }.name).toBe("s");
    expect(() => store.blobs).toThrow(CapabilityError);
  });

  it("loads the driver for a connection string", async () => {
    const store = await open({ adapter: "postgres", connectionString: database().postgres });
    expect((await store.records.put("a", 1)).version).toBe(1);
  });

  it("loads the embedded driver", async () => {
    const store = await open({ connectionString: "pglite:" });
    expect((await store.records.put("a", 1)).version).toBe(1);
  });

  it("takes parameters one by one, under the names of the Persist adapter", async () => {
    const { hostname: host, port, username: user, password, pathname } = new URL(database().postgres);
    const postgres = { host, port: Number(port), user, password, database: pathname.slice(1), ssl: false };
    const store = await open({
      postgres: { ...postgres, schema: "my_app_persist", poolSize: 2, idleTimeout: 30_000, connectionTimeout: 5_000 },
    });
    await store.kv.set("a", 1);
    const same = await open({ connectionString: database().postgres, schema: "my_app_persist" });
    expect(await same.kv.get("a")).toBe(1);
  });

  it("sends nothing until it is used", async () => {
    const store = await open({ driver: unused });
    expect(store.name).toBe("s");
    await open({ connectionString: "postgresql://u:p@127.0.0.1:1/db" });
    await open({ connectionString: "postgresql://u:p@ep-x.eu.aws.neon.tech/db" });
  });

  it("says that blobs belong elsewhere, when they are asked for", async () => {
    const store = await open({ driver: unused });
    expect(() => store.blobs).toThrow(CapabilityError);
    expect(() => store.blobs).toThrow(/S3 adapter/);
    await expect(createStore("s", { driver: unused, capabilities: ["blobs"] })).rejects.toBeInstanceOf(CapabilityError);
  });

  it("refuses names that are none", async () => {
    for (const name of ["", "a\0", "s".repeat(129), "\ud800"]) {
      await expect(createStore(name, { driver: unused })).rejects.toBeInstanceOf(ValidationError);
    }
  });

  it("keeps stores of one schema apart by name", async () => {
    const one = await open({ connectionString: database().postgres }, "one 😀");
    const two = await open({ connectionString: database().postgres }, "two");
    await one.events.append("e", 1);
    expect(await two.events.list({ stream: "e" })).toEqual([]);
    expect(await one.events.list({ stream: "e" })).toHaveLength(1);
  });

  it("tells what happens, in order, without values", async () => {
    const store = await open({ connectionString: database().postgres, schema: "told" });
    const heard: StoreEvent[] = [];
    store.on("*", (event) => heard.push(event));
    await store.records.put("k", "hidden");
    await store.records.put("k", "hidden", { expectedVersion: 9 }).catch(() => undefined);
    await store.records.delete("k");
    await store.records.delete("k");
    await store.events.append("e", ["hidden", "hidden"], { id: ["1", "2"] });
    await store.events.append("e", ["hidden", "hidden"], { id: ["1", "2"] });
    await store.kv.set("k", "hidden");
    await store.kv.delete("k");
    await store.kv.get("k");
    const query = (operation: string) => ({
      type: "query",
      store: "s",
      operation,
      durationMs: expect.any(Number),
      ok: true,
    });
    expect(heard).toEqual([
      { type: "migrate", store: "s", applied: expect.any(Array), already: 0 },
      query("records.put"),
      { type: "record:put", store: "s", key: "k", version: 1 },
      query("records.put"),
      { type: "record:conflict", store: "s", key: "k", currentVersion: 1 },
      query("records.delete"),
      { type: "record:delete", store: "s", key: "k" },
      query("records.delete"),
      query("events.append"),
      { type: "event:append", store: "s", stream: "e", count: 2, version: 2 },
      query("events.append"),
      query("kv.set"),
      { type: "kv:set", store: "s", key: "k" },
      query("kv.delete"),
      { type: "kv:delete", store: "s", key: "k" },
      query("kv.get"),
    ]);
    expect(JSON.stringify(heard)).not.toContain("hidden");
  });

  it("warns of keys of the URL that have no effect, when something happens", async () => {
    const store = await open({ connectionString: `${database().postgres}?pgbouncer=true&channel_binding=x` }, "warned");
    const warnings: StoreEvent[] = [];
    store.on("warning", (event) => warnings.push(event));
    await store.kv.get("a");
    await store.kv.get("a");
    expect(warnings).toMatchObject([{ type: "warning", store: "warned", code: "url-keys-left-out" }]);
  });

  it("fails calls after close, and can be closed twice", async () => {
    const store = await open({ connectionString: database().postgres });
    await store.records.find("a");
    await store.close();
    await store.close();
    await expect(store.records.find("a")).rejects.toMatchObject({ code: "closed" });
  });
});

describe("the public types", () => {
  it("follow what is stored", () => {
    type Records = Store["records"];
    expectTypeOf<Records["put"]>().returns.resolves.toEqualTypeOf<StoredRecord<unknown>>();
    expectTypeOf((store: Store) => store.records.get<{ mag: number }>("k")).returns.resolves.toEqualTypeOf<
      StoredRecord<{ mag: number }>
    >();
    expectTypeOf((store: Store) => store.records.find<string>("k")).returns.resolves.toEqualTypeOf<
      StoredRecord<string> | undefined
    >();
    expectTypeOf((store: Store) => store.events.append("e", { a: 1 })).returns.resolves.toEqualTypeOf<
      StoredEvent<{ a: number }>
    >();
    expectTypeOf((store: Store) => store.events.append("e", [1, 2])).returns.resolves.toEqualTypeOf<
      readonly StoredEvent<number>[]
    >();
    expectTypeOf((store: Store) => store.kv.get<number>("k")).returns.resolves.toEqualTypeOf<number | undefined>();
    expectTypeOf((store: Store) => store.kv.list<number>()).returns.resolves.toEqualTypeOf<
      readonly KvEntry<number>[]
    >();
    expectTypeOf<Store["blobs"]>().toBeNever();
  });

  it("allow one source of a connection and one adapter", () => {
    expectTypeOf<{ connectionString: string }>().toExtend<StoreOptions>();
    expectTypeOf<{ driver: Driver; schema: "x" }>().toExtend<StoreOptions>();
    expectTypeOf<{ driver: Driver; connectionString: string }>().not.toExtend<StoreOptions>();
    expectTypeOf<{ connectionString: string; adapter: "sqlite" }>().not.toExtend<StoreOptions>();
    expectTypeOf<object>().not.toExtend<StoreOptions>();
  });

  it("of the drivers are what the loader takes them for", () => {
    expectTypeOf<typeof import("../../src/driver/neon-http.ts")>().toExtend<NeonHttpModule>();
    expectTypeOf<typeof import("../../src/driver/pglite.ts")>().toExtend<PgliteModule>();
    expectTypeOf<typeof import("../../src/driver/postgres.ts")>().toExtend<PostgresModule>();
  });
});
