import { env } from "cloudflare:workers";
import { inject } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { describeStore } from "../contract/store.ts";

const routes: Readonly<Record<string, () => Driver>> = {
  "neon-http": () => neonHttp(inject("servers").neon),
  "neon-websocket": () => neonWebsocket(inject("servers").neon),
  "postgres through PgBouncer": () => postgres(inject("servers").pgbouncer, { pooler: "transaction" }),
  "postgres through Hyperdrive": () => postgres(env.HYPERDRIVE.connectionString, { pooler: "transaction" }),
  pg: () => pg(inject("servers").postgres),
};

for (const [index, [route, open]] of Object.entries(routes).entries()) {
  describeStore(`${route}, in workerd`, () => createStore("s", { driver: open(), schema: `workerd_${index}` }));
}
