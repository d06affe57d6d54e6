import type { AnswerFault, Fault } from "./faults.ts";
import { connectionClosed } from "./sql-refusal.ts";
import { errorBody, errorReply, jsonReply, type SqlReply } from "./sql-reply.ts";

/** Whether the statement runs although the request goes wrong. */
export function isApplied(fault: Fault): boolean {
  switch (fault.kind) {
    case "drop-reply":
    case "slow":
    case "truncated-body":
    case "response-too-large":
      return true;
    case "hang":
    case "connection-closed":
    case "cancelled":
    case "bad-gateway":
      return fault.applied ?? false;
    case "drop-request":
    case "too-many-requests":
    case "unavailable":
    case "waking-up":
      return false;
  }
}

export type WholeAnswerFault = Exclude<AnswerFault, { readonly kind: "truncated-body" }>;

/** The answer of the proxy, or of a machine in front of it, that takes the place of the statement's own. */
export function faultReply(fault: WholeAnswerFault): SqlReply {
  switch (fault.kind) {
    case "connection-closed":
      return errorReply(connectionClosed());
    case "cancelled":
      return jsonReply(400, { message: "Query cancelled, connection was terminated", code: "08P01" });
    case "bad-gateway":
      return { status: 502, headers: { "content-type": "text/html" }, body: badGatewayPage };
    case "too-many-requests":
      return jsonReply(429, errorBody({ message: "too many requests" }), retryAfter(fault.retryAfterSeconds));
    case "unavailable":
      return jsonReply(503, errorBody({ message: "service unavailable" }), retryAfter(fault.retryAfterSeconds));
    case "waking-up":
      return jsonReply(500, errorBody({ message: "Control plane request failed" }));
    case "response-too-large":
      return jsonReply(507, errorBody({ message: "response is too large (max is 10485760 bytes)" }));
  }
}

function retryAfter(seconds = 1): Record<string, string> {
  return { "retry-after": String(seconds) };
}

const badGatewayPage =
  "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n";
