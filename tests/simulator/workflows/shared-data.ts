import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { readWorkflows } from "../../../src/simulator/workflows/read-workflows.ts";
import type { Workflow } from "../../../src/simulator/workflows/workflow.ts";

/** Recorded workflows, which are no part of the project: `HYPERLOOM_DATA`, or beside the checkout. */
export const DATA_DIRECTORY: string =
  process.env["HYPERLOOM_DATA"] ??
  fileURLToPath(new URL("../../../../shared/data", import.meta.url));

/** All workflows of a directory of the data; empty, with a warning, where it is not there. */
export function readDataDirectory(name: string): Workflow[] {
  const directory = join(DATA_DIRECTORY, name);
  if (!existsSync(directory)) {
    process.stderr.write(
      `\nWARNING: ${directory} does not exist, so real workflows are not tested here. ` +
        "Set HYPERLOOM_DATA to the directory with estee/ and wfinstances/.\n\n",
    );
    return [];
  }
  return readdirSync(directory)
    .filter((file) => file.endsWith(".json.gz"))
    .flatMap((file) => readWorkflows(gunzipSync(readFileSync(join(directory, file))).toString()));
}
