import { createStore } from "../../src/create-store.ts";
import { describeStore } from "../contract/store.ts";
import { routes } from "./routes.ts";

for (const [index, [route, open]] of Object.entries(routes).entries()) {
  describeStore(`${route}, in workerd`, () => createStore("s", { driver: open(), schema: `workerd_${index}` }));
}
