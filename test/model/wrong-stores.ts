import type { Store } from "../../src/create-store.ts";
import type { Driver } from "../../src/driver.ts";
import type { TransactionOperation } from "../../src/stores/transaction-operation.ts";

/** A store that is right but for one mistake, of the kind that people make. */
export interface WrongStore {
  readonly mistake: string;
  /** The call that has to be among those that show it. */
  readonly shownBy: RegExp;
  spoil(store: Store, driver: Driver): Store;
}

export const wrongStores: readonly WrongStore[] = [
  {
    mistake: "forgets the version of a deleted record",
    shownBy: /records\.delete/,
    spoil: (store, driver) => ({
      ...store,
      records: {
        ...store.records,
        async delete(key, options) {
          const isDeleted = await store.records.delete(key, options);
          const text = "delete from persist.persist_records where store = $1 and key = $2 and deleted";
          await driver.query({ text, params: [store.name, key] });
          return isDeleted;
        },
      },
    }),
  },
  {
    mistake: "writes whatever version was expected",
    shownBy: /records\.put/,
    spoil: (store) => ({ ...store, records: { ...store.records, put: (key, value) => store.records.put(key, value) } }),
  },
  {
    mistake: "finds a prefix with LIKE",
    shownBy: /records\.list/,
    spoil: (store) => ({
      ...store,
      records: {
        ...store.records,
        async list<T>({ prefix = "", limit = 100, ...options }: Parameters<Store["records"]["list"]>[0] = {}) {
          const all = await store.records.list<T>({ ...options, limit: 1000 });
          return all.filter(({ key }) => like(prefix).test(key)).slice(0, limit);
        },
      },
    }),
  },
  {
    mistake: "sorts keys as JavaScript does",
    shownBy: /kv\.list/,
    spoil: (store) => ({
      ...store,
      kv: {
        ...store.kv,
        async list<T>(options?: Parameters<Store["kv"]["list"]>[0]) {
          const page = await store.kv.list<T>(options);
          return page.toSorted((a, b) => (a.key < b.key ? -1 : 1));
        },
      },
    }),
  },
  {
    mistake: "writes an event again that has the same id",
    shownBy: /events\.append/,
    spoil: (store) => ({
      ...store,
      events: {
        ...store.events,
        async append(stream: string, payload: unknown, options: object) {
          return store.events.append(stream, payload, { ...options, id: undefined });
        },
      } as Store["events"],
    }),
  },
  {
    mistake: "takes a stored null for nothing",
    shownBy: /kv\.get/,
    spoil: (store) => ({
      ...store,
      kv: { ...store.kv, get: async <T>(key: string) => (await store.kv.get<T>(key)) ?? undefined },
    }),
  },
  {
    mistake: "says that it deleted an entry whose life was over",
    shownBy: /kv\.delete/,
    spoil: (store) => ({ ...store, kv: { ...store.kv, delete: (key) => store.kv.delete(key).then(() => true) } }),
  },
  {
    mistake: "applies a transaction one operation at a time",
    shownBy: /transaction/,
    spoil: (store) =>
      ({
        ...store,
        async transaction(operations: readonly TransactionOperation[]) {
          const results: unknown[] = [];
          for (const operation of operations) results.push(...(await store.transaction([operation])));
          return results;
        },
      }) as Store,
  },
];

function like(prefix: string): RegExp {
  const pattern = prefix
    .replace(/[$^*+?.()|[\]{}]/g, "\\$&")
    .replace(/\\?[_%]/g, (wild) => wildcards[wild] ?? wild.slice(1));
  return new RegExp(`^${pattern}`, "u");
}

const wildcards: Readonly<Record<string, string>> = { _: ".", "%": ".*" };
