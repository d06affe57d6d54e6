/**
 * What to try first, one command a line: each works alone, in any shell, from the project's folder.
 *
 * @param url where the worker listens, without a slash at the end
 * @param headersFile holds the token, so that it is in no command line
 */
export function commands(url: string, headersFile: string): readonly string[] {
  const curl = `  curl -H @${headersFile}`;
  const profile = JSON.stringify({ profile_id: "ada", user_id: "u1", likes: ["maps"] });
  const push = JSON.stringify({
    client: "laptop",
    mutations: [{ id: 1, op: "put", key: "note-1", value: { text: "hello" }, base: 0 }],
  });
  return [
    `${curl} -X PUT ${url}/profiles/v1/ada -d '${profile}'`,
    `${curl} ${url}/profiles/v1/ada`,
    `${curl} ${url}/sync/v1/notes/push -d '${push}'`,
    `${curl} '${url}/sync/v1/notes/pull?limit=10'`,
  ];
}
