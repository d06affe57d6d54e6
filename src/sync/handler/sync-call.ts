import { checkPrefix } from "../../sql/key.ts";
import { problemResponse } from "../../web/problem.ts";
import { DEFAULT_SYNC_LIMITS, type SyncLimits } from "../limits.ts";
import type { Replica } from "../replica.ts";
import type { StoreReplica } from "../store-replica.ts";
import type { SyncAccess, SyncAsk, SyncGrant, SyncHandlerOptions } from "./handler-options.ts";

/** One request on its way to an answer. */
export interface SyncCall {
  readonly request: Request;
  readonly store: string;
  /** Of the query string. */
  readonly params: URLSearchParams;
  readonly options: SyncHandlerOptions;
  /** Asks for access and opens the replica; a response when access was refused. To be called once. */
  open(access: SyncAsk["access"]): Promise<OpenReplica | Response>;
  /** Keeps the replica until then: the answer is a stream that goes on using it. */
  keepUntil(ended: Promise<void>): void;
  /** Lets go of the replica, now or when it is not kept any more. */
  release(): void;
}

export interface OpenReplica {
  readonly replica: Replica;
  /** The prefix that was asked for, or that the caller is confined to. Undefined: everything. */
  readonly scope: string | undefined;
  /** Whether the caller sees less than others may. */
  readonly isConfined: boolean;
  readonly limits: SyncLimits;
}

export function syncCall(request: Request, store: string, options: SyncHandlerOptions): SyncCall {
  const params = new URL(request.url).searchParams;
  let replica: Replica | undefined;
  let kept: Promise<void> | undefined;

  return {
    request,
    store,
    params,
    options,
    async open(access) {
      const ask = { store, scope: askedScope(params), access };
      const decision = await options.authorize(request, ask);
      if (decision instanceof Response) return decision;
      if (!decision) return forbidden("The token does not reach this store.");
      const grant = decision === true ? {} : decision;
      const granted = toAccess(ask, grant);
      if (granted === undefined) return forbidden("The token does not reach this scope.");
      replica = await options.replica(request, granted);
      const limits = { ...limitsOf(replica), ...options.limits };
      return { replica, scope: granted.scope, isConfined: (grant.scope ?? "") !== "", limits };
    },
    keepUntil(ended) {
      kept = ended;
    },
    release() {
      const held = replica;
      if (held === undefined) return;
      const letGo = async () => options.release?.(held, request);
      const done = kept === undefined ? letGo() : kept.then(letGo);
      done.catch((error: unknown) => options.report?.(error, request));
    },
  };
}

/** A store says what its limits are; of others nothing is known. */
function limitsOf(replica: Replica | StoreReplica): SyncLimits {
  return "limits" in replica ? replica.limits : DEFAULT_SYNC_LIMITS;
}

/** The answer to whoever may not do what was asked. */
export function forbidden(detail: string): Response {
  return problemResponse({ status: 403, code: "forbidden", detail });
}

function askedScope(params: URLSearchParams): string | undefined {
  const scope = params.get("scope") ?? "";
  return scope === "" ? undefined : checkPrefix(scope, "scope");
}

/** Undefined when what was asked for lies outside. */
function toAccess(ask: SyncAsk, grant: SyncGrant): SyncAccess | undefined {
  const scope = ask.scope ?? grant.scope;
  if (!(scope ?? "").startsWith(grant.scope ?? "")) return undefined;
  return { ...ask, scope: scope === "" ? undefined : scope, principal: grant.principal };
}
