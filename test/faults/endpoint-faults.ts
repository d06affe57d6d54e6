import type { Fault as EndpointFault } from "../../src/local/faults.ts";
import { type Cell, type Fault, none, only, see } from "./fault.ts";

/** What Neon's proxy answers, or what a machine in front of it does. */
export const endpointFaults: readonly Fault[] = [
  overHttp("400 without a code, before", { kind: "connection-closed" }, see("connection/unknown")),
  overHttp("400 without a code, after", { kind: "connection-closed", applied: true }, see("connection/unknown")),
  overHttp("400 cancelled (08P01), before", { kind: "cancelled" }, see("connection/unknown")),
  overHttp("400 cancelled (08P01), after", { kind: "cancelled", applied: true }, see("connection/unknown")),
  overHttp("429", { kind: "too-many-requests" }, see("connection/rejected")),
  overHttp("500 waking up", { kind: "waking-up" }, see("connection/rejected")),
  overHttp("502 HTML, before", { kind: "bad-gateway" }, see("connection/unknown")),
  overHttp("502 HTML, after", { kind: "bad-gateway", applied: true }, see("connection/unknown")),
  overHttp("503", { kind: "unavailable" }, see("connection/rejected")),
  overHttp("507 answer too large", { kind: "response-too-large" }, see("connection/unknown")),
  overHttp("body cut in half", { kind: "truncated-body" }, see("connection/unknown")),
  overBoth("hangs, before", { kind: "hang" }, see("timeout/unknown")),
  overBoth("hangs, after", { kind: "hang", applied: true }, see("timeout/unknown")),
  overBoth("request dropped", { kind: "drop-request" }, see("connection/unknown")),
  overBoth("reply dropped", { kind: "drop-reply" }, see("connection/unknown")),
];

function overHttp(name: string, fault: EndpointFault, cell: Cell): Fault {
  return ofEndpoint(name, fault, none("there is no Neon endpoint that answers over HTTP", { "neon-http": cell }));
}

function overBoth(name: string, fault: EndpointFault, cell: Cell): Fault {
  return ofEndpoint(name, fault, none("there is no Neon endpoint", { endpoint: cell }));
}

function ofEndpoint(name: string, fault: EndpointFault, cell: Cell): Fault {
  return {
    name: `Neon: ${name}`,
    lurks: true,
    inflict: ({ endpoint }) => {
      endpoint?.faults.arm(fault);
      return () => endpoint?.faults.clear();
    },
    cells: only({ query: cell, batch: cell }, "it answers a request, whatever was before it"),
  };
}
