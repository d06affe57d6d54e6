import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ResolvedParameters } from "../../driver/connection-parameters.ts";
import { sslRequest } from "../port-greeting.ts";

/**
 * Whether a server or pooler turns a connection away for a startup parameter: asked with the first message of the protocol alone,
 * before anybody is logged in. A PostgreSQL server judges values later, and none of the names.
 *
 * @throws when there is no answer
 */
export async function refusesStartup(
  parameters: ResolvedParameters,
  parameter: readonly [name: string, value: string],
  timeoutMs: number,
): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutMs);
  const plain = connect({ host: parameters.host, port: parameters.port, noDelay: true });
  try {
    await once(plain, "connect", { signal });
    const socket = parameters.ssl ? await withTls(plain, parameters, signal) : plain;
    socket.write(startupMessage([["user", parameters.user], ["database", parameters.database], parameter]));
    const answer = await firstBytes(socket, signal);
    return answer[0] === ERROR_RESPONSE && /startup parameter/i.test(answer.toString("latin1"));
  } finally {
    plain.destroy();
  }
}

const ERROR_RESPONSE = "E".charCodeAt(0);

async function withTls(plain: Socket, { host, ssl }: ResolvedParameters, signal: AbortSignal): Promise<Socket> {
  plain.write(sslRequest);
  await firstBytes(plain, signal);
  const name = isIP(host) === 0 ? { servername: host } : {};
  const secure = connectTls({ socket: plain, ...name, ...(ssl || {}) });
  await once(secure, "secureConnect", { signal });
  return secure;
}

async function firstBytes(socket: Socket, signal: AbortSignal): Promise<Buffer> {
  const [bytes] = (await once(socket, "data", { signal })) as [Buffer];
  return bytes;
}

/** Length, version 3.0, then names and values, each with a zero at its end, and one more. */
function startupMessage(parameters: readonly (readonly [string, string])[]): Buffer {
  const body = Buffer.from(`${parameters.flat().join("\0")}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, body]);
}
