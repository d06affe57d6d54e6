import { createStore } from "../../src/create-store.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { describeStore } from "../contract/store.ts";

describeStore("pglite", () => createStore("contract", { driver: pglite() }));
