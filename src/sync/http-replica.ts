import type { CallOptions } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import type { ChangePage, FeedHead, PushRefusal, PushResult, Replica, Resync } from "./replica.ts";
import { isFeedHead, isFeedPlace, toChangePage, toPushResult } from "./wire/answer-shape.ts";
import { batchText } from "./wire/batch-text.ts";
import { toPushRefusal, toResync } from "./wire/refusal.ts";
import { storeUrl } from "./wire/store-url.ts";
import { type SyncFetchOptions, syncFetch } from "./wire/sync-fetch.ts";

export interface HttpReplicaOptions extends SyncFetchOptions {
  /** The store's name, where the URL is that of a server and not of a store. */
  readonly store?: string | undefined;
  /** Only keys and streams that begin so, for calls that name no scope. */
  readonly scope?: string | undefined;
}

/** Where a feed stands. */
export type FeedPlace = Pick<FeedHead, "head" | "epoch">;

export interface PokeOptions extends CallOptions {
  /** How long the server may wait, from 0 to 25,000, which is the default. The deadline of the call begins at its end. */
  readonly waitMs?: number | undefined;
}

/** A replica behind the sync protocol. */
export interface HttpReplica extends Replica {
  /**
   * Where the feed is, as soon as it is not at the place, or the head, that is known; null when it has not moved in time. At once
   * when nothing is known.
   */
  poke(known: FeedPlace | string | null, options?: PokeOptions): Promise<FeedPlace | null>;
}

/**
 * The store of a server that speaks `persist-sync/1` as a replica. Each call is one request, and is never sent twice by itself.
 *
 * | the server, or the way to it | error | outcome |
 * |---|---|---|
 * | cannot be reached | `connection` | `not-sent` where that is certain, else `unknown` |
 * | does not answer in time | `timeout` | `unknown` |
 * | gives a page without its end, or something that is no answer | `connection` | `unknown` |
 * | 400, 413, 415, 422 | `validation` | `rejected` |
 * | 401, 403 | `forbidden` | `rejected` |
 * | 404 | `not-found` | `rejected` |
 * | 429 | `connection`, `retryable`, with `retryAfterMs` | `rejected` |
 * | 5xx | as the server says; else `connection`, `retryable` | as the server says, else `unknown` |
 *
 * Refusals that a client must expect are values, as of every replica. A push may be sent again after any error. No message holds
 * the token, or the query of the URL.
 *
 * @param url the store's own, `https://host/sync/v1/quakes`; or the server's, with `store`
 * @throws ValidationError for a URL, or headers, that cannot be used
 *
 * @example
 * ```ts
 * const remote = httpReplica("https://api.example/sync/v1/quakes", { authToken: () => session.token() });
 * const page = await remote.pull(null, 500);
 * ```
 */
export function httpReplica(url: string, options: HttpReplicaOptions = {}): HttpReplica {
  const send = syncFetch(storeUrl(url, options.store), options);
  const scopeOf = (scope: string | undefined) => scope ?? options.scope;

  return {
    async push(batch, call) {
      const { scope, ...rest } = batch;
      return send<PushResult | PushRefusal>(
        {
          what: "sync push",
          path: "/push",
          query: { scope: scopeOf(scope) },
          body: batchText(rest),
          toValue: (body) => toPushResult(body, batch.mutations),
          toRefusal: toPushRefusal,
        },
        call,
      );
    },

    async pull(cursor, limit, { scope, client, ...call } = {}) {
      if (!Number.isInteger(limit) || limit < 1) {
        throw new ValidationError("sync pull: limit must be a whole number from 1 up");
      }
      return send<ChangePage | Resync>(
        {
          what: "sync pull",
          path: "/pull",
          query: { cursor: cursor ?? undefined, limit: String(limit), scope: scopeOf(scope), client },
          accept: "application/x-ndjson",
          toValue: toChangePage,
          toRefusal: toResync,
        },
        call,
      );
    },

    head(call) {
      const toValue = (body: unknown) => (isFeedHead(body) ? onlyHead(body) : undefined);
      return send({ what: "sync head", path: "", query: { scope: options.scope }, toValue }, call);
    },

    poke(known, { waitMs = 25_000, ...call } = {}) {
      const { head, epoch = undefined } = typeof known === "string" ? { head: known } : (known ?? {});
      const wait = String(waitMs / 1000);
      return send<FeedPlace | null>(
        {
          what: "sync poke",
          path: "/poke",
          query: { head, epoch: epoch ?? undefined, wait, scope: options.scope },
          waitMs,
          toValue: (body) => (body === undefined ? null : isFeedPlace(body) ? onlyPlace(body) : undefined),
        },
        call,
      );
    },
  };
}

function onlyHead({ head, epoch, serverTime }: FeedHead): FeedHead {
  return { head, epoch, serverTime };
}

function onlyPlace({ head, epoch }: FeedPlace): FeedPlace {
  return { head, epoch };
}
