import { neon } from "@neondatabase/serverless";
import pgPackage from "pg";
import postgresPackage from "postgres";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { createStore } from "../../src/index.ts";

/** Something that writes one record. */
export interface Contender {
  readonly name: string;
  readonly server: "postgres" | "pgbouncer" | "neon";
  open(url: string): Writer;
}

interface Writer {
  write(key: string): Promise<unknown>;
  close(): Promise<unknown>;
}

const value = { mag: 2.1, place: "4km W of Castaic, CA", time: 1517966773840 };
const upsert = `insert into by_hand (key, value) values ($1, $2::text::jsonb)
  on conflict (key) do update set value = excluded.value, version = by_hand.version + 1 returning version`;

/** The table of those who write by hand, and the store's own tables. */
export async function prepareDatabase(url: string): Promise<void> {
  const driver = pg(url);
  await driver.query({
    text: "create table by_hand (key text primary key, value jsonb, version bigint default 1)",
    params: [],
  });
  const store = await createStore("bench", { driver });
  await store.migrate();
  await store.close();
}

export const contenders: readonly Contender[] = [
  ours("onetrip/neon-http", "neon", (url) => neonHttp(url)),
  { name: "neon() by hand", server: "neon", open: (url) => neonByHand(url) },
  ours("onetrip/neon-websocket", "neon", (url) => neonWebsocket(url)),
  ours("onetrip/pg, PgBouncer", "pgbouncer", (url) => pg(url)),
  { name: "pg by hand, PgBouncer", server: "pgbouncer", open: (url) => pgByHand(url, false) },
  { name: "pg by hand, BEGIN … COMMIT, PgBouncer", server: "pgbouncer", open: (url) => pgByHand(url, true) },
  ours("onetrip/postgres, PgBouncer", "pgbouncer", (url) => postgres(url, { pooler: "transaction" })),
  { name: "postgres.js by hand, prepare: false, PgBouncer", server: "pgbouncer", open: postgresByHand },
  { name: "postgres.js by hand, sql.begin, PgBouncer", server: "pgbouncer", open: postgresBegin },
];

function ours(name: string, server: Contender["server"], open: (url: string) => Driver): Contender {
  return {
    name,
    server,
    open(url) {
      const store = createStore("bench", { driver: open(url) });
      return {
        write: async (key) => (await store).records.put(key, value),
        close: async () => (await store).close(),
      };
    },
  };
}

function neonByHand(url: string): Writer {
  // The driver above has set the endpoint of local hosts already.
  const sql = neon(url);
  return { write: (key) => sql.query(upsert, [key, JSON.stringify(value)]), close: async () => undefined };
}

function pgByHand(url: string, isTransaction: boolean): Writer {
  const client = new pgPackage.Client(url);
  let connected: Promise<unknown> | undefined;
  return {
    async write(key) {
      connected ??= client.connect();
      await connected;
      if (isTransaction) await client.query("begin");
      await client.query(upsert, [key, JSON.stringify(value)]);
      if (isTransaction) await client.query("commit");
    },
    close: () => client.end(),
  };
}

function postgresByHand(url: string): Writer {
  const sql = postgresPackage(url, { max: 1, prepare: false, fetch_types: false });
  return { write: (key) => sql.unsafe(upsert, [key, JSON.stringify(value)]), close: () => sql.end() };
}

function postgresBegin(url: string): Writer {
  const sql = postgresPackage(url, { max: 1, prepare: false, fetch_types: false });
  return {
    write: (key) => sql.begin((transaction) => transaction.unsafe(upsert, [key, JSON.stringify(value)])),
    close: () => sql.end(),
  };
}
