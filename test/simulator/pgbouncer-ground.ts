import pgPackage from "pg";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { migrate } from "../../src/migrate/migrate.ts";
import { type PgBouncer, startPgBouncer } from "../servers/pgbouncer.ts";
import { createDatabase } from "../servers/provided.ts";
import type { Ground, OpenTransaction } from "./ground.ts";
import { sabotage } from "./sabotage.ts";
import { storeCopies } from "./store-copies.ts";

/** The role of the application: no superuser, so that a limit on connections holds for it. */
const PASSWORD = "only-here";

/** Waits for locks end after this: a transaction that stays open must not hold up a device for ever. */
const LOCK_TIMEOUT_MS = 150;

const POOLER_SETTINGS = { query_wait_timeout: 10, server_login_retry: 1 };

/**
 * A database of its own on a Postgres server, through a PgBouncer of its own in transaction mode, by several drivers.
 *
 * @param serverUrl of a superuser
 */
export async function pgbouncerGround(serverUrl: string): Promise<Ground> {
  const database = await createDatabase(serverUrl);
  const role = `role_${database.name}`;
  const apart = pg(database.url, { poolSize: 4 });
  await migrate(apart, storeMigrations, { schema: "persist" });
  for (const text of roleStatements(role)) await apart.query({ text, params: [] });

  const appUrl = new URL(database.url);
  appUrl.username = role;
  appUrl.password = PASSWORD;
  const startPooler = () => startPgBouncer({ upstream: { url: appUrl.href }, settings: POOLER_SETTINGS });
  let pooler = await startPooler();
  let drivers = open(pooler);
  const copies = await storeCopies(apart);
  const blows = { count: 0 };

  function openDriversAnew(): void {
    for (const driver of drivers) void driver.close();
    drivers = open(pooler);
  }

  async function restartPooler(): Promise<void> {
    await pooler.stop();
    pooler = await startPooler();
    openDriversAnew();
  }

  return {
    name: "pgbouncer",
    driver: (seed) => throughPooler(() => drivers[seed % drivers.length]),
    apart,
    copies,
    isOrdered: false,
    jobs: 6,
    reached: ["any", "server", "pooler"],
    hurting: (tally, work) =>
      sabotage(
        { blows, tally, database: database.url, role, poolerUrl: () => pooler.url, restartPooler, openDriversAnew },
        work,
      ),
    quiet: () => quiet(apart, role),
    openTransaction: () => openTransaction(database.url),
    async tidy() {
      await apart.query({ text: "select 1 as one", params: [] });
    },
    async close() {
      for (const driver of [...drivers, apart]) await driver.close();
      await pooler.stop();
      await database.drop();
    },
  };
}

function roleStatements(role: string): readonly string[] {
  return [
    `create role ${role} login password '${PASSWORD}'`,
    `alter role ${role} set lock_timeout = ${LOCK_TIMEOUT_MS}`,
    `grant usage on schema persist to ${role}`,
    `grant select, insert, update, delete on all tables in schema persist to ${role}`,
    `grant execute on all functions in schema persist to ${role}`,
  ];
}

function open({ url }: PgBouncer): readonly Driver[] {
  return [pg(url, { poolSize: 8 }), postgres(url, { pooler: "transaction" }), postgres(url, { pooler: "transaction" })];
}

/** The driver of the moment: after a restart it is another. */
function throughPooler(current: () => Driver | undefined): Driver {
  function driver(): Driver {
    const found = current();
    if (found === undefined) throw new Error("there is no driver");
    return found;
  }
  return {
    name: "pgbouncer",
    query: (statement, options) => driver().query(statement, options),
    batch: (statements, options) => driver().batch(statements, options),
    close: async () => undefined,
  };
}

/** A backend works on when its client is gone. */
async function quiet(apart: Driver, role: string): Promise<void> {
  const text = `select a.pid::text || ' ' || a.xact_start::text as work from pg_catalog.pg_stat_activity a
where a.usename = $1 and a.xact_start is not null`;
  const working = async () => new Set((await apart.query({ text, params: [role] })).map((row) => row["work"]));
  let left = await working();
  while (left.size > 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const still = await working();
    left = new Set([...left].filter((each) => still.has(each)));
  }
}

async function openTransaction(url: string): Promise<OpenTransaction> {
  const client = new pgPackage.Client(url);
  await client.connect();
  await client.query("begin");
  return {
    async run(text, params) {
      await client.query(text, [...params]);
    },
    async end(how) {
      await client.query(how);
      await client.end();
    },
  };
}
