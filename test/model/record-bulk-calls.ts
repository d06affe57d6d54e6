import fc from "fast-check";
import { anyExpectation, anyKey, anyValue, type Expectation, expectedVersion } from "./alphabet.ts";
import { type Call, type StoreModel, textOf } from "./call.ts";
import { seen } from "./record-calls.ts";
import { currentVersion, deleteRecords, findRecord, putRecords } from "./record-model.ts";

const anyKeys = fc.array(anyKey, { maxLength: 4 });

/** Calls of `store.records` with several keys. */
export const recordBulkCalls: readonly fc.Arbitrary<Call>[] = [
  fc.array(fc.tuple(anyKey, anyValue, anyExpectation), { maxLength: 4 }).map(putMany),
  anyKeys.map(getMany),
  anyKeys.map(deleteMany),
];

function putMany(entries: readonly [string, unknown, Expectation][]): Call {
  const resolved = ({ records }: StoreModel) =>
    entries.map(([key, value, expectation]) => {
      return { key, value, expected: expectedVersion(expectation, currentVersion(records, key)) };
    });
  return {
    text: textOf("records.putMany", entries),
    async send(store, model) {
      const given = resolved(model).map(({ key, value, expected }) => ({ key, value, expectedVersion: expected }));
      return (await store.records.putMany(given)).map(seen);
    },
    apply: (model) => putRecords(model.records, resolved(model)),
  };
}

function getMany(keys: readonly string[]): Call {
  return {
    text: textOf("records.getMany", keys),
    send: async (store) => (await store.records.getMany(keys)).map((record) => record && seen(record)),
    apply: (model) => keys.map((key) => findRecord(model.records, key)),
  };
}

function deleteMany(keys: readonly string[]): Call {
  return {
    text: textOf("records.deleteMany", keys),
    send: (store) => store.records.deleteMany(keys),
    apply: (model) => deleteRecords(model.records, keys),
  };
}
