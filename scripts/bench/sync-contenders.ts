import memory from "pouchdb-adapter-memory";
import PouchDB from "pouchdb-core";
import replication from "pouchdb-replication";
import { createStore, type Store } from "../../src/create-store.ts";
import { type SyncOnceOptions, syncOnce } from "../../src/sync/sync-once.ts";
import type { SyncServer } from "./sync-server.ts";

export interface SyncDocument {
  readonly id: string;
}

export interface SyncTimes {
  /** From a device to an empty server, in milliseconds. */
  readonly uploadMs: number;
  /** From the server to an empty device. */
  readonly downloadMs: number;
}

export interface SyncContender {
  readonly name: string;
  /** One round. Making databases and filling the first one is not counted. */
  measure(documents: readonly SyncDocument[], progress: (what: string, done: number) => void): Promise<SyncTimes>;
}

/** Devices on PGlite, the worker, Postgres. */
export function onetripContender({ url, token }: SyncServer): SyncContender {
  return ours("onetrip: PGlite, HTTP, workerd, Postgres", async () => ({
    remote: `${url}/sync/v1/bench-${crypto.randomUUID()}`,
    options: { authToken: token },
    close: async () => undefined,
  }));
}

/** Devices and server on PGlite, in one process and without a wire. */
export function onetripAloneContender(): SyncContender {
  return ours("onetrip: PGlite to PGlite", async () => {
    const server = await newDevice();
    return { remote: server, options: {}, close: () => server.close() };
  });
}

interface OurServer {
  readonly remote: string | Store;
  readonly options: SyncOnceOptions;
  close(): Promise<void>;
}

function ours(name: string, open: () => Promise<OurServer>): SyncContender {
  return {
    name,
    async measure(documents, progress) {
      const { remote, options, close } = await open();
      const first = await newDevice();
      for (let at = 0; at < documents.length; at += 1000) {
        await first.records.putMany(documents.slice(at, at + 1000).map((value) => ({ key: value.id, value })));
      }
      const uploadMs = await timed(first, "up");
      await first.close();
      const second = await newDevice();
      const downloadMs = await timed(second, "down");
      await mustHold(documents.length, () => countRecords(second));
      await second.close();
      await close();
      return { uploadMs, downloadMs };

      async function timed(store: Store, what: string): Promise<number> {
        const off = store.on("sync:progress", ({ done }) => progress(what, done));
        const began = performance.now();
        const report = await syncOnce(store, remote, options);
        const ms = performance.now() - began;
        off();
        if (!report.done) throw new Error("the sync did not end");
        return ms;
      }
    },
  };
}

/** PouchDB's own replication from one database in memory to another, in one process and without a wire. */
export function pouchContenders(batchSizes: readonly number[]): readonly SyncContender[] {
  PouchDB.plugin(memory).plugin(replication);
  return batchSizes.map((batchSize) => ({
    name: `PouchDB: memory to memory, ${batchSize} a batch`,
    async measure(documents, progress) {
      const open = () => new PouchDB(crypto.randomUUID(), { adapter: "memory" });
      const [first, server, second] = [open(), open(), open()];
      await first.bulkDocs(documents.map(({ id, ...document }) => ({ _id: id, ...document })));
      const uploadMs = await timed(first, server, "up");
      const downloadMs = await timed(server, second, "down");
      await mustHold(documents.length, async () => (await second.info()).doc_count);
      for (const database of [first, server, second]) await database.destroy();
      return { uploadMs, downloadMs };

      async function timed(source: PouchDB, target: PouchDB, what: string): Promise<number> {
        const began = performance.now();
        const replicating = PouchDB.replicate(source, target, { batch_size: batchSize });
        await replicating.on("change", ({ docs_written }) => progress(what, docs_written));
        return performance.now() - began;
      }
    },
  }));
}

/** An empty store on a database of its own, with its tables made. */
async function newDevice(): Promise<Store> {
  const store = await createStore("bench", { connectionString: "pglite:" });
  await store.migrate();
  return store;
}

async function countRecords(store: Store): Promise<number> {
  const [row] = await store.sql`select count(*)::int as count from ${store.sql.records}`;
  return Number(row?.["count"]);
}

async function mustHold(expected: number, count: () => Promise<number>): Promise<void> {
  const found = await count();
  if (found !== expected) throw new Error(`${found} documents arrived, not ${expected}`);
}
