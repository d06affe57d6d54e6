import { connect } from "node:net";

/**
 * How a port answers a request for TLS in PostgreSQL's protocol. `http` is what a web server says to it, such as the local Neon
 * endpoint.
 */
export type PortGreeting = "tls" | "no-tls" | "http" | "silent";

/** Eight bytes there, one back: nobody is logged in. Never rejects. */
export function greetPort(
  at: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<PortGreeting> {
  return new Promise((resolve) => {
    const socket = connect({ host: at.host, port: at.port, noDelay: true });
    function answer(greeting: PortGreeting) {
      clearTimeout(overdue);
      socket.destroy();
      resolve(greeting);
    }
    const overdue = setTimeout(() => answer("silent"), timeoutMs);
    socket.once("connect", () => socket.write(sslRequest));
    socket.once("data", (bytes) => answer(greetings[String.fromCharCode(bytes[0] ?? 0)] ?? "silent"));
    socket.once("error", () => answer("silent"));
    socket.once("close", () => answer("silent"));
  });
}

/** SSLRequest: its length, and the number that stands for it. */
export const sslRequest: Uint8Array = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/** By the first byte: yes, no, and the H of `HTTP/1.1 400`. */
const greetings: Readonly<Record<string, PortGreeting>> = { S: "tls", N: "no-tls", H: "http" };
