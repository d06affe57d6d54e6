import { expect, it } from "vitest";
import { numbers, profile } from "./profile-document.ts";
import type { OpenProfiles } from "./profiles.ts";

export function describeProfileAudit(profiles: OpenProfiles): void {
  it("counts revisions and says what changed, and by whom", async () => {
    const context = { actor: "alice", request_id: "r1", trace_id: "t1", more: "is not recorded" };
    await profiles().saveProfile(profile("audited", { colour: "red" }), { context });
    await profiles().saveProfile(profile("audited", { colour: "blue" }));
    const { entries } = await profiles().listAuditEntries("audited", { order: "oldest" });
    expect(entries).toMatchObject([
      { entry: 1, revision: 1, action: "save", payload: { actor: "alice", request_id: "r1", trace_id: "t1" } },
      { entry: 2, revision: 2, action: "save", payload: { changed_paths: ["colour", "metadata"] } },
    ]);
    expect(JSON.stringify(entries)).not.toContain("is not recorded");
    expect(await profiles().verifyAuditChain("audited")).toEqual({ valid: true, entries: 2 });
  });

  it("ends exactly: a full last page has no cursor", async () => {
    for (const n of numbers(4)) await profiles().saveProfile(profile("exact", { n }));
    const first = await profiles().listAuditEntries("exact", { limit: 2 });
    expect(first.entries).toHaveLength(2);
    const second = await profiles().listAuditEntries("exact", { limit: 2, cursor: first.cursor });
    expect(second).toMatchObject({ cursor: null, entries: [{ entry: 2 }, { entry: 1 }] });
    expect(await profiles().listAuditEntries("nobody")).toEqual({ entries: [], cursor: null });
  });

  it("takes no cursor of another profile, another order, or of nobody's", async () => {
    for (const n of numbers(3)) await profiles().saveProfile(profile("bound", { n }));
    const { cursor } = await profiles().listAuditEntries("bound", { limit: 1 });
    for (const [id, options] of [
      ["exact", { cursor }],
      ["bound", { cursor, order: "oldest" }],
      ["bound", { cursor: "nonsense" }],
      ["bound", { cursor: "" }],
      ["bound", { cursor: btoa(JSON.stringify({ v: 1, p: "bound", o: "newest", e: "1; drop" })) }],
      ["bound", { limit: 0 }],
      ["bound", { limit: 1001 }],
      ["bound", { order: "up" as "oldest" }],
    ] as const) {
      await expect(profiles().listAuditEntries(id, options)).rejects.toMatchObject({
        code: "validation",
        outcome: "not-sent",
      });
    }
  });
}
