import { createStorage, type Driver, prefixStorage, snapshot } from "unstorage";
import { describe, expect, it, vi } from "vitest";
import { onetripDriver } from "../../src/bridges/unstorage.ts";
import { describeOnStores, operationsOf } from "./stores.ts";

describe("unstorage", () => {
  describeOnStores((newStore) => {
    async function newStorage() {
      const store = await newStore();
      const driver: Driver = onetripDriver({ store });
      return { store, driver, storage: createStorage({ driver }) };
    }

    it("is empty at first, and after it was cleared, also twice", async () => {
      const { storage } = await newStorage();
      for (const clear of [async () => {}, storage.clear, storage.clear]) {
        await clear();
        expect(await storage.hasItem("a:b")).toBe(false);
        expect(await storage.getItem("a:b")).toBeNull();
        expect(await storage.getItemRaw("a:b")).toBeNull();
        expect(await storage.getKeys()).toEqual([]);
        await storage.setItem("a:b", 1);
      }
    });

    it("gives back what unstorage can turn into text", async () => {
      const { storage } = await newStorage();
      const when = new Date(0);
      const values = ["text", "", "𐀀", 0, 1.5, true, false, null, [1, null], { a: { b: [] } }];
      for (const value of values) {
        await storage.setItem("/data/value.json", value);
        expect(await storage.getItem("data:value.json")).toEqual(value);
      }
      await storage.setItem("date", when);
      expect(await storage.getItem("date")).toBe(when.toISOString());
      await expect(storage.setItem("bad", new Map())).rejects.toThrow(/Cannot stringify/);
      expect(await storage.hasItem("bad")).toBe(false);
    });

    it("keeps text as a JSON string, so that it can be read without unstorage", async () => {
      const { store, driver, storage } = await newStorage();
      await storage.setItem("a", { b: 1 });
      expect(await store.kv.get("a")).toBe('{"b":1}');
      expect(await driver.getItem("a")).toBe('{"b":1}');
    });

    it("removes items, with what unstorage keeps beside them", async () => {
      const { storage } = await newStorage();
      await storage.setItem("a", 1);
      await storage.setMeta("a", { owner: "ada" });
      await storage.removeItem("a", { removeMeta: true });
      expect(await storage.hasItem("a")).toBe(false);
      expect(await storage.getMeta("a")).toEqual({});
      await storage.setItem("b", 1);
      await storage.setItem("b", undefined as never);
      expect(await storage.hasItem("b")).toBe(false);
      await storage.removeItem("none");
    });

    it("gives bytes back as bytes, and other raw values as they were", async () => {
      const { storage } = await newStorage();
      const bytes = Uint8Array.of(0, 255, 128, 7);
      for (const raw of [bytes, bytes.buffer, Buffer.from(bytes), new DataView(bytes.buffer, 0, 4)]) {
        await storage.setItemRaw("raw", raw);
        expect(await storage.getItemRaw("raw")).toEqual(bytes);
      }
      await storage.setItemRaw("raw", new Uint16Array(bytes.buffer, 2, 1));
      expect(await storage.getItemRaw("raw")).toEqual(bytes.subarray(2));
      await storage.setItemRaw("raw", { json: [1] });
      expect(await storage.getItemRaw("raw")).toEqual({ json: [1] });
      expect(await storage.getItem("raw")).toEqual({ json: [1] });
      await storage.setItem("text", "base64:AP8=");
      expect(await storage.getItemRaw("text")).toBe("base64:AP8=");
    });

    it("sets and gets many in one round trip each, in the order asked for", async () => {
      const { store, storage } = await newStorage();
      const items = [
        { key: "t:1", value: "one" },
        { key: "t/2?query", value: { two: 2 } },
        { key: "t:3", value: "3" },
      ];
      expect(await operationsOf(store, () => storage.setItems<string | object>(items))).toEqual(["kv.setMany"]);
      const got: unknown[] = [];
      const get = async () => got.push(...(await storage.getItems(["t:3", { key: "t:2" }, "none", "t:1"])));
      expect(await operationsOf(store, get)).toEqual(["kv.getMany"]);
      expect(got).toEqual([
        { key: "t:3", value: 3 },
        { key: "t:2", value: { two: 2 } },
        { key: "none", value: null },
        { key: "t:1", value: "one" },
      ]);
    });

    it("lists keys below a base and to a depth, whatever characters they have", async () => {
      const { driver, storage } = await newStorage();
      for (const key of ["top", "a:1", "a:b:2", "a_:1", "ax:1", "a%:1", "a", "𐀀:1"]) await storage.setItem(key, 1);
      expect((await storage.getKeys()).sort()).toEqual(["a", "a%:1", "a:1", "a:b:2", "a_:1", "ax:1", "top", "𐀀:1"]);
      expect(await storage.getKeys("a")).toEqual(["a:1", "a:b:2"]);
      expect(await storage.getKeys("a_")).toEqual(["a_:1"]);
      expect(await storage.getKeys(undefined, { maxDepth: 0 })).toEqual(["a", "top"]);
      expect(await storage.getKeys("a", { maxDepth: 1 })).toEqual(["a:1"]);
      await driver.clear?.("a_:", {});
      expect(await storage.getKeys("ax")).toEqual(["ax:1"]);
      expect(await storage.hasItem("a_:1")).toBe(false);
    });

    it("takes more items than an operation of kv does", async () => {
      const { driver, storage } = await newStorage();
      const items = Array.from({ length: 1203 }, (_, i) => ({ key: `many:${1000 + i}`, value: i }));
      await storage.setItems(items);
      await storage.setItem("stays", 1);
      expect(await storage.getKeys("many")).toEqual(items.map(({ key }) => key));
      expect(await storage.getItems(items.map(({ key }) => key))).toEqual(items);
      await driver.clear?.("many:", {});
      expect(await storage.getKeys()).toEqual(["stays"]);
    });

    it("counts a life in seconds, and knows how much is left", async () => {
      const { store, storage } = await newStorage();
      await storage.setItem("long", 1, { ttl: 600 });
      await storage.setItems(
        [
          { key: "own", value: 1, options: { ttl: 60 } },
          { key: "usual", value: 1 },
        ],
        { ttl: 600 },
      );
      await storage.setItemRaw("short", Uint8Array.of(1), { ttl: 0.001 });
      await vi.waitFor(async () => expect(await storage.hasItem("short")).toBe(false));
      expect(await storage.getItemRaw("short")).toBeNull();
      expect(await storage.getKeys()).toEqual(["long", "own", "usual"]);

      const meta = await storage.getMeta("long");
      expect(meta.mtime).toBeInstanceOf(Date);
      expect(meta.ttl).toBeGreaterThan(500);
      expect(meta.ttl).toBeLessThanOrEqual(601);
      expect((await storage.getMeta("own")).ttl).toBeLessThanOrEqual(61);
      await storage.setItem("long", 2);
      expect(await storage.getMeta("long")).toEqual({ mtime: expect.any(Date) });
      expect(await storage.getMeta("lon")).toEqual({});

      const brief = createStorage({ driver: onetripDriver({ store, ttl: 600 }) });
      await brief.setItem("default", 1);
      expect((await brief.getMeta("default")).ttl).toBeGreaterThan(500);
    });

    it("can be mounted, prefixed and copied, each with a base of its own", async () => {
      const store = await newStore();
      const storage = createStorage({ driver: onetripDriver({ store, base: "one" }) });
      storage.mount("two", onetripDriver({ store, base: "two" }));
      await storage.setItem("a", 1);
      await storage.setItem("two:b:c", 2);
      expect((await store.kv.list()).map(({ key }) => key)).toEqual(["one:a", "two:b:c"]);
      expect((await storage.getKeys()).sort()).toEqual(["a", "two:b:c"]);
      expect(await storage.getKeys("two:b")).toEqual(["two:b:c"]);
      expect(await prefixStorage(storage, "two").getItem("b:c")).toBe(2);
      expect(await snapshot(storage, "two")).toEqual({ "b:c": 2 });
      await storage.clear("two");
      expect(await storage.getKeys()).toEqual(["a"]);
    });

    it("tells those who watch of its own changes", async () => {
      const { storage } = await newStorage();
      const seen: string[] = [];
      const unwatch = await storage.watch((event, key) => seen.push(`${event} ${key}`));
      await storage.setItem("a", 1);
      await storage.removeItem("a");
      await unwatch();
      await storage.setItem("b", 1);
      expect(seen).toEqual(["update a", "remove a"]);
    });

    it("closes the store when it is disposed of", async () => {
      const store = await newStore();
      const close = vi.fn(async () => {});
      await createStorage({ driver: onetripDriver({ store: { ...store, close } }) }).dispose();
      expect(close).toHaveBeenCalledOnce();
    });
  });
});
