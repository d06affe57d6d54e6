import { join } from "node:path";
import { workerdEnvironment } from "../workerd-environment.ts";

export interface DevelopmentWorkerOptions {
  /** Where `wrangler.toml` is. */
  readonly root: string;
  readonly port: number;
  readonly variables: Readonly<Record<string, string>>;
  /** Where wrangler may write its own log. */
  readonly logFolder: string;
}

export interface DevelopmentWorker {
  readonly url: URL;
  close(): Promise<void>;
}

/** The worker in workerd, with nothing sent to or fetched from anywhere but this machine. */
export async function startDevelopmentWorker(options: DevelopmentWorkerOptions): Promise<DevelopmentWorker> {
  // Read when the package is loaded: set before it is.
  Object.assign(process.env, workerdEnvironment, { WRANGLER_LOG_PATH: join(options.logFolder, "wrangler.log") });
  const { unstable_startWorker } = await import("wrangler");
  const worker = await unstable_startWorker({
    config: join(options.root, "wrangler.toml"),
    bindings: Object.fromEntries(
      Object.entries(options.variables).map(([name, value]) => [name, { type: "plain_text", value }]),
    ),
    dev: {
      server: { hostname: "127.0.0.1", port: options.port },
      inspector: false,
      watch: false,
      liveReload: false,
      persist: false,
      // The worker's own lines go to the terminal as they are; wrangler's about it go to its log.
      logLevel: "none",
      structuredLogsHandler: ({ message }: { message: string }) => process.stderr.write(`${message.trimEnd()}\n`),
    },
  });
  await worker.ready;
  return { url: await worker.url, close: () => worker.dispose() };
}
