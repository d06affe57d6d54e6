import { inject } from "vitest";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { describeDriver } from "../contract/driver.ts";

describeDriver("neon-websocket · local endpoint", () => neonWebsocket(inject("servers").neon));
