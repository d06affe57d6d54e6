/** Something that must hold under load, shown by running it. */
export interface Proof {
  readonly about: string;
  /** Flags with their defaults; all are numbers. */
  readonly options: Readonly<Record<string, number>>;
  /** Throws {@link ProofFailure} when it does not hold. `database` is the URL of a superuser on a server of one's own. */
  run(database: string, options: Readonly<Record<string, number>>): Promise<void>;
}

/** What was to be shown did not hold. */
export class ProofFailure extends Error {
  override readonly name = "ProofFailure";
}
