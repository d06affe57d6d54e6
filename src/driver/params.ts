import type { Param } from "../driver.ts";

/** Every parameter crosses the wire as text: the one form in which all drivers agree, and the server knows the type. */
export function toText(params: readonly Param[]): (string | null)[] {
  return params.map((param) => (param === null ? null : String(param)));
}
