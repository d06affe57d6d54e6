/** Something that a driver does otherwise than it was told, which its owner should know of. */
export interface DriverWarning {
  /** `url-keys-left-out`: keys of the connection string have no effect. */
  readonly code: "url-keys-left-out";
  /** For people. Holds names, never values. */
  readonly message: string;
}

/** Told while the driver is made. Must not throw. */
export type WarningListener = (warning: DriverWarning) => void;
