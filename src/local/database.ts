import type { PGlite } from "@electric-sql/pglite";
import { startPgliteServer } from "./pglite-server.ts";

/** A database that can be reached over TCP. */
export interface Database {
  readonly url: URL;
  /** Closes what was opened for it here. */
  close(): Promise<void>;
}

/** A server by its URL, or an embedded one that gets a TCP port of its own. */
export async function openDatabase(database: string | PGlite): Promise<Database> {
  if (typeof database !== "string") {
    return await servePglite(database);
  }
  if (database.startsWith("pglite:")) {
    const { PGlite } = await import("@electric-sql/pglite");
    const folder = database.slice("pglite:".length);
    const db = await PGlite.create(folder === "" ? {} : { dataDir: folder });
    const served = await servePglite(db);
    return {
      url: served.url,
      async close() {
        await served.close();
        await db.close();
      },
    };
  }
  if (!/^postgres(ql)?:\/\/[^/]/.test(database) || !URL.canParse(database)) {
    throw new TypeError("startLocalNeon: database must be a postgresql:// URL with a host, pglite:, or a PGlite");
  }
  const url = new URL(database);
  url.username ||= "postgres";
  url.pathname = url.pathname.length > 1 ? url.pathname : `/${url.username}`;
  return { url, close: async () => undefined };
}

async function servePglite(db: PGlite): Promise<Database> {
  const { url, close } = await startPgliteServer(db);
  return { url: new URL(url), close };
}
