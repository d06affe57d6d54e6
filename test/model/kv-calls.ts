import fc from "fast-check";
import type { Store } from "../../src/create-store.ts";
import type { KvEntry } from "../../src/stores/kv.ts";
import { anyKey, anyPage, anyValue } from "./alphabet.ts";
import { type Call, textOf } from "./call.ts";
import { deleteEntry, getEntry, hasEntry, type Life, listEntries, setEntry } from "./kv-model.ts";
import type { Page } from "./record-model.ts";

export const anyKvValue = fc.oneof(
  anyValue,
  fc.constantFrom<unknown>(new Uint8Array(), Uint8Array.of(0, 255, 128), "AP+A"),
);
export const anyLife = fc.constantFrom<Life>("for ever", "for ever", "long", "over");

/** Calls of `store.kv`, one entry at a time. */
export const kvCalls: readonly fc.Arbitrary<Call>[] = [
  fc.tuple(anyKey, anyKvValue, anyLife).map(set),
  fc.tuple(anyKey, anyKvValue, anyLife).map(set),
  anyKey.map(remove),
  anyKey.map(get),
  anyKey.map(has),
  anyPage.map(list),
];

export function set([key, value, life]: [string, unknown, Life]): Call {
  return {
    text: textOf("kv.set", key, value, life),
    async send(store) {
      await store.kv.set(key, value, { ttl: ttlMs[life] });
      if (life === "over") await untilOver(store, key);
    },
    apply: (model) => setEntry(model.kv, key, value, life),
  };
}

/** In milliseconds: ten minutes do not pass within a test, a microsecond has passed by the next time the database looks. */
export const ttlMs: Readonly<Record<Life, number | undefined>> = { "for ever": undefined, long: 600_000, over: 0.001 };

/** The clock that counts is the database's, and that of PGlite moves by milliseconds: asks it until the entry is gone. */
export async function untilOver(store: Store, key: string): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt += 1) if (!(await store.kv.has(key))) return;
  throw new Error("an entry with a life of a microsecond is still there");
}

export function remove(key: string): Call {
  return {
    text: textOf("kv.delete", key),
    send: (store) => store.kv.delete(key),
    apply: (model) => deleteEntry(model.kv, key),
  };
}

export function get(key: string): Call {
  return {
    text: textOf("kv.get", key),
    send: (store) => store.kv.get(key),
    apply: (model) => getEntry(model.kv, key),
  };
}

function has(key: string): Call {
  return {
    text: textOf("kv.has", key),
    send: (store) => store.kv.has(key),
    apply: (model) => hasEntry(model.kv, key),
  };
}

function list(page: Page): Call {
  return {
    text: textOf("kv.list", page),
    send: async (store) => (await store.kv.list(page)).map(seen),
    apply: (model) => listEntries(model.kv, page),
  };
}

function seen({ key, value, version, expiresAt }: KvEntry) {
  return { key, value, version, expires: expiresAt !== undefined };
}
