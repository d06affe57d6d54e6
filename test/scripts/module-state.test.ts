import { expect, test } from "vitest";
import { formatFinding } from "../../scripts/check/finding.ts";
import { checkModuleState } from "../../scripts/check/module-state.ts";
import { fixtureTree } from "./fixture-tree.ts";

function findings(text: string, file = "src/sql/a.ts"): readonly string[] {
  return checkModuleState(fixtureTree({ [file]: text })).map(formatFinding);
}

test.each([
  ["let last = 0;", "`let`"],
  ["export let last: number;", "`let`"],
  ["{ var last = 0; }", "`var`"],
  ["const cache = new Map<string, string>();", "`new Map`"],
  ["const seen = Object.freeze({ keys: new WeakSet() });", "`new WeakSet`"],
  ["const names = new Set(['a']);", "with the type ReadonlySet"],
  ["class A { static readonly cache = new WeakMap(); }", "`new WeakMap`"],
  ["const queue: string[] = [];", "begins empty"],
  ["const byName: Record<string, string> = {};", "begins empty"],
  ['import { Pool } from "pg"; export const pool = new Pool();', "`new Pool`"],
  ['import pg from "pg"; export const pool = new pg.Pool();', "`new pg`"],
  ['import postgres from "postgres"; const sql = postgres("x");', "`postgres` of postgres"],
  ['import * as neon from "@neondatabase/serverless"; neon.neon("x");', "`neon` of @neondatabase/serverless"],
  ["setInterval(() => {}, 1);", "`setInterval`"],
  ["globalThis.setTimeout(() => {}, 1);", "`setTimeout`"],
  ["const started = Date.now();", "`Date`"],
  ["const id = crypto.randomUUID();", "`crypto`"],
  ['await fetch("x");', "`await`"],
])("%s is refused", (text, why) => {
  expect(findings(text)[0]).toContain("src/sql/a.ts:1 at module level: ");
  expect(findings(text).join("\n")).toContain(why);
});

test("state inside functions, and constants, pass", () => {
  const text = `
    import postgres from "postgres";
    const transient: ReadonlySet<string> = new Set(["40001"]);
    const names: ReadonlyMap<string, string> = new Map([["a", "b"]]);
    const none: readonly string[] = [];
    const columns = ["a", "b"].join(", ");
    const encoder = new TextEncoder();
    const make = () => new Map();
    class A { readonly cache = new Map(); open() { let sql = postgres("x"); return sql; } }
    export function open() { let count = 0; setTimeout(() => { count += 1; }, 1); return postgres("x"); }
  `;
  expect(findings(text)).toEqual([]);
});

test("the rooms that are for Node alone may keep state", () => {
  expect(findings("let server = new Map();", "src/local/a.ts")).toEqual([]);
});
