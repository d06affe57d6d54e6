import type { PsonProfile } from "../../src/profiles/index.ts";

/** A document of user `u1`, with other parts where they are given. */
export function profile(id: string, parts: Partial<PsonProfile> = {}): PsonProfile {
  return { profile_id: id, user_id: "u1", pson_version: "5.0", domains: { active: ["core"] }, ...parts };
}

/** 1, 2, … n. */
export function numbers(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}
