import { bodyText } from "../../web/body-text.ts";
import { jsonAnswer } from "../../web/json-answer.ts";
import { type Problem, problemResponse } from "../../web/problem.ts";
import type { PushBatch, PushRefusal } from "../replica.ts";
import { resyncProblem } from "./resync-problem.ts";
import { forbidden, type SyncCall } from "./sync-call.ts";

/** What a batch may hold beside its mutations: a client id and a cursor. */
const ENVELOPE_BYTES = 32 * 1024;

/** Hands a batch to the replica. One statement. */
export async function answerPush(call: SyncCall): Promise<Response> {
  const opened = await call.open("write");
  if (opened instanceof Response) return opened;
  const body = await readBody(call.request, opened.limits.maxPushBytes + ENVELOPE_BYTES);
  if (body instanceof Response) return body;
  const { scope = opened.scope } = body;
  if (!isWithin(scope, opened.scope)) return forbidden("The token does not reach this scope.");

  // Not given up when the client goes away: it would have to send the same batch again.
  const result = await opened.replica.push({ ...body, scope });
  if ("resync" in result) return problemResponse(resyncProblem(result.resync));
  if ("refused" in result) return problemResponse(refusalProblem(result));
  return jsonAnswer(result, 200, { "cache-control": "private, no-store" });
}

async function readBody(request: Request, maxBytes: number): Promise<PushBatch | Response> {
  const type = request.headers.get("content-type") ?? "";
  // A page of another site can send any other type, or none, with a user's credentials and without being asked first.
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    return problemResponse({ status: 415, code: "not-json", detail: "Send Content-Type: application/json." });
  }
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) return tooLarge(maxBytes);
  try {
    const text = await bodyText(request.body, maxBytes);
    if (text === undefined) return tooLarge(maxBytes);
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as PushBatch;
  } catch {
    return problemResponse({ status: 400, code: "malformed", detail: "The body is not JSON." });
  }
  return problemResponse({ status: 422, code: "validation", detail: "push: a batch must be an object" });
}

function tooLarge(maxBytes: number): Response {
  return problemResponse({
    status: 413,
    code: "too-large",
    detail: `The body is larger than ${maxBytes} bytes; send fewer mutations at once.`,
  });
}

function isWithin(scope: unknown, granted: string | undefined): boolean {
  return granted === undefined || (typeof scope === "string" && scope.startsWith(granted));
}

function refusalProblem(refusal: Exclude<PushRefusal, { readonly resync: string }>): Problem {
  switch (refusal.refused) {
    case "gap":
      return {
        status: 409,
        code: "gap",
        detail: "Mutations before this batch never arrived; push again from the one after lastMutation.",
        members: { lastMutation: refusal.lastMutation },
      };
    case "unknown-client":
      return {
        status: 409,
        code: "unknown-client",
        detail:
          "The server does not know this client, or knows another copy of it; take a new client id and begin at 1.",
      };
    case "forbidden":
      return {
        status: 403,
        code: "client-forbidden",
        detail: "The client id belongs to another principal; take a new one and begin at 1.",
      };
  }
}
