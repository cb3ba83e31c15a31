import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { readWorkflows } from "../../src/simulator/workflows/read-workflows.ts";
import type { Workflow } from "../../src/simulator/workflows/workflow.ts";

/** All workflows in the files of a directory and its folders: JSON, or JSON that gzip has packed. */
export function readData(directory: string): Workflow[] {
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.json(\.gz)?$/.test(path))
    .sort();
  return paths.flatMap((path) => {
    const bytes = readFileSync(join(directory, path));
    return readWorkflows((path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString());
  });
}
