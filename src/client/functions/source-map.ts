import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A source map whose sources have addresses of their own, wherever the code will lie. */
export function pointAtSources(mapText: string, directory: string): string {
  const map = JSON.parse(mapText) as { sources: readonly string[] };
  const sources = map.sources.map((source) => pathToFileURL(resolve(directory, source)).href);
  return JSON.stringify({ ...map, sources });
}
