/** What whoever connects may do: a certificate names it, or a key that was proved, or the kernel's tables. */
export const ROLES = ["client", "worker", "viewer", "server"] as const;

/**
 * `client` submits plans, fetches, ends the server; `worker` executes; `viewer` may only look;
 * `server` schedules, and pulls data for clients.
 */
export type Role = (typeof ROLES)[number];

export const isRole = (text: unknown): text is Role => ROLES.some((role) => role === text);
