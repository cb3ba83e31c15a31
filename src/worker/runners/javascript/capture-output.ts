/** Longer lines are cut into several. */
const LINE_CHARACTERS_MAX = 8192;

/** Takes a line; false if nobody wants it, and it is to be printed. */
export type LineTaker = (level: "info" | "error", line: string) => boolean;

/**
 * Gives what user code prints to `take`, line by line: the output of the process comes on another
 * way to the worker, where it would be taken for that of another call. Returns a function that gives
 * what has no end of line yet.
 */
export function captureOutput(take: LineTaker): () => void {
  const flushes = [capture(process.stdout, "info", take), capture(process.stderr, "error", take)];
  return () => {
    for (const flush of flushes) flush();
  };
}

function capture(stream: NodeJS.WriteStream, level: "info" | "error", take: LineTaker): () => void {
  const print = stream.write.bind(stream);
  let rest = "";
  const give = (line: string): void => {
    if (!take(level, line)) print(`${line}\n`);
  };
  const flush = (): void => {
    const line = rest;
    rest = "";
    if (line !== "") give(line);
  };
  stream.write = (
    chunk: string | Uint8Array,
    encodingOrDone?: BufferEncoding | ((error?: Error | null) => void),
    done?: (error?: Error | null) => void,
  ): boolean => {
    const encoding = typeof encodingOrDone === "string" ? encodingOrDone : "utf8";
    const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
    const lines = (rest + bytes.toString()).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(give);
    if (rest.length > LINE_CHARACTERS_MAX) flush();
    const onDone = typeof encodingOrDone === "function" ? encodingOrDone : done;
    if (onDone !== undefined) process.nextTick(onDone);
    return true;
  };
  return flush;
}
