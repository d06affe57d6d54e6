import { type Context, Hono } from "hono";
import { PersistError } from "../errors.ts";
import type {
  AuditListOptions,
  AuditOrder,
  ProfileCallOptions,
  ProfileContext,
  ProfileRepository,
  ProfileSaveOptions,
  PsonProfile,
} from "../profiles/index.ts";
import { jsonAnswer } from "../web/json-answer.ts";
import { parseTags, revisionTag } from "./entity-tag.ts";
import { jsonBody, limitBody } from "./json.ts";
import { type OnetripEnv, type Principal, principalOf, requireScope } from "./principal.ts";
import { problemException, problemHandler, type Report } from "./problem.ts";

export interface ProfileRoutesOptions {
  /** The repository of one request, over its driver. */
  readonly repository: (c: Context<OnetripEnv>) => ProfileRepository;
  /**
   * How long a client may use a profile without asking again, in seconds. Default 0: it may keep the profile but asks each
   * time whether it has changed (`no-cache`), which costs one statement and no document.
   */
  readonly maxAgeSeconds?: number | undefined;
  /** Larger documents are refused with 413. Default 1 MiB. */
  readonly maxBytes?: number | undefined;
  readonly report?: Report | undefined;
}

/**
 * Profiles under `/profiles/v1`, each request exactly one statement. The entity-tag is the revision.
 *
 * | request | scope | answer |
 * |---|---|---|
 * | `GET /profiles/v1/:id` | `profiles:read` | the document; 304 to `If-None-Match` with its revision, the document is not read then |
 * | `GET /profiles/v1?user_id=` | `profiles:read` | an array of the user's documents |
 * | `GET /profiles/v1/:id/audit?limit=&cursor=&order=` | `profiles:read` | `{entries, cursor}`; `order` is `newest` or `oldest` |
 * | `PUT /profiles/v1/:id` | `profiles:write` | `{profile_id, revision}`; 201 for a new profile, else 200 |
 * | `DELETE /profiles/v1/:id` | `profiles:write` | 204; 404 when there is none |
 *
 * - Always `private`, and `Vary: Authorization`, so that no cache hands one caller's answer to another.
 * - `If-Match` with one revision or `*`, and on `PUT` `If-None-Match: *` for a profile that must be new, answer 412 with
 *   `currentVersion` when they do not hold.
 * - `PUT` with `Idempotency-Key` can be sent again after a lost answer and is done once; it stands for the request id in the
 *   log. 409 with code `key-reused` when the key came before with another document for that profile.
 * - A caller with a tenant reads and writes profiles of that tenant alone: others are 404 to read and 403 to write.
 */
export function profileRoutes(options: ProfileRoutesOptions): Hono<OnetripEnv> {
  const { repository, maxAgeSeconds = 0, maxBytes = 1024 * 1024 } = options;
  const caching = {
    "cache-control": maxAgeSeconds > 0 ? `private, max-age=${Math.floor(maxAgeSeconds)}` : "private, no-cache",
    vary: "Authorization",
  };

  return new Hono<OnetripEnv>()
    .get("/profiles/v1", requireScope("profiles:read"), async (c) => {
      const userId = c.req.query("user_id");
      if (userId === undefined) throw unclear("Name the user: /profiles/v1?user_id=…");
      return jsonAnswer(await repository(c).findProfilesByUserId(userId, callOf(c)), 200, notKept);
    })
    .get("/profiles/v1/:id", requireScope("profiles:read"), async (c) => {
      const known = parseTags(c.req.header("if-none-match") ?? "", "weak");
      const found = await repository(c).loadChangedProfile(c.req.param("id"), known, callOf(c));
      const headers = { ...caching, etag: revisionTag(found.revision) };
      return found.status === "unchanged" ? c.body(null, 304, headers) : jsonAnswer(found.profile, 200, headers);
    })
    .get("/profiles/v1/:id/audit", requireScope("profiles:read"), async (c) => {
      const page = await repository(c).listAuditEntries(c.req.param("id"), { ...pageOf(c), ...callOf(c) });
      return jsonAnswer(page, 200, notKept);
    })
    .put("/profiles/v1/:id", requireScope("profiles:write"), limitBody(maxBytes), async (c) => {
      const profile = checkedBody(await jsonBody(c), c.req.param("id"), principalOf(c));
      const call = { ...idempotentCallOf(c), expectedRevision: putExpectation(c) };
      const { saved, created } = await save(repository(c), profile, call);
      const { revision } = saved.metadata;
      const headers = { ...notKept, etag: revisionTag(revision) };
      return jsonAnswer({ profile_id: saved.profile_id, revision }, created ? 201 : 200, headers);
    })
    .delete("/profiles/v1/:id", requireScope("profiles:write"), async (c) => {
      const expectedRevision = matchExpectation(c.req.header("if-match"));
      const deleted = await repository(c)
        .deleteProfile(c.req.param("id"), { ...callOf(c), expectedRevision })
        .catch(throwProblem);
      if (deleted) return c.body(null, 204, notKept);
      throw problemException({ status: 404, code: "not-found", detail: "There is no such profile." });
    })
    .onError(problemHandler(options.report));
}

