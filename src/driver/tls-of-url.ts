import { ValidationError } from "../errors.ts";
import type { TlsOptions } from "./connection-parameters.ts";

export interface TlsOfUrl {
  readonly ssl: false | TlsOptions;
  /** Keys that had a say in it. */
  readonly used: ReadonlySet<string>;
}

/**
 * What the query of a connection string asks for.
 *
 * | | |
 * |---|---|
 * | `sslmode` or `ssl`: `require`, `verify-ca`, `verify-full`; `ssl=true`, `ssl=1`; `sslrootcert=system` | TLS, the certificate is checked |
 * | `sslmode` or `ssl`: `no-verify` | TLS without that check |
 * | `disable`, `allow`, `prefer`; `ssl=false`, `ssl=0`; nothing | no TLS |
 *
 * What asks for more than this gives, or cannot be understood, is refused: nobody is to believe in a protection that is not
 * there. What only changes the manner of it is left out.
 *
 * @throws ValidationError
 */
export function tlsOfUrl(query: URLSearchParams): TlsOfUrl {
  const asked = new Set<Ask>();
  const used = new Set<string>();
  const rest: [string, string][] = [];
  for (const [key, value] of query) {
    const ask = asks[key]?.[value];
    if (ask !== undefined) {
      asked.add(ask);
      used.add(key);
    } else if (key === "sslmode" || key === "ssl") {
      if (value !== "") throw new ValidationError(`connection string: ${key}: ${ADVICE}`);
    } else if (/ssl|tls|^gssencmode$/i.test(key)) rest.push([key, value]);
  }
  const isOff = asked.has("off");
  const isUnverified = asked.has("unverified");
  const isOn = isUnverified || asked.has("verified") || asked.has("on");
  if ((isOff && isOn) || (isUnverified && asked.has("verified"))) {
    throw new ValidationError("connection string: its keys about TLS contradict each other; give one of them");
  }
  for (const [key, value] of rest) {
    if (means(key, value, { isOff, isOn, isUnverified })) continue;
    throw new ValidationError(`connection string: ${nameOf(key)} asks for what is not done here; ${ADVICE}`);
  }
  return { ssl: isOn ? (isUnverified ? { rejectUnauthorized: false } : {}) : false, used };
}

/** A key of a URL as it may be shown: what is no name may be a piece of a password with a question mark in it. */
export function nameOf(key: string): string {
  return /^[a-z][a-z0-9_.]{0,39}$/i.test(key) ? key : "…";
}

const ADVICE =
  "write sslmode=require, verify-full, no-verify or disable; an authority of your own goes into `ssl.ca` of the parameters";

/** `on` leaves it to another key how the certificate is checked; `may` is content without. */
type Ask = "off" | "may" | "on" | "verified" | "unverified";

const modes: Readonly<Record<string, Ask>> = {
  disable: "off",
  allow: "may",
  prefer: "may",
  require: "verified",
  "verify-ca": "verified",
  "verify-full": "verified",
  "no-verify": "unverified",
};

const asks: Readonly<Record<string, Readonly<Record<string, Ask>>>> = {
  sslmode: modes,
  ssl: { ...modes, true: "on", "1": "on", false: "off", "0": "off" },
  sslrootcert: { system: "verified" },
};

interface Decided {
  readonly isOff: boolean;
  readonly isOn: boolean;
  readonly isUnverified: boolean;
}

/** Whether a key can be left out without less protection than it asks for. */
function means(key: string, value: string, { isOff, isOn, isUnverified }: Decided): boolean {
  if (/^(|0|false|off|no|disabled?)$/i.test(value)) return true;
  switch (key) {
    case "sslcompression":
    case "sslsni":
    case "sslnegotiation":
    case "sslcertmode":
    case "sslpassword":
    case "ssl_max_protocol_version":
      return true;
    // Who cannot show a certificate is not let in: no line is less safe for it, if there is one.
    case "sslcert":
    case "sslkey":
      return isOn || isOff;
    case "sslrootcert":
      return isOff || isUnverified;
    case "ssl_min_protocol_version":
      return isOff || /^TLSv1(\.[12])?$/i.test(value);
    case "sslcrl":
    case "sslcrldir":
      return isOff;
    case "gssencmode":
      return value !== "require";
    default:
      return false;
  }
}
