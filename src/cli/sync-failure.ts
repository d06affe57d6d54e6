import { ConnectionError, PersistError } from "../errors.ts";
import { StoppedError, UsageError } from "./command-errors.ts";
import { connectAdvice } from "./connect-advice.ts";

/** The `fetch` of the runtime, and what it failed with the last time: the error of a sync does not tell all of that. */
export interface WatchedFetch {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Undefined when an answer came. */
  failure(): unknown;
}

export function watchedFetch(): WatchedFetch {
  let failure: unknown;
  return {
    async fetch(url, init) {
      failure = undefined;
      try {
        return await fetch(url, init);
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    failure: () => failure,
  };
}

/**
 * What the user of `onetrip sync` is told. Unlike a write, a sync may always be run again: a mutation is applied once.
 *
 * @param failure of the request to a remote over HTTP, where there was one
 */
export function syncFailure(error: unknown, failure: unknown): unknown {
  if (!(error instanceof PersistError)) return error;
  if (error.code === "connection" && failure !== undefined) {
    if (isRefusedPort(failure))
      return new UsageError("remote-url: fetch goes to no such port; let the server use another");
    const isCertificate = connectAdvice(failure).kind === "certificate";
    if (isCertificate || error.outcome === "not-sent") return remoteFailure(failure, isCertificate);
  }
  if (error.outcome !== "unknown") return error;
  return new StoppedError("stopped", { next: "run it again: nothing is applied twice", cause: error });
}

/** The remote was not reached, and nothing was sent to it. */
export function remoteFailure(failure: unknown, isCertificate = false): StoppedError {
  const next = isCertificate ? "name its authority in NODE_EXTRA_CA_CERTS" : connectAdvice(failure).next;
  const cause = new ConnectionError("sync: no connection to the remote", { outcome: "not-sent", cause: failure });
  return new StoppedError("the remote", { next, cause });
}

/** The ports of other protocols, 1 and 25 for example, which a page must not be able to speak to. */
function isRefusedPort(failure: unknown): boolean {
  return failure instanceof Error && failure.cause instanceof Error && failure.cause.message === "bad port";
}
