import { type Context, Hono } from "hono";
import { answerSync, type SyncOperation } from "../sync/handler/answer-sync.ts";
import type { Replica, SyncAccess, SyncAsk, SyncLimits } from "../sync/index.ts";
import { maySync, type OnetripEnv, principalOf, requireScope } from "./principal.ts";
import { problemHandler, type Report } from "./problem.ts";

export interface SyncRoutesOptions {
  /** The replica of one request, over its driver and for its principal. `access` is what was granted. */
  readonly replica: (c: Context<OnetripEnv>, store: string, access: SyncAccess) => Replica | Promise<Replica>;
  /**
   * Decides, after the token's scopes: `{ scope }` confines the caller to keys and streams that begin so, whatever it asks for.
   * Default {@link maySync}: the `stores` of the principal.
   */
  readonly authorize?: ((c: Context<OnetripEnv>, ask: SyncAsk) => SyncVerdict | Promise<SyncVerdict>) | undefined;
  /** Told to clients, and kept for bodies: larger pushes are refused with 413. Default: those of the replica, where it has some. */
  readonly limits?: Partial<SyncLimits> | undefined;
  /**
   * Declares a store public: its pages may be kept by caches that callers share, such as a CDN, for so many seconds without asking
   * again; 0 for asking each time. Undefined for a store that is not, the default: every answer is `private`. So is one that was made
   * for one caller: within a scope that `authorize` set, or about a client.
   */
  readonly publicMaxAgeSeconds?: ((store: string) => number | undefined) | undefined;
  /** How often a waiting poke asks the database where the feed stands, in milliseconds. Default 1,000. */
  readonly pokeIntervalMs?: number | undefined;
  /**
   * How long a poke of this request may wait at most, in milliseconds: less where the platform ends a request sooner. Default, and at
   * most, 25 s.
   */
  readonly pokeWaitMs?: ((c: Context<OnetripEnv>) => number) | undefined;
  /** After how long a stream of pokes ends, so that the client opens the next one, in milliseconds. Default 5 minutes. */
  readonly pokeStreamMs?: number | undefined;
  readonly report?: Report | undefined;
}

export type SyncVerdict = boolean | { readonly scope: string };

/**
 * Sync under `/sync/v1/:store`. Each request is exactly one statement; a poke is one for each look.
 *
 * | request | scope | answer |
 * |---|---|---|
 * | `GET /sync/v1/:store` | `sync:read` | protocols, limits, the server's time, where the feed stands |
 * | `GET …/pull?cursor=&limit=&scope=&client=` | `sync:read` | a page; line by line for `Accept: application/x-ndjson`; 304 to `If-None-Match` when nothing was written since |
 * | `POST …/push?scope=` | `sync:write` | the result of each mutation |
 * | `GET …/poke?head=&epoch=&cursor=&wait=` | `sync:read` | `{head, epoch}` once the feed is elsewhere, or 204 after `wait` seconds (0 to 25); events for `Accept: text/event-stream` |
 *
 * | status | code | |
 * |---|---|---|
 * | 400 | `malformed` | not JSON; a damaged or foreign cursor; a limit that is no number from 1 to 1,000 |
 * | 403 | `forbidden` | the store, or the scope, is not the caller's |
 * | 403 | `client-forbidden` | the client id is another principal's |
 * | 409 | `gap`, `unknown-client` | mutations are missing, with `lastMutation`; begin again at 1 |
 * | 410 | `resync` | with `why`; pull from the start |
 * | 413 | `too-large` | the body is larger than a push may be; send fewer mutations |
 * | 422 | `validation`, `unsupported-op` | no batch, or more mutations or bytes than the limits allow; nothing of it was applied |
 *
 * A stream of pokes goes on using the request's driver after its answer has begun: `database()` waits for that.
 */
export function syncRoutes(options: SyncRoutesOptions): Hono<OnetripEnv> {
  const answer = (operation: SyncOperation) => (c: Context<OnetripEnv, "/sync/v1/:store">) =>
    answerThrough(options, c, operation);

  return new Hono<OnetripEnv>()
    .get("/sync/v1/:store", requireScope("sync:read"), answer("info"))
    .get("/sync/v1/:store/pull", requireScope("sync:read"), answer("pull"))
    .get("/sync/v1/:store/poke", requireScope("sync:read"), answer("poke"))
    .post("/sync/v1/:store/push", requireScope("sync:write"), answer("push"))
    .onError(problemHandler(options.report));
}

async function answerThrough(
  options: SyncRoutesOptions,
  c: Context<OnetripEnv, "/sync/v1/:store">,
  operation: SyncOperation,
): Promise<Response> {
  const {
    replica,
    authorize = (_, { store }) => maySync(principalOf(c), store),
    pokeWaitMs,
    report,
    ...rest
  } = options;
  const released = Promise.withResolvers<void>();
  let isHeld = false;
  const response = await answerSync(
    c.req.raw,
    { store: c.req.param("store"), operation },
    {
      ...rest,
      authorize: (_, ask) => authorize(c, ask),
      ...(pokeWaitMs && { pokeWaitMs: () => pokeWaitMs(c) }),
      async replica(_, access) {
        const opened = await replica(c, access.store, access);
        isHeld = true;
        return opened;
      },
      release() {
        isHeld = false;
        released.resolve();
      },
      report: (error) => report?.(error, c),
    },
  );
  if (isHeld) c.set("inUse", released.promise);
  return response;
}
