import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";

/** What a driver connects to. */
export type Server = "direct" | "pgbouncer" | "endpoint";

/** One column of the matrix: a driver and what it connects to. */
export interface Way {
  /** As in the matrix of the driver contract. */
  readonly label: string;
  readonly driver: string;
  readonly server: Server;
  open(url: string, idleTimeoutMs?: number): Driver;
  /** The deadline of the call that is hit. Longer where a login is slow: this client computes SCRAM in JavaScript. */
  readonly timeoutMs?: number;
  /** Its sockets belong to the runtime, which keeps them after `close()`. */
  readonly keepsAlive?: boolean;
}

export const ways: readonly Way[] = [
  {
    label: "pg · direct",
    driver: "pg",
    server: "direct",
    open: (url, idleTimeoutMs) => pg(url, { idleTimeoutMs }),
  },
  {
    label: "pg · pgbouncer",
    driver: "pg",
    server: "pgbouncer",
    open: (url, idleTimeoutMs) => pg(url, { idleTimeoutMs }),
  },
  {
    label: "postgres · direct",
    driver: "postgres",
    server: "direct",
    open: (url, idleTimeoutMs) => postgres(url, { idleTimeoutMs }),
  },
  {
    label: "postgres · pgbouncer",
    driver: "postgres",
    server: "pgbouncer",
    open: (url, idleTimeoutMs) => postgres(url, { pooler: "transaction", idleTimeoutMs }),
  },
  {
    label: "neon-http · local endpoint",
    driver: "neon-http",
    server: "endpoint",
    open: (url) => neonHttp(url),
    keepsAlive: true,
  },
  {
    label: "neon-websocket · local endpoint",
    driver: "neon-websocket",
    server: "endpoint",
    open: (url) => neonWebsocket(url),
    timeoutMs: 1_200,
  },
];

export function wayOf(label: string): Way {
  const way = ways.find((one) => one.label === label);
  if (way === undefined) throw new Error(`there is no way "${label}"`);
  return way;
}
