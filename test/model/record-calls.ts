import fc from "fast-check";
import type { StoredRecord } from "../../src/stores/records.ts";
import { anyExpectation, anyKey, anyPage, anyPrefix, anyValue, type Expectation, expectedVersion } from "./alphabet.ts";
import { type Call, type StoreModel, textOf } from "./call.ts";
import {
  currentVersion,
  deleteRecord,
  findRecord,
  getRecord,
  listRecords,
  type Page,
  patchRecord,
  putRecord,
} from "./record-model.ts";

const anyPatch = fc.constantFrom<unknown>(
  { a: 1 },
  { a: null },
  { a: { b: null, c: [null] } },
  { b: {} },
  {},
  null,
  [1],
);

/** Calls of `store.records`, one record at a time. */
export const recordCalls: readonly fc.Arbitrary<Call>[] = [
  fc.tuple(anyKey, anyValue, anyExpectation).map(put),
  fc.tuple(anyKey, anyValue, anyExpectation).map(put),
  fc.tuple(anyKey, anyPatch, anyExpectation).map(patch),
  fc.tuple(anyKey, anyExpectation).map(remove),
  anyKey.map(find),
  anyKey.map(get),
  fc.tuple(anyPage, fc.constantFrom(undefined, undefined, {}, [], [null], { a: {} }, { a: { b: "𐀀" } })).map(list),
  fc.tuple(anyPrefix, fc.integer({ min: 1, max: 3 })).map(listPageByPage),
];

export function put([key, value, expectation]: [string, unknown, Expectation]): Call {
  const expected = (model: StoreModel) => expectedVersion(expectation, currentVersion(model.records, key));
  return {
    text: textOf("records.put", key, value, expectation),
    send: async (store, model) => seen(await store.records.put(key, value, { expectedVersion: expected(model) })),
    apply: (model) => putRecord(model.records, key, value, expected(model)),
  };
}

export function remove([key, expectation]: [string, Expectation]): Call {
  const expected = (model: StoreModel) => expectedVersion(expectation, currentVersion(model.records, key));
  return {
    text: textOf("records.delete", key, expectation),
    // The type keeps "absent" out; JavaScript does not.
    send: (store, model) => store.records.delete(key, { expectedVersion: expected(model) as number }),
    apply: (model) => deleteRecord(model.records, key, expected(model)),
  };
}

export function patch([key, mergePatch, expectation]: [string, unknown, Expectation]): Call {
  const expected = (model: StoreModel) => expectedVersion(expectation, currentVersion(model.records, key));
  return {
    text: textOf("records.patch", key, mergePatch, expectation),
    async send(store, model) {
      return seen(await store.records.patch(key, mergePatch, { expectedVersion: expected(model) as number }));
    },
    apply: (model) => patchRecord(model.records, key, mergePatch, expected(model)),
  };
}

export function find(key: string): Call {
  return {
    text: textOf("records.find", key),
    async send(store) {
      const record = await store.records.find(key);
      return record && seen(record);
    },
    apply: (model) => findRecord(model.records, key),
  };
}

function get(key: string): Call {
  return {
    text: textOf("records.get", key),
    send: async (store) => seen(await store.records.get(key)),
    apply: (model) => getRecord(model.records, key),
  };
}

function list([page, filter]: [Page, object | undefined]): Call {
  const options = { ...page, ...(filter && { filter }) };
  return {
    text: textOf("records.list", options),
    send: async (store) => (await store.records.list(options)).map(seen),
    apply: (model) => listRecords(model.records, options),
  };
}

function listPageByPage([prefix, limit]: [string, number]): Call {
  return {
    text: textOf("records.list page by page", { prefix, limit }),
    async send(store) {
      const all: unknown[] = [];
      for (let after: string | undefined; ; ) {
        const page = await store.records.list({ prefix, limit, after });
        all.push(...page.map(seen));
        if (page.length < limit) return all;
        after = page.at(-1)?.key;
      }
    },
    apply: (model) => listRecords(model.records, { prefix }),
  };
}

/** A record as the model has it. */
export function seen({ key, value, version, updatedAt }: StoredRecord) {
  if (!(updatedAt instanceof Date) || Number.isNaN(updatedAt.getTime())) throw new Error("updatedAt is no Date");
  return { key, value, version };
}
