import { describe, expect, it } from "vitest";
import { asOwner } from "./application-role.ts";
import { numbers, profile, withNewProfiles } from "./new-profiles.ts";

const profiles = withNewProfiles();

/** Four at a time, beside readers. */
async function saveByFour(id: string, count: number): Promise<void> {
  const save = async () => {
    for (const n of numbers(count / 4)) await profiles().repository.saveProfile(profile(id, { n }));
  };
  await Promise.all([save(), save(), save(), save()]);
}

describe("32 saves of one profile at once", () => {
  it("get revisions and entries without a gap, in one chain that verifies", async () => {
    const { repository } = profiles();
    const saved = await Promise.all(numbers(32).map((n) => repository.saveProfile(profile("crowded", { n }))));
    expect(saved.map(({ metadata }) => metadata.revision).sort((a, b) => a - b)).toEqual(numbers(32));
    const { entries, cursor } = await repository.listAuditEntries("crowded", { order: "oldest" });
    expect(cursor).toBeNull();
    expect(entries.map(({ entry }) => entry)).toEqual(numbers(32));
    expect(entries.map(({ revision }) => revision)).toEqual(numbers(32));
    expect(new Set(entries.map(({ chain }) => chain))).toEqual(new Set([1]));
    expect(await repository.verifyAuditChain("crowded")).toEqual({ valid: true, entries: 32 });
  });

  it("never make a verification meanwhile fail", async () => {
    const { repository } = profiles();
    let saving = true;
    const saves = saveByFour("watched", 100).finally(() => {
      saving = false;
    });
    const verdicts = [];
    while (saving) verdicts.push(await repository.verifyAuditChain("watched"));
    await saves;
    expect(verdicts.length).toBeGreaterThan(10);
    expect(verdicts.filter(({ valid }) => !valid)).toEqual([]);
  });
});

describe("a log that was changed behind the repository's back", () => {
  const flip = (column: string) => `${column} = translate(${column}, '0123456789abcdef', '123456789abcdef0')`;
  const changes = [
    [
      "a character of the payload",
      'update pson_profile_audit set payload = payload || \'{"actor": "alicf"}\' where entry = 5',
      5,
      "payload",
    ],
    ["the salt", `update pson_profile_audit set ${flip("salt")} where entry = 5`, 5, "payload"],
    ["the payload is gone", "update pson_profile_audit set payload = null, salt = null where entry = 5", 5, "erased"],
    ["the action", "update pson_profile_audit set action = 'savf' where entry = 5", 5, "entry"],
    ["the revision", "update pson_profile_audit set revision = 6 where entry = 5", 5, "entry"],
    [
      "the time",
      "update pson_profile_audit set recorded_at = recorded_at + interval '1 microsecond' where entry = 5",
      5,
      "entry",
    ],
    ["the tenant", "update pson_profile_audit set tenant_id = 'b' where entry = 5", 5, "entry"],
    [
      "a character of the commitment",
      `update pson_profile_audit set ${flip("commitment")} where entry = 5`,
      5,
      "entry",
    ],
    ["a character of the hash", `update pson_profile_audit set ${flip("entry_hash")} where entry = 5`, 5, "entry"],
    [
      "a character of the hash before",
      `update pson_profile_audit set ${flip("previous_hash")} where entry = 5`,
      5,
      "link",
    ],
    ["a row in the middle is gone", "delete from pson_profile_audit where entry = 5", 5, "missing"],
    ["the first row is gone", "delete from pson_profile_audit where entry = 1", 1, "missing"],
    ["the last row is gone", "delete from pson_profile_audit where entry = 8", 8, "head"],
    ["all rows are gone", "delete from pson_profile_audit where true", 1, "head"],
    ["the profile is gone without a trace", "delete from pson_profiles where true", 9, "head"],
  ] as const;

  it.each(changes)("is found out: %s", async (name, change, badEntry, why) => {
    const { database, repository } = profiles();
    const id = `tampered: ${name}`;
    for (const n of numbers(8)) await repository.saveProfile(profile(id, { n }), { context: { actor: "alice" } });
    expect(await repository.verifyAuditChain(id)).toEqual({ valid: true, entries: 8 });
    await asOwner(database.postgres, `set session_replication_role = replica; ${change} and profile_id = '${id}'`);
    expect(await repository.verifyAuditChain(id)).toMatchObject({ valid: false, badEntry, why });
  });
});

describe("deleting a profile", () => {
  /** Each string is found nowhere else. */
  const personal = {
    user_id: "zoe.quintal@example.org",
    biography: { text: "Zoë collects kestrel feathers", tags: ["ornithology-zq"], "private-member-zq": 1 },
  };
  const context = { actor: "operator-zq-77", request_id: "request-zq-4711", trace_id: "trace-zq-0815" };

  it("leaves no personal text in any table, and a log that verifies", async () => {
    const { repository, rows } = profiles();
    await repository.saveProfile(profile("zoe", personal), { context, idempotent: true });
    await repository.saveProfile(profile("zoe", { ...personal, more: 1 }), { context });
    await repository.writeCurrentProfile({ ...profile("zoe", personal), metadata: { revision: 9 } }, { context });
    expect(await everyRow()).toMatch(/kestrel/);

    expect(await repository.deleteProfile("zoe", { context })).toBe(true);
    const left = await everyRow();
    for (const text of [
      "zoe.quintal",
      "kestrel",
      "ornithology-zq",
      "private-member-zq",
      "biography",
      ...Object.values(context),
    ]) {
      expect(left).not.toContain(text);
    }
    expect(left).toContain("zoe");
    expect(await repository.verifyAuditChain("zoe")).toEqual({ valid: true, entries: 4 });
    expect(await repository.listAuditEntries("zoe")).toMatchObject({
      entries: [{ action: "delete", revision: 9 }, { payload: null }, { payload: null }, { payload: null }],
    });

    async function everyRow(): Promise<string> {
      const tables = await rows("select tablename as name from pg_tables where schemaname = 'public'");
      const texts = await Promise.all(tables.map(({ name }) => rows(`select t::text as text from public.${name} t`)));
      return texts
        .flat()
        .map(({ text }) => String(text))
        .join("\n");
    }
  });
});

describe("pages of a log", () => {
  it.each(["oldest", "newest"] as const)("neither skip nor repeat while saves go on: %s first", async (order) => {
    const { repository } = profiles();
    const id = `paged ${order}`;
    for (const n of numbers(40)) await repository.saveProfile(profile(id, { n }));
    const saves = saveByFour(id, 60);

    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const page = await repository.listAuditEntries(id, { limit: 7, cursor, order });
      seen.push(...page.entries.map(({ entry }) => entry));
      cursor = page.cursor;
    } while (cursor !== null);
    await saves;

    if (order === "oldest") expect(seen.length).toBeGreaterThan(40);
    const first = seen[0] ?? 0;
    const expected = order === "oldest" ? numbers(seen.length) : numbers(first).reverse();
    expect(seen).toEqual(expected);
    expect(seen.length).toBeGreaterThanOrEqual(40);
  });
});
