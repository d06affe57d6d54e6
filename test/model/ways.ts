import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";

/** The URLs of one database. */
export interface DatabaseUrls {
  readonly postgres: string;
  readonly pgbouncer: string;
  readonly neon: string;
}

/** One way to a database. */
export interface Way {
  readonly name: string;
  /** Of a thousand schedules: more where they are quick. */
  readonly share: number;
  /** A driver with one connection. */
  open(urls: DatabaseUrls): Driver;
}

export const ways: readonly Way[] = [
  { name: "pglite", share: 200, open: () => pglite() },
  { name: "pg", share: 200, open: (urls) => pg(urls.postgres, { poolSize: 1 }) },
  { name: "pg through PgBouncer", share: 150, open: (urls) => pg(urls.pgbouncer, { poolSize: 1 }) },
  { name: "postgres", share: 150, open: (urls) => postgres(urls.postgres, { poolSize: 1 }) },
  {
    name: "postgres through PgBouncer",
    share: 150,
    open: (urls) => postgres(urls.pgbouncer, { pooler: "transaction" }),
  },
  { name: "neon-http", share: 75, open: (urls) => neonHttp(urls.neon) },
  { name: "neon-websocket", share: 75, open: (urls) => neonWebsocket(urls.neon) },
];
