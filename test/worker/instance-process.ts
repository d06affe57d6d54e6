import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { PlainRequest } from "./conversation.ts";
import { lambdaContext, plainAnswer } from "./lambda-events.ts";

/**
 * An instance of a platform as a process of its own, so that it can be frozen: the platform's entry, named by the first
 * argument, and requests that come as messages.
 */
export type InstanceRequest = { readonly id: number } & (
  | { readonly event: APIGatewayProxyEventV2; readonly timeoutMs: number }
  | { readonly request: PlainRequest }
);

const entry = await import(process.argv[2] ?? "");
const requestContext = { waitUntil: (promise: Promise<unknown>) => void promise };
Reflect.set(globalThis, Symbol.for("@vercel/request-context"), { get: () => requestContext });

process.on("message", async (message: InstanceRequest) => {
  process.send?.({ id: message.id, answer: await answer(message) });
});
process.send?.("ready");

async function answer(message: InstanceRequest) {
  if ("event" in message) {
    const { status, body } = plainAnswer(await entry.handler(message.event, lambdaContext(message.timeoutMs)));
    return { status, body };
  }
  const { method, path, headers, body } = message.request;
  const url = new URL(path, "https://onetrip-xmpl.vercel.app");
  const response: Response = await entry.default.fetch(new Request(url, { method, headers, body: body ?? null }));
  return { status: response.status, body: await response.text() };
}
