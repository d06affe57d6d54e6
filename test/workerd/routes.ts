import { env } from "cloudflare:workers";
import { inject } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";

/** The ways from workerd to the main server. */
export const routes: Readonly<Record<string, () => Driver>> = {
  "neon-http": () => neonHttp(inject("servers").neon),
  "neon-websocket": () => neonWebsocket(inject("servers").neon),
  postgres: () => postgres(inject("servers").postgres),
  "postgres through PgBouncer": () => postgres(inject("servers").pgbouncer, { pooler: "transaction" }),
  "postgres through Hyperdrive": () => postgres(env.HYPERDRIVE.connectionString, { pooler: "transaction" }),
  pg: () => pg(inject("servers").postgres),
};
