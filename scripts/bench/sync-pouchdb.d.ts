/** The little of PouchDB 9 that the benchmark uses. Its packages have no types of their own. */

declare module "pouchdb-core" {
  interface Replication extends Promise<unknown> {
    on(event: "change", listener: (info: { docs_written: number }) => void): Replication;
  }

  export default class PouchDB {
    constructor(name: string, options: { adapter: string });
    static plugin(plugin: unknown): typeof PouchDB;
    static replicate(source: PouchDB, target: PouchDB, options: { batch_size: number }): Replication;
    bulkDocs(documents: readonly object[]): Promise<unknown>;
    info(): Promise<{ doc_count: number }>;
    destroy(): Promise<unknown>;
  }
}

declare module "pouchdb-adapter-memory" {
  const plugin: unknown;
  export default plugin;
}

declare module "pouchdb-replication" {
  const plugin: unknown;
  export default plugin;
}
