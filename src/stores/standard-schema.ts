import { ValidationError } from "../errors.ts";

/**
 * What a validator of Zod, Valibot, ArkType and others is, as https://standardschema.dev describes it, version 1. Only what is
 * read here; no package is needed for it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Never there at run time. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** @throws ValidationError when it is something else */
export function checkSchema(schema: unknown, what: string): void {
  const standard = isObjectLike(schema) ? (schema as Partial<StandardSchema>)["~standard"] : undefined;
  if (standard?.version === 1 && typeof standard.validate === "function") return;
  throw new ValidationError(`${what}: the schema does not follow Standard Schema version 1; see standardschema.dev`);
}

/** A value on its way in or out. */
export interface Checked {
  readonly value: unknown;
  /** What the value is called in the message: `records.put: value`. */
  readonly what: string;
  /** `not-sent` for a value on its way in, `rejected` for one that was read. */
  readonly outcome: "not-sent" | "rejected";
}

/**
 * What the schema makes of a value.
 *
 * @throws ValidationError with the path and message of each issue, up to five. Words that the validator quotes from the value
 * are left out of its messages.
 */
export async function validated<Output>(
  schema: StandardSchema<unknown, Output>,
  { value, what, outcome }: Checked,
): Promise<Output> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  const words = wordsOf(value);
  const shown = result.issues.slice(0, MAX_SHOWN).map((issue) => `${pathOf(issue)}: ${without(words, issue.message)}`);
  const more = result.issues.length > MAX_SHOWN ? ` and ${result.issues.length - MAX_SHOWN} more` : "";
  throw new ValidationError(`${what}${shown.join(`; ${what}`)}${more}`, { outcome });
}

const MAX_SHOWN = 5;

function isObjectLike(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function pathOf({ path = [] }: SchemaIssue): string {
  const steps = path.map((step) => (typeof step === "object" ? step.key : step));
  return steps.map((step) => (typeof step === "number" ? `[${step}]` : memberText(String(step)))).join("");
}

function memberText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

/** The texts and numbers of a value: validators like to quote what they refuse, and no message may show it. */
function wordsOf(value: unknown): ReadonlySet<string> {
  const words = new Set<string>();
  // A set is walked to the end while it grows, and knows what it has seen.
  const parts = new Set([value]);
  for (const part of parts) {
    if (typeof part === "object" && part !== null) {
      for (const member of Object.values(part)) parts.add(member);
    } else if ((typeof part === "string" && part !== "") || typeof part === "number" || typeof part === "bigint") {
      words.add(String(part)).add(JSON.stringify(String(part)).slice(1, -1));
    }
  }
  return words;
}

function without(words: ReadonlySet<string>, message: string): string {
  // The longest first: one may be a part of another.
  const found = [...words].filter((word) => message.includes(word)).sort((a, b) => b.length - a.length);
  return found.reduce((text, word) => text.replaceAll(wholeWord(word), "…"), message);
}

function wholeWord(word: string): RegExp {
  const escaped = word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, "gu");
}
