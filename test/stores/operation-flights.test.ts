import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import { createStore, type Driver, type Store, transaction } from "../../src/index.ts";
import { readOperations } from "../../src/stores/read-operations.ts";
import type { Servers } from "../servers/provided.ts";
import { startWireProxy, type WireProxy } from "../servers/wire-proxy.ts";

/**
 * Every operation of a store on an open connection to a schema that is up to date, counted on the wire. What a store can do
 * and this list does not know fails the test.
 */
const operations: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  "records.put": ({ records }) => records.put("flight", { n: 1 }),
  "records.get": ({ records }) => records.get("flight"),
  "records.find": ({ records }) => records.find("flight"),
  "records.list": ({ records }) => records.list({ filter: { n: 1 } }),
  "records.patch": ({ records }) => records.patch("flight", { m: 2 }),
  "records.search": ({ records }) => records.search("flight"),
  "records.putMany": ({ records }) => records.putMany([{ key: "flight/1", value: 1 }]),
  "records.getMany": ({ records }) => records.getMany(["flight", "flight/1"]),
  "records.deleteMany": ({ records }) => records.deleteMany(["flight/1"]),
  "records.conflicts": ({ records }) => records.conflicts(),
  "records.resolve": ({ records }) => records.resolve("flight", "local"),
  "records.delete": ({ records }) => records.delete("flight", { expectedVersion: "present" }),
  "events.append": ({ events }) => events.append("flight", [1, 2], { expectedVersion: "absent" }),
  "events.list": ({ events }) => events.list({ stream: "flight" }),
  "events.readAll": ({ events }) => events.readAll(),
  "events.prune": ({ events }) => events.prune({ stream: "flight", keep: 1 }),
  "kv.set": ({ kv }) => kv.set("flight", 1, { ttl: 60_000 }),
  "kv.get": ({ kv }) => kv.get("flight"),
  "kv.has": ({ kv }) => kv.has("flight"),
  "kv.list": ({ kv }) => kv.list(),
  "kv.increment": ({ kv }) => kv.increment("flight"),
  "kv.setIfAbsent": ({ kv }) => kv.setIfAbsent("flight", 1),
  "kv.compareAndSet": ({ kv }) => kv.compareAndSet("flight", 2, 3),
  "kv.setMany": ({ kv }) => kv.setMany([["flight/1", 1]]),
  "kv.getMany": ({ kv }) => kv.getMany(["flight", "flight/1"]),
  "kv.deleteMany": ({ kv }) => kv.deleteMany(["flight/1"]),
  "kv.delete": ({ kv }) => kv.delete("flight"),
  "kv.sweep": ({ kv }) => kv.sweep(),
  transaction: (store) => store.transaction(parts),
  token: (store) => store.token(),
  sql: ({ sql, name }) => sql`select key from ${sql.records} where store = ${name}`,
  "sql.write": ({ sql, name }) => sql.write`delete from ${sql.kv} where store = ${name} and key = ${"none"}`,
  "transaction across stores": (store) => transaction([{ store, operations: parts }]),
};

const parts = [
  { op: "put", key: "flight", value: 1 },
  { op: "check", key: "flight/none", expectedVersion: "absent" },
  { op: "append", stream: "flight", payload: 1 },
  { op: "kv.increment", key: "flight" },
] as const;

/** The same with an idempotency key, of the kinds that take one. */
const keyed: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  "records.put": ({ records }) => records.put("keyed", { n: 1 }, { idempotencyKey: "flight/put" }),
  "records.put again": ({ records }) => records.put("keyed", { n: 1 }, { idempotencyKey: "flight/put" }),
  "records.patch": ({ records }) => records.patch("keyed", { m: 2 }, { idempotencyKey: "flight/patch" }),
  "records.putMany": ({ records }) =>
    records.putMany([{ key: "keyed/1", value: 1 }], { idempotencyKey: "flight/putMany" }),
  "records.deleteMany": ({ records }) => records.deleteMany(["keyed/1"], { idempotencyKey: "flight/deleteMany" }),
  "records.delete": ({ records }) => records.delete("keyed", { idempotencyKey: "flight/delete" }),
  "events.append": ({ events }) => events.append("keyed", [1, 2], { idempotencyKey: "flight/append" }),
  "kv.set": ({ kv }) => kv.set("keyed", 1, { idempotencyKey: "flight/set" }),
  "kv.increment": ({ kv }) => kv.increment("keyed", 1, { idempotencyKey: "flight/increment" }),
  "kv.setIfAbsent": ({ kv }) => kv.setIfAbsent("keyed", 1, { idempotencyKey: "flight/setIfAbsent" }),
  "kv.compareAndSet": ({ kv }) => kv.compareAndSet("keyed", 2, 3, { idempotencyKey: "flight/compareAndSet" }),
  "kv.setMany": ({ kv }) => kv.setMany([["keyed/1", 1]], { idempotencyKey: "flight/setMany" }),
  "kv.deleteMany": ({ kv }) => kv.deleteMany(["keyed/1"], { idempotencyKey: "flight/kvDeleteMany" }),
  "kv.delete": ({ kv }) => kv.delete("keyed", { idempotencyKey: "flight/kvDelete" }),
  transaction: (store) => store.transaction(parts, { idempotencyKey: "flight/transaction" }),
  "transaction across stores": (store) =>
    transaction([{ store, operations: parts }], { idempotencyKey: "flight/across" }),
};

