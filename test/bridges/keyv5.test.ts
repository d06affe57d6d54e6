import { Keyv as Keyv6 } from "keyv";
import { Keyv, type KeyvStoreAdapter } from "keyv5";
import { describe, expect, it } from "vitest";
import { keyv5Storage, keyvStorage } from "../../src/bridges/keyv.ts";
import { collect, describeKeyv } from "./keyv-contract.ts";
import { describeOnStores, operationsOf } from "./stores.ts";

describe("Keyv 5", () => {
  describeOnStores((newStore) => {
    describeKeyv(newStore, {
      open: (store, options) => new Keyv({ store: keyv5Storage({ store }), ...options }),
      pairsOf: (keyv) => (keyv as Keyv).iterator?.(undefined) ?? neverIterated(),
    });

    it("takes the storage for what its types ask for", async () => {
      const storage = keyv5Storage({ store: await newStore() });
      // Its types say that setMany gives nothing; Keyv 5 passes on what it gives as what was set.
      expect(storage satisfies Omit<KeyvStoreAdapter, "setMany">).toBe(new Keyv(storage).store);
    });

    it("goes once to the database for what it does once", async () => {
      const store = await newStore();
      const keyv = new Keyv({ store: keyv5Storage({ store }) });
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
      expect(await operationsOf(store, () => keyv.has("a"))).toEqual(["kv.has"]);
      expect(await operationsOf(store, () => keyv.deleteMany(["b", "c"]))).toEqual(["kv.deleteMany"]);
    });

    it("says whether one of many was there to delete", async () => {
      const keyv = new Keyv({ store: keyv5Storage({ store: await newStore() }) });
      await keyv.set("a", 1);
      expect(await keyv.delete(["none", "a"])).toBe(true);
      expect(await keyv.delete(["none", "a"])).toBe(false);
    });

    it("deletes what it is to set with no life left", async () => {
      const store = await newStore();
      const keyv = new Keyv({ store: keyv5Storage({ store }) });
      await keyv.set("a", 1);
      await keyv.set("a", 2, -1);
      expect(await store.kv.list()).toEqual([]);
    });

    it("clears everything when there is no namespace", async () => {
      const store = await newStore();
      const keyv = new Keyv({ store: keyv5Storage({ store }), namespace: "" });
      await keyv.set("a", 1);
      expect(await store.kv.has("a")).toBe(true);
      await keyv.clear();
      expect(await store.kv.list()).toEqual([]);
    });

    it("tells listeners of a get that failed, which Keyv 5 keeps to itself", async () => {
      const keyv = new Keyv({ store: keyv5Storage({ store: await newStore() }) });
      const errors: string[] = [];
      keyv.on("error", (error: Error) => errors.push(error.message));
      expect(await keyv.get("k".repeat(2000))).toBeUndefined();
      expect(errors).toEqual([expect.stringContaining("longer than 1024 bytes")]);
    });

    it("leaves its entries to Keyv 6", async () => {
      const store = await newStore();
      const before = new Keyv({ store: keyv5Storage({ store }), namespace: "pages" });
      await before.setMany([
        { key: "a", value: Buffer.from("x") },
        { key: "b:c", value: ":colon", ttl: 600_000 },
      ]);
      const after = new Keyv6({ store: keyvStorage({ store }), namespace: "pages" });
      expect(await collect(after.iterator())).toEqual([
        ["a", Buffer.from("x")],
        ["b:c", ":colon"],
      ]);
    });
  });
});

function neverIterated(): never {
  throw new Error("Keyv has no iterator for this storage");
}
