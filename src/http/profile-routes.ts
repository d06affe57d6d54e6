import { type Context, Hono } from "hono";
import { ConflictError } from "../errors.ts";
import type { ProfileContext, ProfileRepository, ProfileSaveOptions, PsonProfile } from "../profiles/index.ts";
import { parseTags, revisionTag } from "./entity-tag.ts";
import { jsonAnswer, jsonBody, limitBody } from "./json.ts";
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
 * `GET` and `PUT /profiles/v1/:id`, each exactly one statement. The entity-tag is the revision.
 *
 * - `GET` with `If-None-Match` answers 304 when the revision is one of those; the document is not read then. Always
 *   `private`, and `Vary: Authorization`, so that no cache hands one caller's answer to another.
 * - `PUT` stores a document: 201 for a new profile, else 200, with `{profile_id, revision}`. `If-Match` with one revision
 *   or `*`, and `If-None-Match: *` for a profile that must be new, answer 412 with `currentVersion` when they do not hold.
 * - A caller with a tenant reads and writes profiles of that tenant alone: others are 404 to read and 403 to write.
 */
export function profileRoutes(options: ProfileRoutesOptions): Hono<OnetripEnv> {
  const { repository, maxAgeSeconds = 0, maxBytes = 1024 * 1024 } = options;
  const caching = {
    "cache-control": maxAgeSeconds > 0 ? `private, max-age=${Math.floor(maxAgeSeconds)}` : "private, no-cache",
    vary: "Authorization",
  };

  return new Hono<OnetripEnv>()
    .get("/profiles/v1/:id", requireScope("profiles:read"), async (c) => {
      const { tenant } = principalOf(c);
      const call = { tenant, context: contextOf(c), signal: c.req.raw.signal };
      const id = c.req.param("id");
      const known = parseTags(c.req.header("if-none-match") ?? "", "weak");
      const found = await repository(c).loadChangedProfile(id, known, call);
      const headers = { ...caching, etag: revisionTag(found.revision) };
      return found.status === "unchanged" ? c.body(null, 304, headers) : jsonAnswer(found.profile, 200, headers);
    })
    .put("/profiles/v1/:id", requireScope("profiles:write"), limitBody(maxBytes), async (c) => {
      const profile = checkedBody(await jsonBody(c), c.req.param("id"), principalOf(c));
      const expectedRevision = expectationOf(c);
      const call = { expectedRevision, context: contextOf(c), signal: c.req.raw.signal };
      const saved = await repository(c)
        .saveProfile(profile, call)
        .catch((error: unknown) => {
          throw expectedRevision === undefined ? error : preconditionFailed(error);
        });
      const { revision } = saved.metadata;
      return jsonAnswer({ profile_id: saved.profile_id, revision }, revision === 1 ? 201 : 200, {
        "cache-control": "private, no-store",
        etag: revisionTag(revision),
      });
    })
    .onError(problemHandler(options.report));
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

function expectationOf(c: Context): ProfileSaveOptions["expectedRevision"] {
  const ifMatch = c.req.header("if-match");
  const ifNoneMatch = c.req.header("if-none-match");
  if (ifNoneMatch !== undefined) {
    if (ifMatch === undefined && ifNoneMatch.trim() === "*") return "absent";
    throw unclear("On PUT, If-None-Match can only be *, and not together with If-Match.");
  }
  if (ifMatch === undefined) return undefined;
  const tags = parseTags(ifMatch, "strong");
  if (tags === "any") return "present";
  const [revision, ...others] = tags;
  if (others.length > 0) throw unclear("On PUT, If-Match can name one revision.");
  // A tag that this server never gave out matches no revision, as a weak one does.
  if (revision === undefined) throw preconditionProblem();
  return revision;
}

function preconditionFailed(error: unknown): unknown {
  return error instanceof ConflictError ? preconditionProblem(error.currentVersion) : error;
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
