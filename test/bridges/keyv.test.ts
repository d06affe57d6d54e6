import { Keyv } from "keyv";
import { describe, expect, it } from "vitest";
import { keyvStorage } from "../../src/bridges/keyv.ts";
import { collect, describeKeyv } from "./keyv-contract.ts";
import { describeOnStores, operationsOf } from "./stores.ts";

describe("Keyv 6", () => {
  describeOnStores((newStore) => {
    describeKeyv(newStore, {
      open: (store, options) => new Keyv({ store: keyvStorage({ store }), ...options }),
      pairsOf: (keyv) => (keyv as Keyv).iterator(),
    });

    it("uses the storage as it is, without a bridge of its own", async () => {
      const storage = keyvStorage({ store: await newStore() });
      expect(new Keyv({ store: storage }).store).toBe(storage);
    });

    it("goes once to the database for what it does once", async () => {
      const store = await newStore();
      const keyv = new Keyv({ store: keyvStorage({ store }), namespace: "n" });
      expect(await operationsOf(store, () => keyv.set("a", 1, 1000))).toEqual(["kv.set"]);
      expect(
        await operationsOf(store, () =>
          keyv.setMany([
            { key: "b", value: 1 },
            { key: "c", value: 2 },
          ]),
        ),
      ).toEqual(["kv.setMany"]);
      expect(await operationsOf(store, () => keyv.get("a"))).toEqual(["kv.get"]);
      expect(await operationsOf(store, () => keyv.getMany(["a", "b"]))).toEqual(["kv.getMany"]);
      expect(await operationsOf(store, () => keyv.delete("a"))).toEqual(["kv.delete"]);
      expect(await operationsOf(store, () => keyv.deleteMany(["b", "c"]))).toEqual(["transaction"]);
      expect(await operationsOf(store, () => keyv.clear())).toEqual(["kv.list"]);
    });

    it("says of each key whether it was there to delete", async () => {
      const keyv = new Keyv({ store: keyvStorage({ store: await newStore() }) });
      await keyv.set("a", 1);
      expect(await keyv.deleteMany(["none", "a", "a"])).toEqual([false, true, false]);
      const many = Array.from({ length: 501 }, (_, i) => `key-${i}`);
      await keyv.setMany(many.map((key) => ({ key, value: 1 })));
      expect(new Set(await keyv.deleteMany(many))).toEqual(new Set([true]));
      expect(await keyv.deleteMany([])).toEqual([]);
    });

    it("keeps a namespace within another apart from it", async () => {
      const store = await newStore();
      const outer = new Keyv({ store: keyvStorage({ store }), namespace: "a" });
      const inner = new Keyv({ store: keyvStorage({ store }), namespace: "a:b" });
      await outer.set("b:key", "outer");
      await inner.set("key", "inner");
      expect([await outer.get("b:key"), await inner.get("key")]).toEqual(["outer", "inner"]);
      await outer.clear();
      expect(await inner.get("key")).toBe("inner");
    });

    it("keeps the namespace that the storage was given", async () => {
      const store = await newStore();
      const keyv = new Keyv({ store: keyvStorage({ store, namespace: "own" }) });
      await keyv.set("a", 1);
      expect(await store.kv.has("own:a")).toBe(true);
    });

    it("stores values without serialization too", async () => {
      const store = await newStore();
      const keyv = new Keyv({ store: keyvStorage({ store }), serialization: false });
      await keyv.set("a", { deep: [1] });
      expect(await keyv.get("a")).toEqual({ deep: [1] });
      expect(await store.kv.get("a")).toEqual({ value: { deep: [1] } });
    });

    it("deletes what was over before it was written, and keeps for ever what would outlast a century", async () => {
      const store = await newStore();
      const storage = keyvStorage({ store });
      await storage.set("a", 1);
      await storage.set("a", 2, Date.now() - 1);
      expect(await storage.get("a")).toBeUndefined();
      await storage.setMany([
        { key: "b", value: 1 },
        { key: "b", value: 2, expires: 8.64e15 },
        { key: "c", value: 3, expires: Date.now() },
      ]);
      expect(await store.kv.list()).toEqual([expect.objectContaining({ key: "b", value: 2 })]);
      expect((await store.kv.list())[0]).not.toHaveProperty("expiresAt");
    });

    it("refuses the relative times of Keyv 5", async () => {
      const storage = keyvStorage({ store: await newStore() });
      await expect(storage.set("a", 1, 60_000)).rejects.toMatchObject({ code: "capability", outcome: "not-sent" });
      expect(await collect(storage.iterator())).toEqual([]);
    });
  });
});
