import { inject } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { describeDriver } from "../contract/driver.ts";

describeDriver("pg · direct", () => pg(inject("servers").postgres));
describeDriver("pg · pgbouncer", () => pg(inject("servers").pgbouncer));
