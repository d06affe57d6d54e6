import { neonConfig } from "@neondatabase/serverless";

/**
 * Runs a request of Neon's client and shows its answer, whose headers the client keeps to itself.
 *
 * The client takes its `fetch` from a global setting, and reads that before it waits for anything: so the setting is changed for as long
 * as the client runs without a break, and no other call meets it. A client that would read it later is simply not seen.
 *
 * @param send must begin the request at once, and not when it is awaited
 */
export function watchAnswer<T>(send: () => Promise<T>, seen: (answer: Response) => void): Promise<T> {
  const before: typeof fetch | undefined = neonConfig.fetchFunction;
  neonConfig.fetchFunction = async (url: string, init: RequestInit) => {
    const answer = await (before ?? globalThis.fetch)(url, init);
    seen(answer);
    return answer;
  };
  try {
    return send();
  } finally {
    neonConfig.fetchFunction = before;
  }
}
