import type { RetryPolicy } from "../driver/retry.ts";
import { retryPolicyOf } from "../driver/retry-policy.ts";
import type { Driver } from "../driver.ts";
import { CapabilityError, ValidationError } from "../errors.ts";
import type { MigrateMode } from "../migrate/with-migrations.ts";
import { quoteIdentifier } from "../sql/identifier.ts";

/** What a store can be asked for. `blobs` is none of it: binary objects belong to the S3 adapter of Persist. */
export type Capability = "records" | "events" | "kv" | "blobs";

/** A server by its parts, and how to keep connections to it. Names and units are those of the Persist adapter. */
export interface PostgresParameters {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly ssl?: boolean | { readonly rejectUnauthorized?: boolean; readonly ca?: string } | undefined;
  /** Instead of the parts above. */
  readonly connectionString?: string | undefined;
  /** The same as `schema` beside it. */
  readonly schema?: string | undefined;
  /** Connections at most. Default 10; 1 suits a function that serves one request at a time. Means nothing over HTTP. */
  readonly poolSize?: number | undefined;
  /** In milliseconds: a connection that was idle for longer is closed. Means nothing over HTTP. */
  readonly idleTimeout?: number | undefined;
  /** In milliseconds: the time to open a connection. Means nothing over HTTP. */
  readonly connectionTimeout?: number | undefined;
}

interface EveryStoreOptions {
  /** This package has one adapter. */
  readonly adapter?: "postgres" | undefined;
  /** Where the tables are. Default `persist`. */
  readonly schema?: string | undefined;
  /** What to do when the schema is missing or behind. Default `auto`: migrate on first use. */
  readonly migrate?: MigrateMode | undefined;
  /** What the application will use: what is not there fails here and not later. */
  readonly capabilities?: readonly Capability[] | undefined;
  /** The largest value as JSON text, in bytes of UTF-8. Default 1 MiB. */
  readonly maxValueBytes?: number | undefined;
  /**
   * Sends the reads that are issued in one tick as one batch: one round trip for `Promise.all` over `get`, `list` and their
   * like. Each keeps its own signal and deadline, and one that fails does not take the others with it. Default false.
   */
  readonly batchReads?: boolean | undefined;
  /**
   * Sends a call again when it was certainly not applied and may succeed later, or when it does no harm twice: a read, an
   * append, a write with an `idempotencyKey`. Within the deadline of the call, with growing random waits. Default 4 attempts in
   * all, 50 ms before the second, doubling up to 2 s; `false` for none.
   */
  readonly retry?: false | Partial<RetryPolicy> | undefined;
  /**
   * Drivers to replicas of the database, such as Neon's read-only endpoints or hot standbys. Reads of records, events and kv go
   * there as long as they find at least what this store object has written; else, and for `sql`, to the primary. `close` closes
   * them too.
   */
  readonly replicas?: readonly Driver[] | undefined;
  /** How long an `idempotencyKey` is remembered, in milliseconds: longer than calls are tried, at least a minute. Default a day. */
  readonly idempotencyLifeMs?: number | undefined;
}

/** One of `connectionString`, `postgres` and `driver`. */
export type StoreOptions = EveryStoreOptions &
  (
    | { readonly connectionString: string; readonly postgres?: undefined; readonly driver?: undefined }
    | { readonly postgres: PostgresParameters; readonly connectionString?: undefined; readonly driver?: undefined }
    | { readonly driver: Driver; readonly connectionString?: undefined; readonly postgres?: undefined }
  );

/** The options, checked and without choices. */
export interface ResolvedOptions {
  readonly source: { readonly driver: Driver } | { readonly parameters: PostgresParameters };
  /** As it is, not quoted. */
  readonly schema: string;
  readonly mode: MigrateMode;
  readonly maxValueBytes: number | undefined;
  readonly batchReads: boolean;
  /** Null for none. */
  readonly retry: RetryPolicy | null;
  readonly replicas: readonly Driver[];
  readonly idempotencyLifeMs: number | undefined;
}

