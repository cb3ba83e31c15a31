import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const IN_PACKAGE = /^(.*[/\\]node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+))[/\\]/;

/** What packages depend on that load an add-on, from a path that only they know. */
const ADD_ON_LOADERS = [
  "bindings",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "prebuild-install",
  "@mapbox/node-pre-gyp",
  "node-addon-api",
  "nan",
];

type Manifest = {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly binary?: unknown;
  readonly napi?: unknown;
  readonly gypfile?: unknown;
};

/** The npm package that a file belongs to, undefined for one of the user's own. */
export function packageOf(
  path: string,
): { readonly name: string; readonly root: string } | undefined {
  const [, root, name] = IN_PACKAGE.exec(path) ?? [];
  return root === undefined || name === undefined
    ? undefined
    : { name: name.replaceAll("\\", "/"), root };
}

/** Packages among these files that hold compiled code, which is made for one kind of machine. */
export function findNativePackages(paths: readonly string[]): string[] {
  const native = new Map<string, boolean>();
  for (const path of paths) {
    const found = packageOf(path);
    if (found === undefined) continue;
    if (path.endsWith(".node")) native.set(found.name, true);
    else if (!native.has(found.name)) native.set(found.name, isNative(found.root));
  }
  return [...native].filter(([, is]) => is).map(([name]) => name);
}

function isNative(root: string): boolean {
  if (existsSync(join(root, "binding.gyp"))) return true;
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  } catch {
    return false; // no manifest: a folder that is only named like a package's
  }
  const { dependencies = {}, binary, napi, gypfile } = manifest;
  if (binary !== undefined || napi !== undefined || gypfile !== undefined) return true;
  return ADD_ON_LOADERS.some((name) => name in dependencies);
}
