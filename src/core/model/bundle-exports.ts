/** What a bundle that has apache-arrow exports for the runner, beside the functions of the user. */
export const ARROW_READER = "__hyperloomTableFromIPC";
export const ARROW_WRITER = "__hyperloomTableToIPC";
