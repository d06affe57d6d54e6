import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { postgres } from "../../src/driver/postgres.ts";
import { describeProfiles } from "../contract/profiles.ts";
import { withNewDatabase, withSystemDatabase } from "../stores/new-database.ts";

const database = withNewDatabase();
const system = withSystemDatabase();

describeProfiles("pg", () => pg(database().postgres, { poolSize: 16 }));
describeProfiles("pg through PgBouncer", () => pg(database().pgbouncer), { schema: "a" });
describeProfiles("postgres", () => postgres(database().postgres), { schema: "b" });
describeProfiles("postgres through PgBouncer", () => postgres(database().pgbouncer, { pooler: "transaction" }), {
  schema: "c",
});
describeProfiles("neon-http", () => neonHttp(database().neon), { schema: "d" });
describeProfiles("neon-websocket", () => neonWebsocket(database().neon), { schema: "e" });
describeProfiles("pglite", () => pglite());
if (system) describeProfiles("postgres, older server", () => postgres(system()));
