import { createStore, type Store } from "../../src/create-store.ts";
import type { Driver } from "../../src/driver.ts";

/** A store whose driver must not be called: for input that is to be refused before anything is sent. */
export function refusingStore(): Promise<Store> {
  const called = () => Promise.reject(new Error("the driver was called"));
  const driver: Driver = { name: "refusing", query: called, batch: called, close: () => Promise.resolve() };
  return createStore("s", { driver });
}
