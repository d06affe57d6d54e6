import { describeProfiles } from "../contract/profiles.ts";
import { routes } from "./routes.ts";

for (const [index, [route, open]] of Object.entries(routes).entries()) {
  describeProfiles(`${route}, in workerd`, open, { schema: `workerd_profiles_${index}` });
}
