import { ValidationError } from "../errors.ts";
import { DEFAULT_RETRY, type RetryPolicy } from "./retry.ts";

const DAY_MS = 86_400_000;

/**
 * The policy that an option asks for, with what it leaves out; null for none.
 *
 * @param who for messages: the function that was given the option
 * @throws ValidationError
 */
export function retryPolicyOf(retry: false | Partial<RetryPolicy> | undefined, who: string): RetryPolicy | null {
  if (retry === false) return null;
  if (retry !== undefined && (typeof retry !== "object" || retry === null)) {
    throw new ValidationError(`${who}: retry is false or { attempts, baseMs, maxMs }`);
  }
  const {
    attempts = DEFAULT_RETRY.attempts,
    baseMs = DEFAULT_RETRY.baseMs,
    maxMs = Math.max(DEFAULT_RETRY.maxMs, baseMs),
  } = retry ?? {};
  if (!(Number.isInteger(attempts) && attempts >= 1 && attempts <= 100)) {
    throw new ValidationError(`${who}: retry.attempts must be a whole number from 1 to 100, the first included`);
  }
  if (!(baseMs >= 0 && maxMs >= baseMs && maxMs <= DAY_MS)) {
    throw new ValidationError(`${who}: retry.baseMs and retry.maxMs are milliseconds, and maxMs is not the smaller`);
  }
  return { attempts, baseMs, maxMs };
}
