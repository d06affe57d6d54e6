import { driverForUrl } from "../create-store/driver-for-url.ts";
import { isLocalHost, resolveParameters } from "../driver/connection-parameters.ts";
import type { Driver } from "../driver.ts";
import { CapabilityError } from "../errors.ts";
import { pgliteFolder } from "./database-url.ts";
import { greetPort } from "./port-greeting.ts";

export interface OpenOptions {
  /** Deadline of each call, in milliseconds. */
  readonly timeoutMs: number;
  /** Over HTTP, whatever the host is called. */
  readonly neonEndpoint?: boolean | undefined;
}

/** How the command line reaches a database. */
export type Transport = "tcp" | "http" | "embedded";

/**
 * Neon's hosts over HTTP, everything else over TCP. A local port that speaks HTTP is the endpoint of `onetrip dev`.
 *
 * @throws ValidationError when the URL is of no known kind
 */
export async function transportFor(url: string, { timeoutMs, neonEndpoint }: OpenOptions): Promise<Transport> {
  const name = driverForUrl(url);
  if (name === "pglite") return "embedded";
  if (name === "neon-http" || neonEndpoint) return "http";
  const at = resolveParameters(url);
  const isHttp = isLocalHost(at.host) && (await greetPort(at, Math.min(timeoutMs, 2_000))) === "http";
  return isHttp ? "http" : "tcp";
}

/**
 * Opens nothing yet: the first call does. Packages are loaded as they are needed.
 *
 * @throws CapabilityError when the package is not installed
 */
export async function openDriver(url: string, options: OpenOptions): Promise<Driver> {
  const transport = await transportFor(url, options);
  return openTransport(url, transport, options);
}

/** The same, over a transport that was chosen already. */
export async function openTransport(url: string, transport: Transport, { timeoutMs }: OpenOptions): Promise<Driver> {
  if (transport === "embedded") {
    const { pglite } = await installed(() => import("../driver/pglite.ts"));
    return pglite(pgliteFolder(url) || undefined, { timeoutMs });
  }
  if (transport === "http") {
    const { neonHttp } = await installed(() => import("../driver/neon-http.ts"));
    return neonHttp(url, { timeoutMs });
  }
  const { pg } = await installed(() => import("../driver/pg.ts"));
  return pg(url, { timeoutMs, connectTimeoutMs: timeoutMs });
}

/**
 * Loads what needs npm packages.
 *
 * @throws CapabilityError that says which one to install
 */
export async function installed<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    const name = /package '([^']+)'/.exec((cause as Error).message)?.[1] ?? "it needs";
    throw new CapabilityError(`the package ${name} is not installed here; run: npm install ${name}`, { cause });
  }
}
