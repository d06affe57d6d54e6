import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { wireMessage } from "./wire-message.ts";

/**
 * A connection to the database's server, before the first packet of the session. TLS when the URL's `sslmode` is
 * `require`, `verify-ca`, `verify-full` (the certificate is verified in all three) or `no-verify`.
 */
export async function openUpstream(url: URL): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const socket = connect(Number(url.port || 5432), host);
  socket.setNoDelay(true);
  await once(socket, "connect");
  const sslmode = url.searchParams.get("sslmode") ?? "disable";
  if (!encryptedModes.has(sslmode)) {
    return socket;
  }
  socket.write(sslRequest);
  const [answer] = await once(socket, "data");
  if (String(answer) !== "S") {
    socket.destroy();
    throw new Error("the database server does not speak TLS, which its URL asks for");
  }
  const encrypted = connectTls({
    socket,
    host,
    // A server's name goes into the handshake; an address must not.
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: sslmode !== "no-verify",
  });
  await once(encrypted, "secureConnect");
  return encrypted;
}

const encryptedModes: ReadonlySet<string> = new Set(["require", "verify-ca", "verify-full", "no-verify"]);

// SSLRequest has no type byte.
const sslRequest = wireMessage("x", Buffer.from([0x04, 0xd2, 0x16, 0x2f])).subarray(1);