/**
 * @throws CapabilityError for an adapter or capability that this package does not have
 * @throws ValidationError for options that contradict each other, or that say not enough
 */
export function resolveOptions(options: StoreOptions): ResolvedOptions {
  checkAdapter(options.adapter);
  for (const capability of options.capabilities ?? []) checkCapability(capability);
  const mode = options.migrate ?? "auto";
  if (mode !== "auto" && mode !== "check" && mode !== "off") {
    throw new ValidationError('createStore: migrate is "auto", "check" or "off"');
  }
  const { maxValueBytes, batchReads = false } = options;
  if (maxValueBytes !== undefined && !(Number.isSafeInteger(maxValueBytes) && maxValueBytes > 0)) {
    throw new ValidationError("createStore: maxValueBytes must be a whole number of bytes, at least 1");
  }
  if (typeof batchReads !== "boolean") throw new ValidationError("createStore: batchReads is true or false");
  return {
    source: sourceOf(options),
    schema: schemaOf(options),
    mode,
    maxValueBytes,
    batchReads,
    retry: retryPolicyOf(options.retry, "createStore"),
    replicas: replicasOf(options),
    idempotencyLifeMs: lifeOf(options),
  };
}

/** What `store.blobs` and a request for that capability answer. */
export function noBlobs(what: string): CapabilityError {
  return new CapabilityError(
    `${what}: blobs are not stored in Postgres; keep binary objects in a store of Persist with the S3 adapter`,
  );
}

function checkAdapter(adapter: string | undefined): void {
  if (adapter === undefined || adapter === "postgres") return;
  throw new CapabilityError(
    'createStore: this package has one adapter, "postgres"; for an embedded database use it with connectionString: "pglite:folder"',
  );
}

function checkCapability(capability: string): void {
  if (capability === "blobs") throw noBlobs("createStore");
  if (capability === "records" || capability === "events" || capability === "kv") return;
  throw new CapabilityError("createStore: capabilities are records, events and kv");
}

function sourceOf({ connectionString, postgres, driver }: StoreOptions): ResolvedOptions["source"] {
  const given = [connectionString, postgres, driver].filter((option) => option !== undefined);
  if (given.length !== 1) {
    throw new ValidationError("createStore: pass exactly one of connectionString, postgres and driver");
  }
  if (driver !== undefined) return { driver };
  const parameters = postgres ?? { connectionString };
  const { host, port, database, user, password, ssl } = parameters;
  const parts = [host, port, database, user, password, ssl].filter((part) => part !== undefined);
  if (parameters.connectionString !== undefined && parts.length > 0) {
    throw new ValidationError("createStore: postgres takes a connectionString or host, port, database …, not both");
  }
  if (parameters.connectionString === undefined && parts.length === 0) {
    throw new ValidationError(
      "createStore: postgres says not where the server is; give host and database, or a connectionString",
    );
  }
  return { parameters };
}

function replicasOf({ replicas = [] }: StoreOptions): readonly Driver[] {
  if (Array.isArray(replicas) && replicas.every((replica) => typeof replica?.batch === "function")) return replicas;
  throw new ValidationError("createStore: replicas is a list of drivers, such as [neonHttp(env.REPLICA_URL)]");
}

function lifeOf({ idempotencyLifeMs }: StoreOptions): number | undefined {
  if (idempotencyLifeMs === undefined || (idempotencyLifeMs >= MINUTE_MS && idempotencyLifeMs <= 3650 * DAY_MS)) {
    return idempotencyLifeMs;
  }
  throw new ValidationError(
    "createStore: idempotencyLifeMs is a time in milliseconds, from a minute, so that it outlives a call that is repeated, to ten years",
  );
}

const MINUTE_MS = 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

function schemaOf({ schema, postgres }: StoreOptions): string {
  if (schema !== undefined && postgres?.schema !== undefined && schema !== postgres.schema) {
    throw new ValidationError("createStore: schema and postgres.schema differ; give one of them");
  }
  const name = schema ?? postgres?.schema ?? "persist";
  quoteIdentifier(name, "createStore: schema");
  return name;
}
