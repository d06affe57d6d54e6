import type { Driver } from "onetrip";
import type { Settings } from "./settings.ts";

/**
 * The driver of one request. Each is loaded when it is first needed, so that a cold start pays for one of them.
 *
 * | name | how it reaches Postgres |
 * |---|---|
 * | `neon-http` | one HTTPS request per statement |
 * | `neon-websocket` | a WebSocket per request |
 * | `postgres` | TCP or Hyperdrive, with postgres.js; behind a transaction pooler too |
 * | `pg` | TCP or Hyperdrive, with pg |
 */
export function openDriver({ driver, databaseUrl }: Settings): Promise<Driver> {
  return drivers[driver](databaseUrl);
}

export type DriverName = keyof typeof drivers;

export function isDriverName(name: string): name is DriverName {
  return Object.hasOwn(drivers, name);
}

export const driverNames = (): readonly string[] => Object.keys(drivers);

const drivers = {
  "neon-http": async (url: string): Promise<Driver> => (await import("onetrip/neon-http")).neonHttp(url),
  "neon-websocket": async (url: string): Promise<Driver> => (await import("onetrip/neon-websocket")).neonWebsocket(url),
  postgres: async (url: string): Promise<Driver> =>
    (await import("onetrip/postgres")).postgres(url, { pooler: "transaction" }),
  pg: async (url: string): Promise<Driver> => (await import("onetrip/pg")).pg(url),
};
