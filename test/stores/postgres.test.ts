import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import { describeStore } from "../contract/store.ts";
import { withNewDatabase, withSystemDatabase } from "./new-database.ts";

const database = withNewDatabase();
const system = withSystemDatabase();

describeStore("postgres", () => createStore("a", { driver: postgres(database().postgres) }));
describeStore("postgres through PgBouncer", () =>
  createStore("b", { driver: postgres(database().pgbouncer, { pooler: "transaction" }) }),
);
describeStore("pg", () => createStore("c", { driver: pg(database().postgres) }));
if (system) {
  describeStore("postgres, older server", () => createStore("d", { driver: postgres(system()) }));
}
