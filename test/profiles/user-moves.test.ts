import { expect, it } from "vitest";
import { numbers, profile, withNewProfiles } from "./new-profiles.ts";

const profiles = withNewProfiles();

it("a profile that moves between users is never shown under one that it does not belong to", async () => {
  const { repository } = profiles();
  const users = ["one", "two", "three"];
  await repository.saveProfile(profile("mover", { user_id: "one" }));
  let moving = true;
  const saves = Promise.all(
    users.map(async (user_id) => {
      for (const n of numbers(60)) await repository.saveProfile(profile("mover", { user_id, n }));
    }),
  ).finally(() => {
    moving = false;
  });

  let looks = 0;
  const wrong: unknown[] = [];
  async function look(): Promise<void> {
    for (const userId of users) {
      const found = await repository.findProfilesByUserId(userId);
      looks += 1;
      wrong.push(...found.filter(({ user_id }) => user_id !== userId), ...found.slice(1));
      const index = await repository.readUserProfileIndex(userId);
      if (index !== null && index.profile_ids.length !== 1) wrong.push(index);
    }
  }
  while (moving) await look();
  await saves;

  expect(wrong).toEqual([]);
  expect(looks).toBeGreaterThan(10);
  const { user_id } = await repository.loadProfile("mover");
  for (const userId of users) {
    const expected = userId === user_id ? ["mover"] : [];
    expect((await repository.findProfilesByUserId(userId)).map(({ profile_id }) => profile_id)).toEqual(expected);
  }
  const rows = await profiles().rows("select user_id from pson_domain_index where profile_id = 'mover'");
  expect(rows).toEqual([{ user_id }]);
});
