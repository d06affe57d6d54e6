import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { tlsOfUrl } from "../driver/tls-of-url.ts";
import { wireMessage } from "./wire-message.ts";

/**
 * A connection to the database's server, before the first packet of the session. TLS when the URL's query asks for it.
 */
export async function openUpstream(url: URL): Promise<Socket> {
  const { ssl } = tlsOfUrl(url.searchParams);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const socket = connect(Number(url.port || 5432), host);
  socket.setNoDelay(true);
  await once(socket, "connect");
  if (!ssl) return socket;
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
    rejectUnauthorized: ssl.rejectUnauthorized ?? true,
  });
  await once(encrypted, "secureConnect");
  return encrypted;
}

// SSLRequest has no type byte.
const sslRequest = wireMessage("x", Buffer.from([0x04, 0xd2, 0x16, 0x2f])).subarray(1);
