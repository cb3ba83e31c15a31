import { HyperloomError } from "../../core/model/errors.ts";
import { malformed } from "./checked-json.ts";
import { isEstee, readEstee } from "./estee.ts";
import { isWfFormat, readWfFormat } from "./wf-format.ts";
import type { Workflow } from "./workflow.ts";

/**
 * The workflows in the text of a JSON file: one of WfFormat (1.4 or 1.5), or a set of Estee graphs.
 * Throws HyperloomError `invalid-argument` with a sentence that names the place in the file.
 */
export function readWorkflows(text: string): Workflow[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HyperloomError(
      "invalid-argument",
      `The workflow cannot be read: it is no JSON (${reason}).`,
      { cause },
    );
  }
  if (isWfFormat(json)) return [readWfFormat(json)];
  if (isEstee(json)) return readEstee(json);
  throw malformed(
    "the file",
    "is neither WfFormat (`workflow`) nor a set of Estee graphs (`graph`)",
  );
}
