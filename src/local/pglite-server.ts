import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import type { PGlite } from "@electric-sql/pglite";
import { type Credentials, connectionUrl } from "./credentials.ts";
import type { CancelKey } from "./handshake.ts";
import { listen } from "./listen.ts";
import { type PgliteConnection, servePglite } from "./pglite-connection.ts";

export interface PgliteServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 0: a free one. */
  readonly port?: number | undefined;
  /** Default `postgres`. It is what a client must name; the statements run as the owner's role of the PGlite. */
  readonly user?: string | undefined;
  /** Default `postgres`. */
  readonly password?: string | undefined;
  /**
   * How long a statement waits while others hold the session, before it fails with 55P03. A program that waits for a
   * second connection inside the first one's transaction learns so that it cannot. Default 30,000.
   */
  readonly turnTimeoutMs?: number | undefined;
}

export interface PgliteServer {
  /** `postgresql://user:password@host:port/postgres` */
  readonly url: string;
  readonly port: number;
  /** Closes all connections, rolls back what they left open. The PGlite stays open. Harmless twice. */
  close(): Promise<void>;
}

/**
 * Speaks PostgreSQL's wire protocol over TCP in front of a PGlite: for psql, pg, postgres.js and others.
 *
 * PGlite is one session. Transactions of several clients therefore run one after the other, and so do those of the
 * owner's `db.query()` and `db.transaction()`, which stay usable. Waiting for one client inside another's transaction, or
 * inside `db.transaction()`, cannot end well: after `turnTimeoutMs` it fails. Prepared statements and settings (`set`) are
 * each connection's own; temporary tables, session locks and custom settings (`set app.tenant`) are shared by all.
 *
 * Not there: TLS, COPY FROM STDIN (57014), LISTEN for another client's NOTIFY, and cancelling a statement that runs.
 *
 * @example
 * ```ts
 * const db = await PGlite.create();
 * const server = await startPgliteServer(db);
 * console.log(`psql ${server.url}`);
 * ```
 */
export async function startPgliteServer(db: PGlite, options: PgliteServerOptions = {}): Promise<PgliteServer> {
  const credentials: Credentials = {
    user: options.user ?? "postgres",
    password: options.password ?? "postgres",
    database: "postgres",
  };
  const parameters = await sessionParameters(db, credentials);
  const connections = new Map<number, { readonly key: CancelKey; readonly connection: PgliteConnection }>();
  let lastProcessId = 0;

  const server = createServer((socket) => {
    lastProcessId += 1;
    const key: CancelKey = { processId: lastProcessId, secret: randomInt(2 ** 31) };
    const connection = servePglite(socket, {
      db,
      turnTimeoutMs: options.turnTimeoutMs ?? 30_000,
      greeting: { credentials, parameters, key },
      onCancelRequest(wanted) {
        const found = connections.get(wanted.processId);
        if (found?.key.secret === wanted.secret) {
          found.connection.cancel();
        }
      },
      onClose: () => connections.delete(key.processId),
    });
    connections.set(key.processId, { key, connection });
  });
  const address = await listen(server, options);

  return {
    url: connectionUrl(credentials, address),
    port: address.port,
    async close() {
      server.close();
      await Promise.all([...connections.values()].map(({ connection }) => connection.close()));
    },
  };
}

const reported = [
  "server_version",
  "server_encoding",
  "client_encoding",
  "application_name",
  "is_superuser",
  "DateStyle",
  "IntervalStyle",
  "TimeZone",
  "integer_datetimes",
  "standard_conforming_strings",
];

async function sessionParameters(db: PGlite, { user }: Credentials): Promise<[string, string][]> {
  const { rows } = await db.query<{ name: string; value: string | null }>(
    "select name, current_setting(name, true) as value from unnest($1::text[]) as name",
    [reported],
  );
  const parameters = rows.map(({ name, value }): [string, string] => [name, value ?? ""]);
  return [...parameters, ["session_authorization", user]];
}
