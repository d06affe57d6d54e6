import type { Row } from "../driver.ts";

/** Runs one statement with `$1`, `$2` … for its parameters. */
export type PostgresQueryExecutor = (
  text: string,
  params?: readonly unknown[],
) => Promise<{ readonly rows: readonly Row[] }>;

/** What `pg.Pool`, `pg.Client`, PGlite and most wrappers around them have. */
export interface Queryable {
  query(text: string, params?: unknown[]): PromiseLike<{ readonly rows: readonly object[] }>;
}

/** What a postgres.js client has. */
export interface UnsafeQueryable {
  unsafe(text: string, params?: never[]): PromiseLike<readonly object[]>;
}

/**
 * An executor over a client that the application already has. It sends each statement as it is: no retry, no deadline, no
 * migration; pass a `driver` to the repository for those. The client stays the application's to close.
 *
 * @example
 * ```ts
 * const exec = createPostgresQueryExecutor(new pg.Pool({ connectionString }));
 * const repository = createPostgresProfileStoreRepository({ exec });
 * ```
 */
export function createPostgresQueryExecutor(client: Queryable | UnsafeQueryable): PostgresQueryExecutor {
  return async (text, params = []) => {
    const rows =
      "query" in client
        ? (await client.query(text, [...params])).rows
        : await client.unsafe(text, [...params] as never[]);
    return { rows: [...rows] as Row[] };
  };
}
