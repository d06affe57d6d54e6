import fc from "fast-check";
import { anyKey } from "./alphabet.ts";
import { type Call, type StoreModel, textOf } from "./call.ts";
import { anyKvValue, ttlMs } from "./kv-calls.ts";
import { compareAndSetEntry, getEntry, incrementEntry, type Life } from "./kv-model.ts";

const anyLongLife = fc.constantFrom<Life>("for ever", "long");
const current = Symbol("what is there");

/** Calls of `store.kv` that read and write in one step. */
export const kvConditionalCalls: readonly fc.Arbitrary<Call>[] = [
  fc.tuple(anyKey, fc.constantFrom(1, -1, 5, 0.1, 0.2), anyLongLife).map(increment),
  fc.tuple(anyKey, anyKvValue, anyLongLife).map(setIfAbsent),
  fc
    .tuple(anyKey, fc.oneof(fc.constant(current), fc.constant(undefined), anyKvValue), anyKvValue, anyLongLife)
    .map(compareAndSet),
];

export function increment([key, by, life]: [string, number, Life]): Call {
  return {
    text: textOf("kv.increment", key, by, life),
    send: (store) => store.kv.increment(key, by, { ttl: ttlMs[life] }),
    apply: (model) => incrementEntry(model.kv, key, by, life),
  };
}

export function setIfAbsent([key, value, life]: [string, unknown, Life]): Call {
  return {
    text: textOf("kv.setIfAbsent", key, value, life),
    send: (store) => store.kv.setIfAbsent(key, value, { ttl: ttlMs[life] }),
    apply: (model) => compareAndSetEntry(model.kv, key, undefined, value, life),
  };
}

export function compareAndSet([key, expected, next, life]: [string, unknown, unknown, Life]): Call {
  const resolved = (model: StoreModel) => (expected === current ? getEntry(model.kv, key) : expected);
  return {
    text: textOf("kv.compareAndSet", key, expected === current ? "what is there" : (expected ?? null), next, life),
    send: (store, model) => store.kv.compareAndSet(key, resolved(model), next, { ttl: ttlMs[life] }),
    apply: (model) => compareAndSetEntry(model.kv, key, resolved(model), next, life),
  };
}
