/** Which npm packages belong to which part of the published package, as data. */

/** What a subpath may pull in from npm, statically or by `import()`. */
export interface SubpathRule {
  readonly packages: readonly string[];
  /** `node`: it may use Node's modules, and is not bundled for other runtimes. */
  readonly runtime: "any" | "node";
}

/** One row for each subpath of `exports`. `onetrip` itself pulls in nothing. */
export const subpathRules: Readonly<Record<string, SubpathRule>> = {
  ".": { packages: [], runtime: "any" },
  "./neon-http": { packages: ["@neondatabase/serverless"], runtime: "any" },
  "./neon-websocket": { packages: ["@neondatabase/serverless"], runtime: "any" },
  // A socket with NODELAY, loaded on Node alone.
  "./postgres": { packages: ["postgres", "node:net"], runtime: "any" },
  "./pg": { packages: ["pg"], runtime: "any" },
  "./pglite": { packages: ["@electric-sql/pglite"], runtime: "any" },
  "./profiles": { packages: [], runtime: "any" },
  "./sync": { packages: [], runtime: "any" },
  "./hono": { packages: ["hono", "jose"], runtime: "any" },
  "./keyv": { packages: [], runtime: "any" },
  "./unstorage": { packages: [], runtime: "any" },
  "./rxdb": { packages: ["rxjs"], runtime: "any" },
  "./local": { packages: ["@electric-sql/pglite", "pg", "ws"], runtime: "node" },
};

/**
 * The optional peers, each with the oldest version that is known to be sound. The version that the tests run with is
 * the pin in the root package.json; `"pinned"` means: from that one on, within its major version.
 */
export const peerRanges: Readonly<Record<string, string>> = {
  "@electric-sql/pglite": "pinned",
  "@neondatabase/serverless": "pinned",
  // Older ones have known holes: JWT algorithm confusion, a body limit that chunked bodies pass by.
  hono: "^4.13.5",
  jose: "pinned",
  pg: "pinned",
  // One flight per query leans on an internal of this release line.
  postgres: "~3.4.9",
  // Its types only.
  rxdb: "pinned",
  rxjs: "pinned",
  ws: "pinned",
};
