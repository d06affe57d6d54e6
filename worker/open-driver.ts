import type { Driver } from "onetrip";
import type { Settings } from "./settings.ts";

/**
 * A new driver. Each is loaded when it is first needed, so that a cold start pays for one of them.
 *
 * | name | how it reaches Postgres |
 * |---|---|
 * | `neon-http` | one HTTPS request per statement |
 * | `neon-websocket` | one WebSocket |
 * | `postgres` | one connection by TCP or Hyperdrive, with postgres.js; behind a transaction pooler too |
 * | `pg` | the same with pg |
 */
export function openDriver({ driver, databaseUrl }: Settings): Promise<Driver> {
  return drivers[driver](databaseUrl);
}

export type DriverName = keyof typeof drivers;

const drivers = {
  "neon-http": async (url: string): Promise<Driver> => (await import("onetrip/neon-http")).neonHttp(url),
  "neon-websocket": async (url: string): Promise<Driver> => (await import("onetrip/neon-websocket")).neonWebsocket(url),
  postgres: async (url: string): Promise<Driver> =>
    (await import("onetrip/postgres")).postgres(url, { pooler: "transaction" }),
  pg: async (url: string): Promise<Driver> => (await import("onetrip/pg")).pg(url),
};
