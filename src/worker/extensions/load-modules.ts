import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { HyperloomError } from "../../core/model/errors.ts";
import { TASK_TYPE_MARK, type TaskType } from "../extension.ts";

/** Imports the modules and gathers the task types that they export, by name. Rejects with `module-unusable`. */
export async function loadModules(paths: readonly string[]): Promise<Map<string, TaskType>> {
  const types = new Map<string, TaskType>();
  for (const path of paths) {
    const found = await loadModule(path);
    if (found.length === 0) throw unusable(path, "it exports no task type");
    for (const type of found) {
      if (types.has(type.name)) throw unusable(path, `task type '${type.name}' is there twice`);
      types.set(type.name, type);
    }
  }
  return types;
}

async function loadModule(path: string): Promise<TaskType[]> {
  let exported: Record<string, unknown>;
  try {
    exported = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    throw unusable(path, error instanceof Error ? error.message : String(error), error);
  }
  // A type may be exported under several names, also as the default.
  return [...new Set(Object.values(exported).flat().filter(isTaskType))];
}

function isTaskType(value: unknown): value is TaskType {
  return typeof value === "object" && value !== null && TASK_TYPE_MARK in value;
}

function unusable(path: string, reason: string, cause?: unknown): HyperloomError {
  const message = `The module '${path}' cannot be loaded: ${reason}`;
  return new HyperloomError("module-unusable", message, { cause });
}
