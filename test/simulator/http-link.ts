import { Hono } from "hono";
import type { OnetripEnv } from "../../src/http/index.ts";
import { syncRoutes } from "../../src/http/index.ts";
import { httpReplica } from "../../src/sync/http-replica.ts";
import type { SyncLimits } from "../../src/sync/limits.ts";
import type { Replica } from "../../src/sync/replica.ts";
import type { Dice } from "./dice.ts";

export interface HttpLinkOptions {
  readonly store: string;
  readonly principal: string;
  readonly limits: Partial<SyncLimits>;
  readonly dice: Dice;
  /** The server's side, for each request anew. */
  replica(): Replica;
}

/** The sync protocol over HTTP, with the worker in this process and a network that cuts answers short. */
export function httpLink(options: HttpLinkOptions): Replica {
  const { store, principal, limits, dice } = options;
  const app = new Hono<OnetripEnv>()
    .use(async (c, next) => {
      c.set("principal", { subject: principal, scopes: ["sync:read", "sync:write"], stores: ["*"] });
      await next();
    })
    .route("/", syncRoutes({ replica: () => options.replica(), limits }));
  return httpReplica("http://worker.test", {
    store,
    fetch: async (url, init) => cut(await app.fetch(new Request(url, init)), dice),
  });
}

/** Now and then an answer without its end. */
async function cut(response: Response, dice: Dice): Promise<Response> {
  const isPage = response.headers.get("content-type") === "application/x-ndjson";
  const fault = isPage ? dice.roll(0.15, ["truncated page"]) : undefined;
  if (fault === undefined) return response;
  const text = await response.text();
  dice.happened(fault);
  const { status, headers } = response;
  return new Response(text.slice(0, dice.random.int(text.length - 1)), { status, headers });
}
