import { inject } from "vitest";
import { postgres } from "../../src/driver/postgres.ts";
import { describeDriver } from "../contract/driver.ts";

describeDriver("postgres · direct", () => postgres(inject("servers").postgres));
describeDriver("postgres · pgbouncer", () => postgres(inject("servers").pgbouncer, { pooler: "transaction" }));
