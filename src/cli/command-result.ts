/** Where a command's action leaves its exit status. */
export type CommandResult = { exitCode: number };
