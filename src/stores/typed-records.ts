import { CapabilityError } from "../errors.ts";
import type { ReadOptions } from "./read-options.ts";
import type { StoredRecord } from "./record.ts";
import { checkEntries, type PutEntry } from "./record-bulk.ts";
import type { RecordListOptions } from "./record-list.ts";
import type { MergePatch, PatchOptions } from "./record-patch.ts";
import type { FoundRecord, SearchOptions, SearchPage } from "./record-search.ts";
import type { DeleteOptions, PutOptions, RecordStore } from "./records.ts";
import type { SearchIndex } from "./search-index.ts";
import { type Checked, checkSchema, type StandardSchema, validated } from "./standard-schema.ts";
import type { WriteOptions } from "./write-once.ts";

/**
 * A {@link RecordStore} whose values are all `T`; every method does what it does there. With a schema, what is written is
 * validated first and `Input` is what it takes. The table is still the one of the whole store: other writers may put there
 * what they like, so without `reads: true` a `T` that is read is a promise of the caller.
 */
export interface TypedRecordStore<T, Input = T> extends SearchIndex {
  put(key: string, value: Input, options?: PutOptions): Promise<StoredRecord<T>>;
  putMany(entries: readonly PutEntry<Input>[], options?: WriteOptions): Promise<readonly StoredRecord<T>[]>;
  /** @throws CapabilityError on a store with a schema: the result is made in the database, where nothing can validate it */
  patch(key: string, mergePatch: MergePatch<T>, options?: PatchOptions): Promise<StoredRecord<T>>;
  get(key: string, options?: ReadOptions): Promise<StoredRecord<T>>;
  find(key: string, options?: ReadOptions): Promise<StoredRecord<T> | undefined>;
  getMany(keys: readonly string[], options?: ReadOptions): Promise<readonly (StoredRecord<T> | undefined)[]>;
  delete(key: string, options?: DeleteOptions): Promise<boolean>;
  deleteMany(keys: readonly string[], options?: WriteOptions): Promise<number>;
  list(options?: RecordListOptions<T>): Promise<readonly StoredRecord<T>[]>;
  search(text: string, options?: SearchOptions): Promise<SearchPage<T>>;
}

export interface TypedOptions {
  /**
   * Validate what is read too: the schema must take its own output then. A predicate of `list` is asked before. Default false.
   */
  readonly reads?: boolean | undefined;
}

/** The same records with a schema before them. */
export function typedRecords<T, Input>(
  records: RecordStore,
  schema: StandardSchema<Input, T>,
  { reads = false }: TypedOptions,
): TypedRecordStore<T, Input> {
  checkSchema(schema, "records.typed");
  const check = (checked: Checked) => validated(schema, checked);

  function written(value: Input, what: string): Promise<T> {
    return check({ value, what, outcome: "not-sent" });
  }

  async function read<R extends StoredRecord<T>>(record: R, what: string): Promise<R> {
    if (!reads) return record;
    return { ...record, value: await check({ value: record.value, what: `${what}: value`, outcome: "rejected" }) };
  }

  return {
    ...records,
    async put(key, value, options) {
      return records.put(key, await written(value, "records.put: value"), options);
    },
    async putMany(entries, options) {
      const checked: PutEntry<T>[] = [];
      for (const [index, entry] of checkEntries(entries).entries()) {
        checked.push({ ...entry, value: await written(entry.value, `records.putMany: entries[${index}].value`) });
      }
      return records.putMany(checked, options);
    },
    async patch() {
      throw new CapabilityError(
        "records.patch: a store with a schema cannot validate what the patch makes; get, change and put with expectedVersion",
      );
    },
    async get(key, options) {
      return read(await records.get<T>(key, options), "records.get");
    },
    async find(key, options) {
      const record = await records.find<T>(key, options);
      return record && read(record, "records.find");
    },
    async getMany(keys, options) {
      const found = await records.getMany<T>(keys, options);
      return Promise.all(found.map((record) => record && read(record, "records.getMany")));
    },
    async list(options) {
      const found = await records.list<T>(options);
      return Promise.all(found.map((record) => read(record, "records.list")));
    },
    async search(text, options) {
      const page = await records.search<T>(text, options);
      const found = page.records.map((record) => read<FoundRecord<T>>(record, "records.search"));
      return { ...page, records: await Promise.all(found) };
    },
  };
}
