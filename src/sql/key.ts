import { ValidationError } from "../errors.ts";
import { exceedsBytes } from "./utf8.ts";

/** A longer one would not fit a B-tree entry together with its neighbours. */
const MAX_KEY_BYTES = 1024;
const MAX_STORE_NAME_BYTES = 128;

/**
 * A key, stream name or event id: 1 to 1,024 bytes of UTF-8, without NUL and without lone surrogates. Returns it unchanged.
 *
 * @param what where the key was given, for the message: `records.put: key`
 * @throws ValidationError
 */
export function checkKey(key: string, what: string): string {
  return checkText(key, what, 1, MAX_KEY_BYTES);
}

/** The same rules for a prefix, which may also be empty. */
export function checkPrefix(prefix: string, what: string): string {
  return checkText(prefix, what, 0, MAX_KEY_BYTES);
}

/** The name of a store: as a key, at most 128 bytes. */
export function checkStoreName(name: string): string {
  return checkText(name, "createStore: name", 1, MAX_STORE_NAME_BYTES);
}

/**
 * The range of keys that begin with `prefix`: `from <= key`, and `key < to` unless `to` is null.
 *
 * Keys are ordered by byte (`collate "C"`), which for UTF-8 is the order of code points. So the end of the range is the
 * prefix with its last code point counted up by one; a last U+10FFFF is dropped and the one before it counted up.
 */
export function prefixRange(prefix: string): readonly [from: string, to: string | null] {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === LAST_CODE_POINT) points.pop();
  const last = points.pop();
  if (last === undefined) return [prefix, null];
  const next = last + 1 === FIRST_SURROGATE ? AFTER_SURROGATES : last + 1;
  return [prefix, String.fromCodePoint(...points, next)];
}

const LAST_CODE_POINT = 0x10ffff;
const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;

function checkText(text: string, what: string, minBytes: number, maxBytes: number): string {
  if (typeof text !== "string") throw new ValidationError(`${what} must be a string`);
  if (text.length < minBytes) throw new ValidationError(`${what} is empty; give at least one character`);
  if (text.includes("\0")) throw new ValidationError(`${what} contains NUL, which PostgreSQL cannot store; encode it`);
  // Decoders drop it, PGlite's for one: the key would come back as another.
  if (text.startsWith("\uFEFF")) throw new ValidationError(`${what} begins with a byte order mark; remove it`);
  if (!text.isWellFormed()) {
    throw new ValidationError(`${what} contains half a surrogate pair; cut strings between characters, not inside one`);
  }
  if (exceedsBytes(text, maxBytes))
    throw new ValidationError(`${what} is longer than ${maxBytes} bytes of UTF-8; shorten or hash it`);
  return text;
}
