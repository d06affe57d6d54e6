/** The rules of the source tree, as data. The checks of this folder read them; nothing else decides. */

/** A part of the source tree. A path that ends in `/` is a folder; the longest path that fits a file wins. */
export interface Layer {
  readonly name: string;
  readonly paths: readonly string[];
  /** The layers to the right of this one. Its own files may always import each other. */
  readonly mayImport: readonly string[];
}

/** The files of each driver: the only ones that import its package. What drivers share lies beside them. */
const driverFiles = {
  "neon-http": ["src/driver/neon-http.ts", "src/driver/neon-http-answer.ts"],
  "neon-websocket": ["src/driver/neon-websocket.ts"],
  postgres: ["src/driver/postgres.ts", "src/driver/postgres-connection.ts"],
  pg: ["src/driver/pg.ts"],
  pglite: ["src/driver/pglite.ts"],
} as const;

/** Each driver is a layer of its own, so that no driver imports another. */
const drivers = Object.entries(driverFiles).map(([name, paths]): Layer => {
  return { name: `driver ${name}`, paths, mayImport: ["driver", "errors"] };
});
const driverNames = drivers.map(({ name }) => name);

const core = ["stores", "profiles", "migrate", "sql", "driver", "listeners", "errors"];

export const layers: readonly Layer[] = [
  { name: "worker", paths: ["worker/"], mayImport: [] },
  {
    name: "cli",
    paths: ["src/cli/"],
    mayImport: ["local", "http", "sync", "web", "create-store", ...driverNames, ...core],
  },
  { name: "http", paths: ["src/http/"], mayImport: ["sync", "web", "create-store", ...core] },
  { name: "sync", paths: ["src/sync/"], mayImport: ["web", "create-store", ...core] },
  // Requests and responses of the web platform, without a framework.
  { name: "web", paths: ["src/web/"], mayImport: ["errors"] },
  // Adapters to interfaces of other packages, over a store.
  { name: "bridges", paths: ["src/bridges/"], mayImport: ["sync", "create-store", ...core] },
  { name: "entry", paths: ["src/index.ts"], mayImport: ["create-store", ...core] },
  { name: "create-store", paths: ["src/create-store.ts", "src/create-store/"], mayImport: core },
  { name: "stores", paths: ["src/stores/"], mayImport: ["migrate", "sql", "driver", "errors"] },
  { name: "profiles", paths: ["src/profiles/"], mayImport: ["migrate", "sql", "driver", "listeners", "errors"] },
  { name: "migrate", paths: ["src/migrate/"], mayImport: ["sql", "driver", "errors"] },
  { name: "sql", paths: ["src/sql/"], mayImport: ["driver", "errors"] },
  { name: "driver", paths: ["src/driver.ts", "src/driver/"], mayImport: ["errors"] },
  ...drivers,
  { name: "listeners", paths: ["src/listeners.ts"], mayImport: ["errors"] },
  { name: "errors", paths: ["src/errors.ts"], mayImport: [] },
  // A side room for Node alone: nobody in src but the command line goes there.
  { name: "local", paths: ["src/local/"], mayImport: [...driverNames, "driver", "errors"] },
];

export function isDriver(layer: Layer): boolean {
  return drivers.includes(layer);
}

/** Where a driver may be loaded by `import()`, and by a name that is computed: the one place that picks a driver. */
export const lazyDriverImports: readonly string[] = ["src/create-store.ts", "src/create-store/"];

/** Who may import an npm package, types included. A package that is not here may be imported by nobody. */
export const packageOwners: Readonly<Record<string, readonly string[]>> = {
  "@neondatabase/serverless": [...driverFiles["neon-http"], ...driverFiles["neon-websocket"]],
  postgres: driverFiles.postgres,
  // The local stack speaks Neon's protocol over pg and Postgres's over PGlite; the doctor asks what no driver of ours needs.
  pg: [...driverFiles.pg, "src/local/", "src/cli/doctor/", "worker/vercel-pool.ts"],
  "@electric-sql/pglite": [...driverFiles.pglite, "src/local/"],
  hono: ["src/http/", "worker/"],
  jose: ["src/http/", "worker/"],
  ws: ["src/local/"],
  rxdb: ["src/bridges/rxdb.ts"],
  rxjs: ["src/bridges/rxdb.ts", "src/bridges/rxdb-stream.ts"],
  "@vercel/functions": ["worker/vercel.ts", "worker/vercel-pool.ts"],
  commander: ["src/cli/"],
  "cli-progress": ["src/cli/"],
};

/** The parts of src that only ever run under Node. Everything else keeps to web standards. */
export const nodeOnly: readonly string[] = ["src/local/", "src/cli/", "src/driver/postgres-socket.ts"];

/** Globals of Node that the rest of src does not name, in types either. */
export const nodeGlobals: ReadonlySet<string> = new Set([
  "process",
  "Buffer",
  "NodeJS",
  "require",
  "__dirname",
  "__filename",
  "setImmediate",
]);

/** What may be constructed while a module loads: values that hold no state and open nothing. */
export const pureConstructors: ReadonlySet<string> = new Set(["TextEncoder", "TextDecoder", "RegExp"]);

/** Collections that may be constructed while a module loads, when the constant's type says that they never change. */
export const readonlyCollections: ReadonlyMap<string, string> = new Map([
  ["Set", "ReadonlySet"],
  ["Map", "ReadonlyMap"],
]);

/** Globals that are not called while a module loads: they start, wait, or differ from run to run. */
export const impureGlobals: ReadonlySet<string> = new Set([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "fetch",
  "performance",
  "crypto",
  "Date",
  "addEventListener",
]);

/** A name that says nothing of what is inside. */
export const emptyName = /^(utils?|helpers?|lib|common|managers?|services?|constants?)$/i;

/** Whether a file is one of the paths, or below one of the folders. */
export function isWithin(file: string, paths: readonly string[]): boolean {
  return paths.some((path) => (path.endsWith("/") ? file.startsWith(path) : file === path));
}