const notKept = { "cache-control": "private, no-store", vary: "Authorization" };

async function save(repository: ProfileRepository, profile: PsonProfile, options: ProfileSaveOptions) {
  let created = false;
  const off = repository.on("profile:save", ({ context, status }) => {
    // The repository may be shared: the event that carries this call's context is this call's.
    if (context === options.context) created = status === "created";
  });
  try {
    const saved = await repository.saveProfile(profile, options).catch(throwProblem);
    return { saved, created };
  } finally {
    off();
  }
}

function checkedBody(body: unknown, id: string, { tenant }: Principal): PsonProfile {
  if (typeof body !== "object" || body === null || !("profile_id" in body) || body.profile_id !== id) {
    throw problemException({
      status: 422,
      code: "validation",
      detail: "The body must be a profile whose profile_id is the id in the path.",
    });
  }
  const profile = body as PsonProfile;
  if (tenant !== undefined && profile.tenant_id !== tenant) {
    throw problemException({
      status: 403,
      code: "forbidden",
      detail: "The token is confined to a tenant, and the profile's tenant_id is not that one.",
    });
  }
  return profile;
}

function callOf(c: Context<OnetripEnv>): ProfileCallOptions {
  return { tenant: principalOf(c).tenant, context: contextOf(c), signal: c.req.raw.signal };
}

/** A key is an sf-string, as the draft of the header has it, or the same without its quotes, as many clients send it. */
function idempotentCallOf(c: Context<OnetripEnv>): ProfileSaveOptions {
  const header = c.req.header("idempotency-key");
  const call = callOf(c);
  if (header === undefined) return call;
  const key = /^\s*("?)([!#-[\]-~]{1,255})\1\s*$/.exec(header)?.[2];
  if (key === undefined) throw unclear("Idempotency-Key must be 1 to 255 printable characters of ASCII.");
  return { ...call, context: { ...call.context, request_id: key }, idempotent: true };
}

function pageOf(c: Context): Pick<AuditListOptions, "limit" | "cursor" | "order"> {
  const { limit, cursor, order } = c.req.query();
  // What is no number, and what is no order, the repository refuses.
  return { limit: limit === undefined ? undefined : Number(limit), cursor, order: order as AuditOrder | undefined };
}

function putExpectation(c: Context): ProfileSaveOptions["expectedRevision"] {
  const ifMatch = c.req.header("if-match");
  const ifNoneMatch = c.req.header("if-none-match");
  if (ifNoneMatch === undefined) return matchExpectation(ifMatch);
  if (ifMatch === undefined && ifNoneMatch.trim() === "*") return "absent";
  throw unclear("On PUT, If-None-Match can only be *, and not together with If-Match.");
}

function matchExpectation(ifMatch: string | undefined): number | "present" | undefined {
  if (ifMatch === undefined) return undefined;
  const tags = parseTags(ifMatch, "strong");
  if (tags === "any") return "present";
  const [revision, ...others] = tags;
  if (others.length > 0) throw unclear("If-Match can name one revision here.");
  // A tag that this server never gave out matches no revision, as a weak one does.
  if (revision === undefined) throw preconditionProblem();
  return revision;
}

/** A conflict is about a precondition of the request when it names a revision, and about its key when it does not. */
function throwProblem(error: unknown): never {
  if (!(error instanceof PersistError) || error.code !== "conflict") throw error;
  if ("currentVersion" in error) throw preconditionProblem(Number(error.currentVersion));
  throw problemException({
    status: 409,
    code: "key-reused",
    detail: "The Idempotency-Key came before with another document for this profile; take a new one.",
    members: { outcome: error.outcome },
  });
}

function preconditionProblem(currentVersion?: number) {
  return problemException({
    status: 412,
    code: "conflict",
    detail: "The profile is not at the revision that was expected; read it and try again.",
    members: { outcome: "rejected", currentVersion },
  });
}

function unclear(detail: string) {
  return problemException({ status: 400, code: "malformed", detail });
}

/** What is recorded with a save. Headers of other shapes are left out: they come from outside. */
function contextOf(c: Context<OnetripEnv>): ProfileContext {
  return {
    actor: principalOf(c).subject,
    request_id: /^[\w.:/+=-]{1,128}$/.exec(c.req.header("x-request-id") ?? "")?.[0],
    trace_id: /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(c.req.header("traceparent") ?? "")?.[1],
  };
}
