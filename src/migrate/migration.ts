/** One step of a schema, as it stands in `migrations/<set>/NNNN-name.sql`. A published one is never edited. */
export interface Migration {
  /** 1, 2, 3 … without holes. */
  readonly id: number;
  readonly name: string;
  /** May hold several statements. Schema and prefix are written with their default names. */
  readonly sql: string;
  /** SHA-256 of the file, hexadecimal. The ledger keeps it, so that an edited migration is noticed. */
  readonly checksum: string;
}
