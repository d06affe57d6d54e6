import { inject } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { describeDriver } from "../contract/driver.ts";

describeDriver("neon-http · local endpoint", () => neonHttp(inject("servers").neon));
