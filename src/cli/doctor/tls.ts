import { isLocalHost } from "../../driver/connection-parameters.ts";
import { greetPort } from "../port-greeting.ts";
import type { Finding } from "./finding.ts";
import type { Subject, Wire } from "./subject.ts";

/** Is the way there encrypted, and is it certain who is at its end? */
export async function tls({ wire, url, transport, call }: Subject): Promise<Finding | undefined> {
  if (transport === "embedded") return undefined;
  if (wire !== undefined) return tlsOfWire(wire, call.timeoutMs);
  // The driver goes to a local endpoint by http, and everywhere else by https.
  const isLocal = isLocalHost(new URL(url).hostname);
  const found = isLocal ? "off: plain HTTP on this machine" : "on: HTTPS, certificate verified";
  return { id: "tls", level: "ok", found, data: { isOn: !isLocal, isVerified: !isLocal } };
}

async function tlsOfWire({ parameters, open }: Wire, timeoutMs: number): Promise<Finding> {
  const session = await open();
  await session.close();
  const { isOn, isVerified, protocol } = session.tls;
  if (isOn) {
    const data = { isOn, isVerified, protocol };
    if (isVerified) return { id: "tls", level: "ok", found: `on: ${protocol}, certificate verified`, data };
    return {
      id: "tls",
      level: "warning",
      found: `on: ${protocol}, but nobody checked the certificate: anybody in between could be the server`,
      change: "use sslmode=verify-full, and name the authority in NODE_EXTRA_CA_CERTS where it is your own",
      data,
    };
  }
  const isOffered = (await greetPort(parameters, timeoutMs)) === "tls";
  const data = { isOn, isVerified, isOffered };
  if (isLocalHost(parameters.host))
    return { id: "tls", level: "ok", found: "off: the connection stays on this machine", data };
  const offer = isOffered ? "the server offers it" : "the server does not offer it";
  const change = isOffered ? "add sslmode=verify-full to the URL" : "turn it on at the server or the pooler";
  return {
    id: "tls",
    level: "warning",
    found: `off: password and data can be read on the way; ${offer}`,
    change,
    data,
  };
}
