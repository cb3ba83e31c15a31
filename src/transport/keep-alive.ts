/**
 * For sockets: the system asks a peer that was silent for so long whether it is there, ten times at
 * intervals of a second, and breaks the connection where nothing answers. So a peer whose machine is
 * gone is noticed also where nobody sends it anything, as with clients that only wait.
 */
export const KEEP_ALIVE: { readonly keepAlive: true; readonly keepAliveInitialDelay: number } = {
  keepAlive: true,
  keepAliveInitialDelay: 15_000,
};
