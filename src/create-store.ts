import { loadDriver } from "./create-store/load-driver.ts";
import { readPosition } from "./create-store/read-position.ts";
import { readRoute } from "./create-store/read-route.ts";
import { withInternals } from "./create-store/store-internals.ts";
import { type StoreListeners, storeListeners } from "./create-store/store-listeners.ts";
import { noBlobs, resolveOptions, type StoreOptions } from "./create-store/store-options.ts";
import { storeToken } from "./create-store/store-token.ts";
import { type FailedAttempt, repeated, withRetry } from "./driver/retry.ts";
import type { DriverWarning } from "./driver/warning.ts";
import type { CallOptions, Driver } from "./driver.ts";
import { storeMigrations } from "./migrate/embedded.ts";
import { type MigrationReport, migrate } from "./migrate/migrate.ts";
import { withMigrations } from "./migrate/with-migrations.ts";
import { quoteIdentifier } from "./sql/identifier.ts";
import { checkStoreName } from "./sql/key.ts";
import { type EventStore, eventStore } from "./stores/events.ts";
import { type KvStore, kvStore } from "./stores/kv.ts";
import { type RecordStore, recordStore } from "./stores/records.ts";
import { type StoreSql, sqlTag } from "./stores/sql-tag.ts";
import type { StoreContext } from "./stores/store-context.ts";
import type { Emit } from "./stores/store-event.ts";
import { type StoreTransaction, storeTransaction } from "./stores/transaction.ts";

/** Records, events and key-value entries under one name. Stores of one schema share its tables and see only their own. */
export interface Store {
  readonly name: string;
  readonly records: RecordStore;
  readonly events: EventStore;
  readonly kv: KvStore;
  readonly transaction: StoreTransaction;
  readonly sql: StoreSql;
  /** Always throws a {@link CapabilityError}: binary objects belong to the S3 adapter of Persist. */
  readonly blobs: never;
  /** Brings the schema up to date now, whatever `migrate` says in the options. Any number of processes may do so at once. */
  migrate(options?: CallOptions): Promise<MigrationReport>;
  /**
   * A token of how far the store had got, this store object's writes included: for the `atLeast` of a read elsewhere, which a
   * replica answers only when it has seen that much. Hand it on with the answer, in a header or a cookie; it is opaque and
   * holds no data. A round trip after a write, else none. What `sql.write` and `events.prune` do is not in it.
   *
   * @example
   * ```ts
   * await store.records.put("a", 1);
   * const token = await store.token();
   * // In another request, perhaps in another process:
   * await elsewhere.records.get("a", { atLeast: token });
   * ```
   */
  token(options?: CallOptions): Promise<string>;
  /**
   * Calls `listener` after something happened in this store object: not what other processes do.
   *
   * @example
   * ```ts
   * const off = store.on("record:*", (event) => console.log(event.type, event.key));
   * ```
   */
  readonly on: StoreListeners["on"];
  /** Closes the driver and the replicas, also when they were passed in. Harmless twice. */
  close(): Promise<void>;
}

/**
 * Makes a store. Sends nothing: the first operation opens the connection and, with `migrate: "auto"`, creates the tables if
 * they are missing.
 *
 * @param name 1 to 128 bytes of UTF-8
 * @throws CapabilityError when something is asked for that is not there, the driver's package included
 * @throws ValidationError when the options contradict each other or a name is not allowed
 * @example
 * ```ts
 * const store = await createStore("analytics", { connectionString: "pglite:" });
 * await store.records.put("answer", { value: 42 });
 * await store.close();
 * ```
 */
export async function createStore(name: string, options: StoreOptions): Promise<Store> {
  checkStoreName(name);
  const { source, schema, mode, retry, ...resolved } = resolveOptions(options);
  const warnings: DriverWarning[] = [];
  const warn = (warning: DriverWarning) => void warnings.push(warning);
  const driver = "driver" in source ? source.driver : await loadDriver(source.parameters, warn);
  const { on, emit: tell } = storeListeners();
  // Nobody listens before there is a store: what was to be told until then comes with the first event.
  const emit: Emit = (event) => {
    for (const warning of warnings.splice(0)) tell({ type: "warning", store: name, ...warning });
    tell(event);
  };
  const onMigrate = ({ applied, already }: MigrationReport) => emit({ type: "migrate", store: name, applied, already });
  const migrations = { mode, set: storeMigrations, names: { schema }, onMigrate };
  const retryOptions = {
    ...retry,
    onRetry: (attempt: FailedAttempt) => emit({ type: "retry", store: name, ...attempt }),
  };
  const retrying = (inner: Driver) => (retry ? withRetry(inner, retryOptions) : inner);
  // Outside of the migrations: one deadline for both, and a migration that failed is a call that was refused.
  const primary = retrying(withMigrations(driver, migrations));
  const position = readPosition(name);
  const own = { store: name, schema: quoteIdentifier(schema, "schema"), emit };
  const context: StoreContext = {
    ...own,
    driver: primary,
    maxValueBytes: resolved.maxValueBytes,
    idempotencyLifeMs: resolved.idempotencyLifeMs,
    wrote: position.wrote,
    read: readRoute(own, { ...resolved, primary, position }),
  };

  const store = {
    name,
    records: recordStore(context),
    events: eventStore(context),
    kv: kvStore(context),
    transaction: storeTransaction(context),
    sql: sqlTag(context, retrying(driver)),
    token: storeToken(context, position),
    async migrate(callOptions?: CallOptions) {
      const call = { ...(retry ? retryOptions : { attempts: 1 }), operation: "migrate", idempotent: true };
      const report = await repeated(call, callOptions ?? {}, (bound) =>
        migrate(driver, storeMigrations, { schema }, bound),
      );
      onMigrate(report);
      return report;
    },
    on,
    async close() {
      await Promise.all([driver, ...resolved.replicas].map((opened) => opened.close()));
    },
  };
  withInternals(store, { context, driver, migrations, retry });
  // Not enumerable: printing or spreading a store must not ask for it.
  return Object.defineProperty(store, "blobs", {
    get() {
      throw noBlobs("store.blobs");
    },
  }) as typeof store & { readonly blobs: never };
}
