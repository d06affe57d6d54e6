import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { problemException } from "./problem.ts";

/** Refuses larger bodies with 413, before or while they are read. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw problemException({ status: 413, code: "too-large", detail: `The body is larger than ${maxBytes} bytes.` });
    },
  });
}

/** The body as JSON. Throws a problem: 415 for another content type, 400 for text that is not JSON. */
export async function jsonBody(c: Context): Promise<unknown> {
  const type = c.req.header("content-type") ?? "application/json";
  // A page of another site can send any other type with a user's credentials and without being asked first.
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    throw problemException({ status: 415, code: "not-json", detail: "Send Content-Type: application/json." });
  }
  try {
    return JSON.parse(await c.req.text());
  } catch {
    throw problemException({ status: 400, code: "malformed", detail: "The body is not JSON." });
  }
}
