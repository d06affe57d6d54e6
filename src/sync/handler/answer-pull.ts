import { checkKey } from "../../sql/key.ts";
import { jsonAnswer } from "../../web/json-answer.ts";
import { problemResponse } from "../../web/problem.ts";
import type { SyncLimits } from "../limits.ts";
import { ndjsonStream } from "../ndjson.ts";
import type { Cursor } from "../replica.ts";
import { feedTag, knownFeed } from "./feed-tag.ts";
import { pullUnlessKnown } from "./pull-unless-known.ts";
import { resyncProblem } from "./resync-problem.ts";
import type { SyncCall } from "./sync-call.ts";

/**
 * A page of changes, as JSON or line by line. One statement; one that reads no change when the client names the page that it
 * has and nothing was written since.
 */
export async function answerPull(call: SyncCall): Promise<Response> {
  const { request } = call;
  const opened = await call.open("read");
  if (opened instanceof Response) return opened;
  const { replica, scope = "" } = opened;
  const { cursor, limit, client } = pullAsk(call.params, opened.limits);

  // What was taken of a client is no part of the tag: such a page is always made.
  const known = client === undefined ? knownFeed(request.headers.get("if-none-match") ?? "", scope) : undefined;
  const options = { scope: opened.scope, client, signal: request.signal };
  const page = await pullUnlessKnown({ replica, cursor, limit, known, options });
  if ("resync" in page) return problemResponse(resyncProblem(page.resync));

  const caching = cachingOf(call, client === undefined && !opened.isConfined);
  if ("unchanged" in page)
    return new Response(null, { status: 304, headers: { ...caching, etag: feedTag(page.unchanged) } });
  const { epoch, head } = page;
  const isTagged = client === undefined && epoch !== undefined;
  const headers = isTagged ? { ...caching, etag: feedTag({ epoch, head, scope }) } : caching;
  if (!request.headers.get("accept")?.includes(NDJSON)) return jsonAnswer(page, 200, headers);
  return new Response(ndjsonStream(page), { headers: { ...headers, "content-type": NDJSON } });
}

const NDJSON = "application/x-ndjson";

/** @param isShared whether everybody who asks with this URL gets the same */
function cachingOf({ store, options }: SyncCall, isShared: boolean) {
  const maxAge = isShared ? options.publicMaxAgeSeconds?.(store) : undefined;
  if (maxAge === undefined) return { "cache-control": "private, no-cache", vary: "Accept, Authorization" };
  const age = Math.floor(maxAge);
  return { "cache-control": age > 0 ? `public, max-age=${age}` : "public, no-cache", vary: "Accept" };
}

interface PullAsk {
  readonly cursor: Cursor | null;
  readonly limit: number;
  readonly client: string | undefined;
}

function pullAsk(params: URLSearchParams, limits: SyncLimits): PullAsk {
  const cursor = params.get("cursor") ?? "";
  const limit = params.get("limit") ?? String(limits.maxChanges);
  const client = params.get("client");
  return {
    cursor: cursor === "" ? null : cursor,
    // NaN for anything but digits: the replica knows the bounds.
    limit: /^\d{1,6}$/.test(limit) ? Number(limit) : Number.NaN,
    client: client === null ? undefined : checkKey(client, "pull: client"),
  };
}
