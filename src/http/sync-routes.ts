import { type Context, Hono } from "hono";
import { CapabilityError, ValidationError } from "../errors.ts";
import { DEFAULT_SYNC_LIMITS, type PushBatch, type PushRefusal, type Replica } from "../sync/index.ts";
import { jsonAnswer, jsonBody, limitBody } from "./json.ts";
import { maySync, type OnetripEnv, principalOf, requireScope } from "./principal.ts";
import { type Problem, problemException, problemHandler, type Report } from "./problem.ts";

export interface SyncRoutesOptions {
  /** The replica of one request, over its driver and for its principal. */
  readonly replica: (c: Context<OnetripEnv>, store: string) => Replica;
  /** Decides on a store, after scope. Default {@link maySync}: the `stores` of the principal. */
  readonly authorize?: ((c: Context<OnetripEnv>, store: string) => boolean | Promise<boolean>) | undefined;
  /** Larger pushes are refused with 413. Default 1 MiB. */
  readonly maxPushBytes?: number | undefined;
  readonly report?: Report | undefined;
}

/**
 * `GET /sync/v1/:store/pull` and `POST /sync/v1/:store/push`, each exactly one statement. The wire is that of
 * {@link Replica}: a page, or a push result, as JSON.
 *
 * | status | code | |
 * |---|---|---|
 * | 400 | `malformed` | not JSON; a damaged or foreign cursor; a limit that is no number from 1 to 1,000 |
 * | 403 | `forbidden` | the store is not the caller's; the client id is another principal's |
 * | 409 | `gap`, `unknown-client` | mutations are missing, with `lastMutation`; begin again at 1 |
 * | 410 | `resync` | with `why`; pull from the start |
 * | 413 | `too-large` | send fewer mutations |
 * | 422 | `validation`, `unsupported-op` | nothing of the batch was applied |
 */
export function syncRoutes(options: SyncRoutesOptions): Hono<OnetripEnv> {
  const { replica, authorize = (c, store) => maySync(principalOf(c), store) } = options;
  const headers = { "cache-control": "private, no-store" };

  async function open(c: Context<OnetripEnv>, store: string): Promise<Replica> {
    if (await authorize(c, store)) return replica(c, store);
    throw problemException({ status: 403, code: "forbidden", detail: "The token does not reach this store." });
  }

  return new Hono<OnetripEnv>()
    .get("/sync/v1/:store/pull", requireScope("sync:read"), async (c) => {
      const { cursor = "", limit = String(DEFAULT_SYNC_LIMITS.maxChanges), scope } = c.req.query();
      if (scope !== undefined) throw problemException(unsupported("This version has no scopes; leave scope out."));
      const source = await open(c, c.req.param("store"));
      const page = await source.pull(cursor === "" ? null : cursor, toLimit(limit)).catch(asMalformed);
      if ("resync" in page) throw problemException(resyncProblem(page.resync));
      return jsonAnswer(page, 200, headers);
    })
    .post(
      "/sync/v1/:store/push",
      requireScope("sync:write"),
      limitBody(options.maxPushBytes ?? DEFAULT_SYNC_LIMITS.maxPushBytes),
      async (c) => {
        const target = await open(c, c.req.param("store"));
        const result = await target.push((await jsonBody(c)) as PushBatch).catch(asUnsupported);
        if ("refused" in result) throw problemException(refusals[result.refused](result));
        return jsonAnswer(result, 200, headers);
      },
    )
    .onError(problemHandler(options.report));
}

/** NaN for anything but digits: the replica knows the bounds. */
function toLimit(text: string): number {
  return /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
}

/** On a pull everything that is validated comes from the query string. */
function asMalformed(error: unknown): never {
  if (!(error instanceof ValidationError)) throw error;
  throw problemException({ status: 400, code: "malformed", detail: error.message });
}

function asUnsupported(error: unknown): never {
  throw error instanceof CapabilityError ? problemException(unsupported(error.message)) : error;
}

function unsupported(detail: string): Problem {
  return { status: 422, code: "unsupported-op", detail };
}

function resyncProblem(why: string): Problem {
  return {
    status: 410,
    code: "resync",
    detail: "The cursor cannot be continued; keep pending edits and pull from the start.",
    members: { why },
  };
}

const refusals: Readonly<Record<PushRefusal["refused"], (refusal: PushRefusal) => Problem>> = {
  gap: (refusal) => ({
    status: 409,
    code: "gap",
    detail: "Mutations before this batch never arrived; push again from the one after lastMutation.",
    members: { lastMutation: "lastMutation" in refusal ? refusal.lastMutation : undefined },
  }),
  "unknown-client": () => ({
    status: 409,
    code: "unknown-client",
    detail: "This client has not pushed here before; take a new client id and begin at 1.",
  }),
  forbidden: () => ({
    status: 403,
    code: "forbidden",
    detail: "The client id belongs to another principal; take a new one.",
  }),
};
