import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startLocalNeon } from "../../src/local/index.ts";
import { audience, developmentToken, issuer } from "../start/development-token.ts";
import { startDevelopmentWorker } from "../start/development-worker.ts";

export interface SyncServer {
  /** Where the worker listens, without a slash at the end. */
  readonly url: string;
  readonly token: string;
  stop(): Promise<void>;
}

/** The worker in workerd and the local Neon endpoint, in a process of their own: a device does not share its thread with them. */
export async function startSyncServer(databaseUrl: string): Promise<SyncServer> {
  const child = fork(fileURLToPath(import.meta.url), [databaseUrl], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const failed = exited.then(() => Promise.reject(new Error("the server of the benchmark did not start")));
  const ready = new Promise<Omit<SyncServer, "stop">>((resolve) => {
    child.once("message", (message) => resolve(message as Omit<SyncServer, "stop">));
  });
  const started = await Promise.race([ready, failed]);
  failed.catch(() => undefined);
  return {
    ...started,
    async stop() {
      child.disconnect();
      await exited;
    },
  };
}

/** In the process of its own. */
async function serve(databaseUrl: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "onetrip-bench-"));
  const neon = await startLocalNeon({ database: databaseUrl });
  const token = await developmentToken(folder, new Date());
  const worker = await startDevelopmentWorker({
    root: join(import.meta.dirname, "../.."),
    port: 0,
    logFolder: folder,
    variables: {
      DATABASE_URL: neon.url,
      DATABASE_DRIVER: "neon-http",
      PUBLIC_JWK: token.publicJwk,
      TOKEN_ISSUER: issuer,
      TOKEN_AUDIENCE: audience,
    },
  });
  process.send?.({ url: worker.url.origin, token: token.bearer });
  process.once("disconnect", async () => {
    await worker.close();
    await neon.close();
    rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  });
}

const [, entry, databaseUrl] = process.argv;
if (entry === fileURLToPath(import.meta.url) && databaseUrl !== undefined) await serve(databaseUrl);
