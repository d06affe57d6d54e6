import { createStore } from "../../src/create-store.ts";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { describeStore } from "../contract/store.ts";
import { withNewDatabase } from "./new-database.ts";

const database = withNewDatabase();

describeStore("neon-http", () => createStore("a", { driver: neonHttp(database().neon) }));
describeStore("neon-websocket", () => createStore("b", { driver: neonWebsocket(database().neon) }));
