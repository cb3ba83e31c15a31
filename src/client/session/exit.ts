/** What is to be done when the process ends by itself. */
const leaving = new Set<() => void>();

const leaveAll = (): void => {
  for (const leave of leaving) leave();
};

/** Calls `leave`, which must do all at once, when the process exits; returns how to stop that. */
export function onProcessExit(leave: () => void): () => void {
  if (leaving.size === 0) process.on("exit", leaveAll);
  leaving.add(leave);
  return () => {
    leaving.delete(leave);
    if (leaving.size === 0) process.off("exit", leaveAll);
  };
}
