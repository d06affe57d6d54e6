import { ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import { exceedsBytes } from "../sql/utf8.ts";
import { checkPatchDepth } from "../stores/record-patch.ts";
import type { RejectedReason } from "./replica.ts";

/**
 * One mutation with a sound id as `sync_push_v2` takes it. What can never be applied becomes `{id, op: "reject", why}`, which takes up
 * the id.
 */
export function mutationToJson(mutation: { readonly id: number }, scope: string, maxValueBytes: number): string {
  const { id } = mutation;
  try {
    return objectText({ id: JSON.stringify(id), ...membersOf(mutation, { scope, maxValueBytes }) });
  } catch (error) {
    const why = error instanceof Unfit ? error.why : error instanceof ValidationError ? "invalid" : undefined;
    if (why === undefined) throw error;
    return objectText({ id: JSON.stringify(id), op: '"reject"', why: JSON.stringify(why) });
  }
}

interface Bounds {
  readonly scope: string;
  readonly maxValueBytes: number;
}

/** Members of JSON text; what is undefined is left out. */
type Members = Readonly<Record<string, string | undefined>>;

type Given = Readonly<Record<string, unknown>>;

function membersOf(given: Given & object, bounds: Bounds): Members {
  const op = JSON.stringify(given["op"]);
  switch (given["op"]) {
    case "put":
      return {
        op,
        ...keyed(given, bounds),
        value: json(given["value"], bounds),
        ...condition(given, bounds),
        ...lost(given),
      };
    case "delete":
      return { op, ...keyed(given, bounds), ...condition(given, bounds), ...lost(given) };
    case "merge":
      return { op, ...keyed(given, bounds), value: patch(given["value"], bounds), base: versionIn(given["base"], 0) };
    case "append":
      return { op, key: key(given["stream"], bounds), event: event(given["event"], bounds), ...lost(given) };
    case "kv.set":
      return { op, ...keyed(given, bounds), ...entry(given, bounds), hlc: hlc(given), ...lost(given) };
    case "kv.delete":
      return { op, ...keyed(given, bounds), hlc: hlc(given), ...lost(given) };
    default:
      throw new Unfit("invalid");
  }
}

function keyed(given: Given, bounds: Bounds): Members {
  return { key: key(given["key"], bounds) };
}

function key(given: unknown, { scope }: Bounds): string {
  const checked = checkKey(given as string, "push: key");
  if (!checked.startsWith(scope)) throw new Unfit("scope");
  return JSON.stringify(checked);
}

function json(value: unknown, { maxValueBytes }: Bounds): string {
  const text = toJson(value, "push: value", Number.POSITIVE_INFINITY);
  if (exceedsBytes(text, maxValueBytes)) throw new Unfit("too-large");
  return text;
}

/** What the database cannot merge would fail the whole statement, and all that is sent with it. */
function patch(value: unknown, bounds: Bounds): string {
  const text = json(value, bounds);
  checkPatchDepth(JSON.parse(text), "push: value");
  return text;
}

function condition(given: Given, bounds: Bounds): Members {
  const assumed = given["assumed"];
  const members = { base: versionIn(given["base"], 0), hlc: hlc(given), assumed: assumedText(assumed, bounds) };
  const isSound = assumed === undefined ? (members.base ?? members.hlc) : !(members.base ?? members.hlc);
  if (!isSound) throw new Unfit("invalid");
  return members;
}

function assumedText(assumed: unknown, bounds: Bounds): string | undefined {
  if (assumed === undefined) return undefined;
  if (assumed === null) return "null";
  if (typeof assumed !== "object" || !("value" in assumed)) throw new Unfit("invalid");
  return `[${json(assumed.value, bounds)}]`;
}

function lost(given: Given): Members {
  return { version: versionIn(given["version"], 1) };
}

function versionIn(version: unknown, least: 0 | 1): string | undefined {
  if (version === undefined) return undefined;
  if (Number.isInteger(version) && Number(version) >= least && Number(version) <= MAX_VERSION) {
    return JSON.stringify(version);
  }
  throw new Unfit("invalid");
}

/** Leaves room to count on for as long as anybody writes. */
const MAX_VERSION = 2 ** 52;

function hlc(given: Given): string | undefined {
  const stamp = given["hlc"];
  if (stamp === undefined) return undefined;
  if (typeof stamp === "string" && STAMP.test(stamp)) return JSON.stringify(checkKey(stamp, "push: hlc"));
  throw new Unfit("invalid");
}

const STAMP = /^\d{15}-\d{6}-/;

function event(given: unknown, bounds: Bounds): string {
  if (typeof given !== "object" || given === null) throw new Unfit("invalid");
  const { id, payload, type = null, metadata = null }: Given = { ...given };
  return `[${[
    JSON.stringify(checkKey(id as string, "push: event.id")),
    json(payload, bounds),
    type === null ? "null" : JSON.stringify(checkKey(type as string, "push: event.type")),
    json(metadata, bounds),
  ].join(",")}]`;
}

function entry(given: Given, bounds: Bounds): Members {
  const { value, encoding, expiresAt } = given;
  const isSound =
    (encoding === undefined || (encoding === "base64" && isBase64(value))) &&
    (expiresAt === undefined || isTime(expiresAt));
  if (!isSound) throw new Unfit("invalid");
  return { value: json(value, bounds), encoding: JSON.stringify(encoding), expiresAt: JSON.stringify(expiresAt) };
}

function isBase64(value: unknown): boolean {
  return typeof value === "string" && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
}

/** ISO 8601 in UTC with up to six decimals, of a day that the calendar has: what is not would fail the whole statement. */
function isTime(value: unknown): boolean {
  if (typeof value !== "string" || !TIME.test(value)) return false;
  const time = Date.parse(`${value.slice(0, SECONDS)}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value.slice(0, SECONDS));
}

const TIME = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z$/;
const SECONDS = "2026-11-20T10:00:00".length;

function objectText(members: Members): string {
  const texts = Object.entries(members).flatMap(([name, text]) => (text === undefined ? [] : [`"${name}":${text}`]));
  return `{${texts.join(",")}}`;
}

/** Not to be applied, ever. It never leaves this file. */
class Unfit extends Error {
  readonly why: RejectedReason;

  constructor(why: RejectedReason) {
    super(why);
    this.why = why;
  }
}
