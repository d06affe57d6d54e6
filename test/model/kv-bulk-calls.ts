import fc from "fast-check";
import { anyKey } from "./alphabet.ts";
import { type Call, textOf } from "./call.ts";
import { anyKvValue, anyLife, ttlMs, untilOver } from "./kv-calls.ts";
import { deleteEntry, getEntry, type Life, setEntry, sweepEntries } from "./kv-model.ts";

const anyKeys = fc.array(anyKey, { maxLength: 4 });
const anyOwnLife = fc.constantFrom<Life | undefined>(undefined, undefined, "long", "over");
const anyEntries = fc.array(fc.tuple(anyKey, anyKvValue, anyOwnLife), { maxLength: 4 });

/** Calls of `store.kv` with several keys. */
export const kvBulkCalls: readonly fc.Arbitrary<Call>[] = [
  fc.tuple(anyEntries, anyLife).map(setMany),
  anyKeys.map(getMany),
  anyKeys.map(deleteMany),
  fc.constant(sweep()),
];

function setMany([entries, common]: [[string, unknown, Life | undefined][], Life]): Call {
  const last = new Map(entries.map(([key, value, life = common]) => [key, { value, life }]));
  return {
    text: textOf("kv.setMany", entries, common),
    async send(store) {
      const given = entries.map(([key, value, life]) =>
        life === undefined ? ([key, value] as const) : { key, value, ttl: ttlMs[life] },
      );
      await store.kv.setMany(given, { ttl: ttlMs[common] });
      for (const [key, { life }] of last) if (life === "over") await untilOver(store, key);
    },
    apply(model) {
      for (const [key, { value, life }] of last) setEntry(model.kv, key, value, life);
    },
  };
}

function getMany(keys: readonly string[]): Call {
  return {
    text: textOf("kv.getMany", keys),
    send: (store) => store.kv.getMany(keys),
    apply: (model) => keys.map((key) => getEntry(model.kv, key)),
  };
}

function deleteMany(keys: readonly string[]): Call {
  return {
    text: textOf("kv.deleteMany", keys),
    send: (store) => store.kv.deleteMany(keys),
    apply: (model) => keys.filter((key) => deleteEntry(model.kv, key) === true).length,
  };
}

function sweep(): Call {
  return {
    text: textOf("kv.sweep"),
    send: (store) => store.kv.sweep(),
    apply: (model) => sweepEntries(model.kv),
  };
}
