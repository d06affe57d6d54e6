import { describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { syncHandler } from "../../src/sync/sync-handler.ts";
import { failureOf } from "../contract/store.ts";
import { contentOf, eventually, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

/** A server for stores of this database, without a socket, and a URL for each. */
function newServer() {
  const handler = syncHandler({
    authorize: (request) => request.headers.get("authorization") === "Bearer letmein",
    replica: (_, { store }) => stores.replica({ name: store } as Store),
    pokeIntervalMs: 20,
  });
  let loses: "nothing" | "requests" | "replies" = "nothing";
  const asked: string[] = [];
  return {
    asked,
    lose(next: typeof loses) {
      loses = next;
    },
    urlOf: ({ name }: Store) => `https://user:password@sync.example/sync/v1/${name}?token=secret`,
    async fetch(url: string, init: RequestInit): Promise<Response> {
      asked.push(new URL(url).pathname.replace(/.*\//, ""));
      if (loses === "requests") throw new TypeError("fetch failed");
      const response = await handler(new Request(url, init));
      if (loses === "replies") throw new TypeError("fetch failed");
      return response;
    },
  };
}

async function pair() {
  const http = newServer();
  const server = await stores.store("server");
  const device = await stores.store("device");
  const options = { remote: http.urlOf(server).replace("user:password@", "").replace("?token=secret", "") };
  return { http, server, device, options: { ...options, authToken: "letmein", fetch: http.fetch } };
}

describe("a sync over HTTP", () => {
  it("brings everything to the server and to another device", async () => {
    const { http, server, device, options } = await pair();
    const other = await stores.store("other");
    await device.records.putMany(Array.from({ length: 5 }, (_, n) => ({ key: `d${n}`, value: { n } })));
    await device.kv.set("theme", "dark");
    await device.kv.set("bytes", new Uint8Array([1, 2, 255]));
    await device.events.append("s", [{ n: 1 }, null]);
    await server.records.put("s", "é\u{1f600}");
    const small = { ...options, limits: { maxMutations: 3, maxChanges: 3 } };
    expect(await stores.sync(device, small).now()).toMatchObject({ pushed: 9, written: 1, done: true });
    await stores.sync(other, { ...options, authToken: () => Promise.resolve("letmein") }).now();
    const content = await contentOf(server);
    expect(await contentOf(device)).toEqual(content);
    expect(await contentOf(other)).toEqual(content);
    expect(await other.kv.get("bytes")).toEqual(new Uint8Array([1, 2, 255]));
    http.asked.length = 0;
    await stores.sync(device, options).now();
    expect(http.asked).toEqual(["pull"]);
  });

  it("keeps its state under the URL, without what follows it", async () => {
    const { server, device, options } = await pair();
    await stores.sync(device, options).now();
    const text = "select remote from persist.persist_sync_remotes where store = $1";
    const rows = await stores.driver().query({ text, params: [device.name] });
    expect(rows).toEqual([{ remote: `https://sync.example/sync/v1/${server.name}` }]);
  });

  it("does everything once when requests or replies are lost", async () => {
    for (const lost of ["requests", "replies"] as const) {
      const { http, server, device, options } = await pair();
      const sync = stores.sync(device, options);
      await device.records.put("a", 1);
      await device.events.append("s", 1);
      http.lose(lost);
      expect(await failureOf(sync.now())).toMatchObject({ code: "connection", retryable: true });
      http.lose("nothing");
      expect(await sync.now()).toMatchObject({ pushed: 2, done: true });
      expect(await server.records.get("a")).toMatchObject({ value: 1, version: 1 });
      expect(await server.events.list({ stream: "s" })).toHaveLength(1);
    }
  });

  it("says when the server lets nobody in", async () => {
    const { device, options } = await pair();
    const sync = stores.sync(device, { ...options, authToken: "wrong" });
    await device.records.put("a", 1);
    expect(await failureOf(sync.now())).toMatchObject({ code: "forbidden" });
    expect((await sync.status()).pending + (await sync.status()).inFlight).toBe(1);
  });

  it("puts an edit aside that the server does not read, and goes on with the rest", async () => {
    const { server, device, options } = await pair();
    await device.records.put("big", "x".repeat(1_040_000));
    await device.records.put("larger", "x".repeat(1_048_000));
    await device.records.put("z", 1);
    const sync = stores.sync(device, options);
    expect(await sync.now()).toMatchObject({ rejected: 2, done: true });
    expect(await sync.failed()).toMatchObject([
      { key: "big", reason: "too-large" },
      { key: "larger", reason: "too-large" },
    ]);
    expect((await contentOf(server)).records).toEqual({ z: 1 });
  });

  it("is told of changes by long poll", async () => {
    const { http, server, device, options } = await pair();
    const sync = stores.sync(device, { ...options, live: true });
    sync.resume();
    await eventually(() => expect(http.asked).toContain("poke"));
    await sync.now();
    await server.records.put("a", 1);
    await eventually(async () => expect(await device.records.find("a")).toBeDefined());
    await sync.stop();
  });
});
