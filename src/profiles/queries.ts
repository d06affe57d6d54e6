import { quoteIdentifier } from "../sql/identifier.ts";

export interface ProfileNames {
  /** Default `public`. */
  readonly schema: string;
  /** Default `pson_`. */
  readonly tablePrefix: string;
}

/** The text of each statement of the repository, one per operation. */
export interface ProfileQueries {
  /** `$1` profile id, `$2` tenant or null. */
  readonly loadProfile: string;
  /** `$1` profile id, `$2` tenant or null, `$3` JSON array of revisions that need no document; null when none does. */
  readonly loadChangedProfile: string;
  /** `$1` profile id, `$2` document, `$3` expected revision, 'present' or null, `$4` context; all JSON as text. */
  readonly saveProfile: string;
  /** `$1` user id, `$2` tenant or null. */
  readonly findProfilesByUserId: string;
}

/** @throws ValidationError when a name cannot be an identifier */
export function profileQueries(names: ProfileNames): ProfileQueries {
  const schema = quoteIdentifier(names.schema, "schema");
  const named = (name: string) => `${schema}.${quoteIdentifier(`${names.tablePrefix}${name}`, "tablePrefix")}`;

  return {
    loadProfile: `select p.revision, p.document
from ${named("profiles")} p
where p.profile_id = $1 and ($2::text is null or p.tenant_id = $2)`,

    loadChangedProfile: `select p.revision,
  case when coalesce($3::text::jsonb @> to_jsonb(p.revision), true) then null else p.document end as document
from ${named("profiles")} p
where p.profile_id = $1 and ($2::text is null or p.tenant_id = $2)`,

    saveProfile: `select status, revision
from ${named("save_profile")}($1, $2, $3, $4)`,

    findProfilesByUserId: `select p.revision, p.document
from ${named("domain_index")} d
join ${named("profiles")} p on p.profile_id = d.profile_id
where d.user_id = $1 and ($2::text is null or p.tenant_id = $2)
order by d.profile_id`,
  };
}
