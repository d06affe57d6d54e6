import { problemResponse } from "../web/problem.ts";
import { answerSync, type SyncRoute } from "./handler/answer-sync.ts";
import type { SyncHandlerOptions } from "./handler/handler-options.ts";

/**
 * The sync protocol as a function from request to response, for any runtime with web standards and no framework at all. The
 * Hono routes of `onetrip/hono` answer the same.
 *
 * | request | answer |
 * |---|---|
 * | `GET …/sync/v1/:store` | protocols, limits, where the feed stands |
 * | `GET …/sync/v1/:store/pull?cursor=&limit=&scope=&client=` | a page; line by line for `Accept: application/x-ndjson` |
 * | `POST …/sync/v1/:store/push?scope=` | the results of a batch |
 * | `GET …/sync/v1/:store/poke?head=&epoch=&cursor=&wait=` | where the feed is, once it has moved; events for `Accept: text/event-stream` |
 *
 * Whatever stands before `/sync/v1` is left alone. Never rejects: a failure is a problem (RFC 9457).
 *
 * @example
 * ```ts
 * const handler = syncHandler({
 *   authorize: async (request) => {
 *     const user = await userOf(request);
 *     return user === undefined ? new Response(null, { status: 401 }) : { principal: user.id, scope: `${user.id}/` };
 *   },
 *   replica: (_, { store, principal = "" }) => storeReplica({ driver: neonHttp(url), store, principal }),
 * });
 * export default { fetch: handler };
 * ```
 */
export function syncHandler(options: SyncHandlerOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const route = routeOf(request);
    if (route === undefined) {
      return problemResponse({
        status: 404,
        code: "not-found",
        detail: "There is /sync/v1/:store, and below it /pull, /push and /poke.",
      });
    }
    const method = route.operation === "push" ? "POST" : "GET";
    if (request.method === method) return answerSync(request, route, options);
    if (request.method === "HEAD" && method === "GET") {
      return new Response(null, await answerSync(request, route, options));
    }
    return problemResponse({
      status: 405,
      code: "method",
      detail: `Send ${method} there.`,
      headers: { allow: method },
    });
  };
}

function routeOf(request: Request): SyncRoute | undefined {
  const path = /\/sync\/v1\/([^/]+)(?:\/(pull|push|poke))?\/?$/.exec(new URL(request.url).pathname);
  const [, name = "", operation = "info"] = path ?? [];
  const store = decode(name);
  return store === undefined ? undefined : { store, operation: operation as SyncRoute["operation"] };
}

function decode(name: string): string | undefined {
  try {
    return name === "" ? undefined : decodeURIComponent(name);
  } catch {
    return undefined;
  }
}
