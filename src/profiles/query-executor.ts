import type { CallOptions, Driver, Param, Row } from "../driver.ts";

/** Runs one statement with `$1`, `$2` … for its parameters. */
export type PostgresQueryExecutor = (
  text: string,
  params?: readonly Param[],
  options?: CallOptions,
) => Promise<{ readonly rows: readonly Row[] }>;

/** What `pg.Pool`, `pg.Client`, PGlite, Neon's Pool and its `neon()` have: some answer with an object, some with the rows. */
export interface Queryable {
  query(text: string, params?: unknown[]): PromiseLike<{ readonly rows: readonly object[] } | readonly object[]>;
}

/** What a postgres.js client has. */
export interface UnsafeQueryable {
  unsafe(text: string, params?: never[]): PromiseLike<readonly object[]>;
}

/**
 * An executor over a client that the application already has, or over a driver of this package. It sends each statement as it
 * is: no retry, no migration; pass a `driver` to the repository for those. The client stays the application's to close.
 *
 * | client | recognised by |
 * |---|---|
 * | a driver of this package | `batch` |
 * | `pg.Pool`, `pg.Client`, PGlite, `neon()` and the Pool of `@neondatabase/serverless` | `query` |
 * | a postgres.js client | `unsafe`, without `query` |
 *
 * @example
 * ```ts
 * const exec = createPostgresQueryExecutor(new pg.Pool({ connectionString }));
 * const repository = createPostgresProfileStoreRepository({ exec });
 * ```
 */
export function createPostgresQueryExecutor(client: Driver | Queryable | UnsafeQueryable): PostgresQueryExecutor {
  return async (text, params = [], options) => {
    if ("batch" in client) return { rows: await client.query({ text, params }, options) };
    const result = await ("query" in client
      ? client.query(text, [...params])
      : client.unsafe(text, [...params] as never[]));
    const rows = "rows" in result ? result.rows : result;
    return { rows: [...rows] as Row[] };
  };
}
