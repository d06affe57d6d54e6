import { env } from "cloudflare:workers";
import { inject } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import { describeDriver } from "../contract/driver.ts";

const { HYPERDRIVE } = env;

describeDriver("neon-http · local endpoint · workerd", () => neonHttp(inject("servers").neon));
describeDriver("neon-websocket · local endpoint · workerd", () => neonWebsocket(inject("servers").neon));
describeDriver("postgres · direct · workerd", () => postgres(inject("servers").postgres));
describeDriver("postgres · pgbouncer · workerd", () =>
  postgres(inject("servers").pgbouncer, { pooler: "transaction" }),
);
describeDriver("postgres · hyperdrive · workerd", () =>
  postgres(HYPERDRIVE.connectionString, { pooler: "transaction" }),
);
describeDriver("pg · direct · workerd", () => pg(inject("servers").postgres));
describeDriver("pg · pgbouncer · workerd", () => pg(inject("servers").pgbouncer));
