import { randomBytes } from "node:crypto";
import { registerHooks } from "node:module";
import { addRxPlugin, type RxCollection } from "rxdb";
import { disableWarnings, RxDBDevModePlugin } from "rxdb/plugins/dev-mode";
import { replicateRxCollection } from "rxdb/plugins/replication";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { wrappedValidateAjvStorage } from "rxdb/plugins/validate-ajv";
import { describe, it } from "vitest";
import { type RxdbReplicationOptions, rxdbReplication } from "../../src/bridges/rxdb.ts";
import type { Store } from "../../src/create-store.ts";

/** A server for the suite. Each test has a store of its own there. */
export interface ServerUnderTest {
  remote(store: string): RxdbReplicationOptions<unknown>["remote"];
  readonly authToken?: () => string;
  /** The same store, past the replication. */
  open(store: string): Promise<Store>;
}

/** Runs what RxDB publishes for every replication, as it is. */
export async function describeRxdbSuite(server: () => ServerUnderTest): Promise<void> {
  const { getConfig, runReplicationBaseTestSuite, setConfig } = await publishedSuite();
  Object.assign(globalThis, { describe, it });
  // Its databases can be opened in development mode only, which asks for a storage that checks the schema.
  disableWarnings();
  addRxPlugin(RxDBDevModePlugin);
  const getStorage = () => wrappedValidateAjvStorage({ storage: getRxStorageMemory() });
  setConfig({
    storage: {
      name: "memory",
      getStorage,
      getPerformanceStorage: () => ({ storage: getStorage(), description: "memory" }),
      hasPersistence: true,
      hasMultiInstance: false,
      hasAttachments: true,
      hasReplication: true,
    },
  });
  withConsoleOfItsOwn(getConfig);

  let store = "";
  function replicate(collection: RxCollection, live: boolean) {
    const { remote, authToken } = server();
    return replicateRxCollection({
      collection,
      replicationIdentifier: store,
      live,
      waitForLeadership: false,
      ...rxdbReplication({ collection, remote: remote(store), authToken, prefix: "humans:" }),
    });
  }

  runReplicationBaseTestSuite({
    startReplication: (collection) => replicate(collection, true),
    async syncOnce(collection) {
      const replication = replicate(collection, false);
      replication.error$.subscribe((error) => {
        throw error;
      });
      await replication.awaitInitialReplication();
    },
    async getAllServerDocs() {
      const records = await (await server().open(store)).records.list({ limit: 1000 });
      return records.map(({ value }) => value);
    },
    async cleanUpServer() {
      store = `suite-${randomBytes(8).toString("hex")}`;
    },
    getPrimaryOfServerDoc: (document: { passportId: string }) => document.passportId,
  });
}

/** The first look at its configuration replaces what the console does, and prints. */
function withConsoleOfItsOwn(work: () => unknown): void {
  const { log, dir } = console;
  console.log = () => undefined;
  try {
    work();
  } finally {
    Object.assign(console, { log, dir });
  }
}

/**
 * Two packages that the suite imports are not among those that RxDB installs. It uses three functions of them, none of which
 * has to do with what it tests.
 */
async function publishedSuite(): Promise<typeof import("rxdb/plugins/test-utils")> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const source = standIns.get(specifier);
      if (source === undefined) return next(specifier, context);
      return { url: `data:text/javascript,${encodeURIComponent(source)}`, format: "module", shortCircuit: true };
    },
  });
  try {
    return await import("rxdb/plugins/test-utils");
  } finally {
    hooks.deregister();
  }
}

const standIns: ReadonlyMap<string, string> = new Map([
  ["clone", "export default structuredClone;"],
  [
    "async-test-util",
    `export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const randomString = (length = 5) =>
  Array.from({ length }, () => "abcdefghijklmnopqrstuvwxyz"[Math.floor(Math.random() * 26)]).join("");`,
  ],
]);
