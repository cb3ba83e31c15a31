import type { Brand } from "../base/brand.ts";

/** The server's own number of a task: its row in the task columns. A row is used again once its task is gone. */
export type TaskId = Brand<number, "TaskId">;
/** The number that a client gave its task; unique within that client only. Any int32. */
export type ClientTaskId = Brand<number, "ClientTaskId">;
/** A connected client. Never used again while the server lives. */
export type ClientId = Brand<number, "ClientId">;
/** A worker that has joined. Never used again while the server lives. */
export type WorkerId = Brand<number, "WorkerId">;
/**
 * One try to run a task. It counts up per row and is never reset, also when the row gets its next
 * task, so that (TaskId, Attempt) names one data object for the life of the server.
 */
export type Attempt = Brand<number, "Attempt">;

export const taskId = (value: number): TaskId => value as TaskId;
export const clientTaskId = (value: number): ClientTaskId => value as ClientTaskId;
export const clientId = (value: number): ClientId => value as ClientId;
export const workerId = (value: number): WorkerId => value as WorkerId;
export const attempt = (value: number): Attempt => value as Attempt;