/** What is no operation, or takes several round trips and says so. */
const exceptions: readonly string[] = [
  "records.typed",
  "records.createSearchIndex",
  "records.dropSearchIndex",
  "sql.with",
  "sql.fragment",
  "sql.identifier",
  "sql.records",
  "sql.events",
  "sql.kv",
  "name",
  "migrate",
  "on",
  "close",
];

const DELAY_MS = 15;

const routes: Readonly<Record<string, readonly [server: keyof Servers, open: (url: string) => Driver]>> = {
  "neon-http": ["neon", (url) => neonHttp(url)],
  "neon-websocket": ["neon", (url) => neonWebsocket(url)],
  "pg, direct": ["postgres", (url) => pg(url)],
  "pg, PgBouncer": ["pgbouncer", (url) => pg(url)],
  "postgres, direct": ["postgres", (url) => postgres(url)],
  "postgres, PgBouncer": ["pgbouncer", (url) => postgres(url, { pooler: "transaction" })],
};

for (const [route, [server, open]] of Object.entries(routes)) {
  describe(`flights of every operation: ${route}`, () => {
    const url = () => String(inject("servers")[server]);
    let wire: WireProxy;
    let store: Store;
    beforeAll(async () => {
      const { hostname, port } = new URL(url());
      wire = await startWireProxy({ upstream: { host: hostname, port: Number(port) }, delayMs: DELAY_MS });
      store = await createStore("s", { driver: open(wire.url(url())), schema: schemaOf(route) });
      await store.migrate();
    });
    afterAll(async () => {
      await store.close();
      await wire.close();
    });

    it("is one each", async () => {
      const counted: Record<string, number> = {};
      for (const [name, call] of Object.entries(operations)) {
        wire.reset();
        await call(store);
        counted[name] = wire.flights();
      }
      expect(counted).toEqual(Object.fromEntries(Object.keys(operations).map((name) => [name, 1])));
    });

    it("is one each with an idempotency key", async () => {
      const counted: Record<string, number> = {};
      for (const [name, call] of Object.entries(keyed)) {
        wire.reset();
        await call(store);
        counted[name] = wire.flights();
      }
      expect(counted).toEqual(Object.fromEntries(Object.keys(keyed).map((name) => [name, 1])));
    });

    it("is one for a read of a replica, and of the primary after a write", async () => {
      const [primary, replica] = [open(wire.url(url())), open(wire.url(url()))];
      const reading = await createStore("s", { driver: primary, replicas: [replica], schema: schemaOf(route) });
      await reading.kv.set("flight", 1);
      await replica.query({ text: "select 1", params: [] });
      for (const at of ["primary", "replica"]) {
        wire.reset();
        expect(await reading.kv.get("flight")).toBe(1);
        expect(wire.flights(), at).toBe(1);
      }
      await reading.close();
    });

    it("is one for the reads of a tick, where they are batched", async () => {
      const batching = await createStore("s", {
        driver: open(wire.url(url())),
        batchReads: true,
      });
      await batching.kv.get("flight");
      wire.reset();
      await Promise.all([
        batching.records.find("a"),
        batching.records.getMany(["a", "b"]),
        batching.kv.get("a"),
        batching.kv.has("b"),
        batching.events.list({ stream: "s" }),
      ]);
      expect(wire.flights()).toBe(1);
      await batching.close();
    });
  });
}

function schemaOf(route: string): string {
  return `flights_${route.replaceAll(/\W/g, "_")}`;
}

describe("the list of operations", () => {
  const unused: Driver = {
    name: "unused",
    query: () => Promise.reject(new Error("was used")),
    batch: () => Promise.reject(new Error("was used")),
    close: async () => undefined,
  };

  it("knows everything that a store has", async () => {
    const store = await createStore("s", { driver: unused });
    const members = Object.entries(store).flatMap(([name, member]) =>
      name === "sql" || (typeof member === "object" && member !== null)
        ? [...(name === "sql" ? ["sql"] : []), ...Object.keys(member).map((inner) => `${name}.${inner}`)]
        : [name],
    );
    const known = [...Object.keys(operations), ...exceptions].filter((name) => name !== "transaction across stores");
    expect(members.toSorted()).toEqual(known.toSorted());
  });

  it("knows everything that is batched as a read", () => {
    for (const name of readOperations) expect(Object.keys(operations)).toContain(name);
  });
});
