import { runQuietly, say, succeeds } from "./process.mjs";

/**
 * Installs packages of Debian where that is possible: as root, with apt-get.
 * @returns whether they are installed now
 */
export function installDebianPackages(names) {
  if (process.getuid?.() !== 0 || !succeeds("apt-get", ["--version"])) return false;
  say(`Installing ${names.join(", ")} with apt-get`);
  try {
    process.env.DEBIAN_FRONTEND = "noninteractive";
    runQuietly("apt-get", ["update", "-qq"]);
    runQuietly("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names]);
    return true;
  } catch (error) {
    say(error.message);
    return false;
  }
}
