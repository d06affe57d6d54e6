import { bounded, DEFAULT_TIMEOUT_MS } from "../driver/call.ts";
import { type FailedAttempt, type RetryPolicy, repeated } from "../driver/retry.ts";
import { retryPolicyOf } from "../driver/retry-policy.ts";
import type { CallOptions, Driver, Param, Row, Statement } from "../driver.ts";
import { type MigrateMode, withMigrations } from "../migrate/with-migrations.ts";
import { profileMigrationSet, profileNames } from "./artifacts.ts";
import { executorError } from "./executor-error.ts";
import type { ProfileEvent } from "./profile-event.ts";
import { type ProfileNames, type ProfileQueries, profileQueries } from "./queries.ts";
import type { PostgresQueryExecutor } from "./query-executor.ts";
import { type Tracer, traced } from "./tracer.ts";

/** Who asks, and in which request. Comes back in every event of the call; a save also records the three named members. */
export interface ProfileContext {
  readonly actor?: string | undefined;
  readonly request_id?: string | undefined;
  readonly trace_id?: string | undefined;
  readonly [name: string]: unknown;
}

/** What every call of a repository takes. */
export interface ProfileCallOptions extends CallOptions {
  readonly context?: ProfileContext | undefined;
  /** Confines the call: only profiles of this tenant exist for it. Part of the statement, not a filter over its result. */
  readonly tenant?: string | undefined;
}

/** Where the statements go: a driver, or an executor over a client of the application. */
export type ProfileSource = { readonly exec: PostgresQueryExecutor } | { readonly driver: Driver };

export interface ProfileRepositoryOptions extends Partial<ProfileNames> {
  /** Confines every call to this tenant, documents that are saved included. */
  readonly tenant?: string | undefined;
  /**
   * The tables have row-level security (see `createPostgresProfileStoreArtifacts`): a call without a tenant is refused, since
   * nothing exists outside of one. Default false. With a driver, tables that it creates get the policies.
   */
  readonly rls?: boolean | undefined;
  /** Creates and brings forward the tables on first use. Only with a driver. Default `auto`. */
  readonly migrate?: MigrateMode | undefined;
  /**
   * Sends a call again when it was certainly not applied and may succeed later, or when it does no harm twice: a read, a save with
   * `idempotent`. Within the deadline of the call, with growing random waits. Only with a driver. Default 4 attempts in all, 50 ms
   * before the second, doubling up to 2 s; `false` for none.
   */
  readonly retry?: false | Partial<RetryPolicy> | undefined;
  /** The largest document, in bytes of JSON. Default 1 MiB. */
  readonly maxBytes?: number | undefined;
  /** One client span per statement: `trace.getTracer("onetrip")` of `@opentelemetry/api`. */
  readonly tracer?: Tracer | undefined;
}

/** What the parts of a repository share. */
export interface ProfileCalls {
  readonly options: ProfileRepositoryOptions;
  /** Sends one statement, inside a span. */
  ask(call: ProfileCall, params: readonly Param[]): Promise<readonly Row[]>;
  emit(event: ProfileEvent): void;
}

export interface ProfileCall {
  /** The method, for events and spans. */
  readonly operation: string;
  readonly query: keyof ProfileQueries;
  readonly options: ProfileCallOptions | undefined;
}

export function profileCalls(
  source: ProfileSource & ProfileRepositoryOptions,
  emit: (event: ProfileEvent) => void,
): ProfileCalls {
  const names = profileNames(source);
  const queries = profileQueries(names);
  const send = sender(source, names);
  // An application that brings a client of its own retries with that, if at all.
  const policy = "driver" in source ? retryPolicyOf(source.retry, "repository") : null;
  return {
    options: source,
    emit,
    ask(call, params) {
      const { operation, query, options = {} } = call;
      const { signal, timeoutMs, context } = options;
      const table = `${names.tablePrefix}${query.endsWith("Audit") ? "profile_audit" : "profiles"}`;
      const once = (bound: CallOptions) =>
        traced(source.tracer, { operation, schema: names.schema, table }, () =>
          send({ text: queries[query], params }, bound),
        );
      if (policy === null) return once({ signal, timeoutMs });
      const onRetry = (attempt: FailedAttempt) => emit({ type: "profile:retry", context, ...attempt });
      return repeated({ ...policy, operation, idempotent: isIdempotent(call), onRetry }, { signal, timeoutMs }, once);
    },
  };
}

/** A read, or a save that carries its key in the statement. */
function isIdempotent({ query, options }: ProfileCall): boolean {
  return reads.has(query) || (options !== undefined && "idempotent" in options && options.idempotent === true);
}

const reads: ReadonlySet<keyof ProfileQueries> = new Set([
  "readProfiles",
  "findProfiles",
  "readLatestProfile",
  "listRevisions",
  "listAudit",
  "verifyAudit",
]);

type Send = (statement: Statement, options: CallOptions) => Promise<readonly Row[]>;

function sender(source: ProfileSource & ProfileRepositoryOptions, names: ProfileNames): Send {
  if ("driver" in source) {
    const { driver, migrate: mode = "auto", rls } = source;
    const migrating = withMigrations(driver, { mode, set: profileMigrationSet(rls), names });
    return (statement, options) => migrating.query(statement, options);
  }
  const { exec } = source;
  // An executor cannot be interrupted: the deadline ends only the wait.
  return ({ text, params }, options) =>
    bounded("profiles", options, DEFAULT_TIMEOUT_MS, async (call) => {
      call.wasSent = () => true;
      try {
        return (await exec(text, params, { signal: call.signal })).rows;
      } catch (error) {
        throw executorError(error);
      }
    });
}
