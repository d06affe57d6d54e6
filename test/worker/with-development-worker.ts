import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { audience, developmentToken, issuer } from "../../scripts/start/development-token.ts";
import { type DevelopmentWorker, startDevelopmentWorker } from "../../scripts/start/development-worker.ts";

export interface WorkerOfTests {
  readonly url: URL;
  /** Of a token that may do everything. */
  readonly bearer: string;
}

/**
 * The worker in workerd as `npm start` runs it, for the tests of a file.
 *
 * @param databaseUrl of a Neon endpoint; asked for when the tests begin
 */
export function withDevelopmentWorker(databaseUrl: () => string): () => WorkerOfTests {
  let worker: DevelopmentWorker | undefined;
  let running: WorkerOfTests | undefined;
  let folder: string | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "onetrip-worker-"));
    const token = await developmentToken(folder, new Date());
    worker = await startDevelopmentWorker({
      root: join(import.meta.dirname, "../.."),
      port: 0,
      logFolder: folder,
      variables: {
        DATABASE_URL: databaseUrl(),
        DATABASE_DRIVER: "neon-http",
        PUBLIC_JWK: token.publicJwk,
        TOKEN_ISSUER: issuer,
        TOKEN_AUDIENCE: audience,
      },
    });
    running = { url: worker.url, bearer: token.bearer };
  });
  afterAll(async () => {
    await worker?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    if (running === undefined) throw new Error("the worker was not started");
    return running;
  };
}
