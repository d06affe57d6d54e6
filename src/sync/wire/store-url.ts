import { ValidationError } from "../../errors.ts";
import { checkStoreName } from "../../sql/key.ts";

/**
 * The URL of a store: as it is when it ends in `/sync/v1/<store>`, else that and `store` are added. Its query is kept.
 *
 * @throws ValidationError, whose message does not show the URL
 */
export function storeUrl(url: string, store: string | undefined): URL {
  if (!URL.canParse(url)) throw new ValidationError("httpReplica: the URL is none; give https://host/sync/v1/<store>");
  const parsed = new URL(url);
  if (!/^https?:$/.test(parsed.protocol)) throw new ValidationError("httpReplica: the URL must begin with https://");
  if (parsed.username !== "" || parsed.password !== "") {
    throw new ValidationError("httpReplica: the URL holds a user or password; give a token with authToken");
  }
  parsed.hash = "";
  const path = parsed.pathname.replace(/\/+$/, "");
  if (/\/sync\/v1\/[^/]+$/.test(path)) {
    if (store !== undefined && !path.endsWith(`/${encodeURIComponent(store)}`)) {
      throw new ValidationError("httpReplica: the URL is that of another store than `store` names; give one of them");
    }
    parsed.pathname = path;
    return parsed;
  }
  if (store === undefined) {
    throw new ValidationError("httpReplica: the URL names no store; end it in /sync/v1/<store>, or give `store`");
  }
  parsed.pathname = `${path.replace(/\/sync\/v1$/, "")}/sync/v1/${encodeURIComponent(checkStoreName(store))}`;
  return parsed;
}
