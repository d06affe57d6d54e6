import { pglite } from "../../src/driver/pglite.ts";
import { postgres } from "../../src/driver/postgres.ts";
import { httpReplica } from "../../src/sync/http-replica.ts";
import { storeReplica } from "../../src/sync/store-replica.ts";
import { describeReplica } from "../contract/replica.ts";
import { createTestApp } from "../http/test-app.ts";
import { withNewDatabase } from "../stores/new-database.ts";

describeReplica("a store in PGlite", async () => {
  const driver = pglite();
  return {
    replica: (store, principal) => storeReplica({ driver, store, principal }),
    close: () => driver.close(),
  };
});

const database = withNewDatabase();

describeReplica("a store behind PgBouncer", async () => {
  const driver = postgres(database().pgbouncer, { pooler: "transaction" });
  return {
    replica: (store, principal) => storeReplica({ driver, store, principal }),
    close: () => driver.close(),
  };
});

describeReplica("the routes", async () => {
  const app = await createTestApp();
  return {
    replica: (store, principal) => {
      const authToken = () => app.token({ sub: principal });
      return httpReplica("https://sync.test/", { store, authToken, fetch: app.fetch });
    },
    close: () => app.close(),
  };
});
