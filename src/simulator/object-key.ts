/** Names the data object that an attempt of a task made, as a key of a Map or a Set. */
export const objectKey = (task: number, attempt: number): string => `${task}.${attempt}`;
