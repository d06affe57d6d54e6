import type { Server } from "node:net";
import type { Address } from "./credentials.ts";

/** Binds a server and says where. The address is one that a client on this machine can use. */
export function listen(
  server: Server,
  { host = "127.0.0.1", port = 0 }: { readonly host?: string | undefined; readonly port?: number | undefined },
): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const bound = server.address();
      const anywhere = host === "0.0.0.0" || host === "::";
      resolve({
        host: anywhere ? "127.0.0.1" : host,
        port: bound !== null && typeof bound === "object" ? bound.port : port,
      });
    });
  });
}
