import type { CallOptions, Driver, Row } from "../driver.ts";
import { PersistError } from "../errors.ts";
import { quoteIdentifier } from "../sql/identifier.ts";

/** How the sync of a store with one remote stands. Times as PostgreSQL's text in UTC. */
export interface RemoteStatus {
  readonly store: string;
  readonly remote: string;
  readonly pending: number;
  readonly inFlight: number;
  readonly failed: number;
  readonly conflicts: number;
  readonly pulledAt: string | null;
  readonly pushedAt: string | null;
  readonly oldestPendingAt: string | null;
  /** Why everything is being pulled again, where it is. */
  readonly resync: string | null;
}

/** The registered remotes, up to a limit; none where the schema is older than sync. Two round trips. */
export async function syncRemotes(
  driver: Driver,
  schema: string,
  limit: number,
  options?: CallOptions,
): Promise<readonly RemoteStatus[]> {
  const inSchema = quoteIdentifier(schema, "schema");
  try {
    const remotes = await driver.query(
      {
        text: `select m.store, m.remote from ${inSchema}.persist_sync_remotes m order by m.store, m.remote limit $1::int`,
        params: [limit],
      },
      options,
    );
    const answers = await driver.batch(
      remotes.map(({ store, remote }) => ({
        text: `select pending, in_flight, failed, conflicts, resync, pulled_at, pushed_at, oldest_pending_at from ${inSchema}.sync_status($1, $2)`,
        params: [String(store), String(remote)],
      })),
      { ...options, readOnly: true },
    );
    return remotes.flatMap((remote, index) => answers[index]?.map((row) => toStatus(remote, row)) ?? []);
  } catch (error) {
    if (error instanceof PersistError && missing.has(error.sqlstate)) return [];
    throw error;
  }
}

const missing: ReadonlySet<string | undefined> = new Set(["42P01", "42883", "3F000"]);

function toStatus({ store, remote }: Row, row: Row): RemoteStatus {
  const text = (name: string) => (typeof row[name] === "string" ? row[name] : null);
  return {
    store: String(store),
    remote: withoutSecrets(String(remote)),
    pending: Number(row["pending"]),
    inFlight: Number(row["in_flight"]),
    failed: Number(row["failed"]),
    conflicts: Number(row["conflicts"]),
    pulledAt: text("pulled_at"),
    pushedAt: text("pushed_at"),
    oldestPendingAt: text("oldest_pending_at"),
    resync: text("resync"),
  };
}

/** A remote's name is the application's choice, and may be a whole URL. */
function withoutSecrets(name: string): string {
  return name.replace(/\/\/[^/@\s]*@/g, "//").replace(/\?.*$/s, "");
}
