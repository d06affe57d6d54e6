/**
 * Puts the Node that was installed as a package first on the path of `npm run`. npm makes that link itself; npm 10 then removes it
 * together with the package for the other processor, whose program has the same name.
 *
 * Runs after every install, with whatever Node there is. Where the package is not installed, nothing happens.
 */
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = join(dirname(fileURLToPath(import.meta.url)), "../node_modules");
const program = `node-${process.platform}-${process.arch}/bin/node`;
const link = join(modules, ".bin/node");

if (existsSync(join(modules, program)) && !existsSync(link)) {
  mkdirSync(dirname(link), { recursive: true });
  // A link that leads nowhere counts as absent, and is in the way.
  rmSync(link, { force: true });
  symlinkSync(`../${program}`, link);
}
