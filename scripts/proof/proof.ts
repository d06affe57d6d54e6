/** Something that must hold, shown by running it. */
export interface Proof {
  readonly about: string;
  /** Flags with their defaults. */
  readonly options: Readonly<Record<string, string | number>>;
  /** Throws {@link ProofFailure} when it does not hold. `database` is the URL of a superuser on a server of one's own. */
  run(database: string, values: ProofValues): Promise<void>;
}

/** What was given for each flag, or its default. */
export type ProofValues = Readonly<Record<string, string>>;

/** What was to be shown did not hold, or the flags make no sense. */
export class ProofFailure extends Error {
  override readonly name = "ProofFailure";
}

/** A flag as a number. */
export function numberOf(values: ProofValues, flag: string): number {
  const value = Number(values[flag]);
  if (!Number.isFinite(value)) throw new ProofFailure(`--${flag} must be a number`);
  return value;
}
