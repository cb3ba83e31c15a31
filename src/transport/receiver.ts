import type { Socket } from "node:net";

/** What an idle connection keeps. */
const SMALL_BYTES = 64 * 1024;
/** What a busy one receives into: fewer and larger reads, and writes of a size that disks like. */
const LARGE_BYTES = 1024 * 1024;
/** Less room than this is not worth a read. */
const ROOM_BYTES_MIN = 16 * 1024;
/** Received memory that is still in use elsewhere; beyond it, the peer is slowed down. */
const HELD_BYTES_MAX = 3 * LARGE_BYTES;
/** The same of all connections of this process together: a worker may pull from hundreds at once. */
const ALL_HELD_BYTES_MAX = 64 * LARGE_BYTES;
/** Free large buffers that wait for the next busy connection, of all connections of this process. */
const FREE_LARGE_MAX = 8;

type Slab = { readonly bytes: Uint8Array<ArrayBuffer>; users: number };

/** Memory that was written to before: fresh pages cost more than the copy into them. */
const freeLarge: Uint8Array<ArrayBuffer>[] = [];

/** What all connections hold, and how those go on that wait for less of it. */
let allHeldBytes = 0;
const waitingForAll = new Set<() => void>();

/**
 * Has a socket receive into memory that is used again, in place of a new buffer for every read. What
 * a chunk's reader wants to keep it copies, or holds until it has done with it.
 *
 *     slab  | chunk | chunk | chunk |  room  |      a busy connection has up to four of them
 */
export type Receiver = {
  /** For `net.connect`, which takes it only when the socket is made. */
  readonly onread: { buffer(): Uint8Array; callback(byteCount: number): boolean };
  /** Whoever owns the socket takes the chunks from now on; each is valid during the call. */
  start(socket: Socket, onData: (chunk: Uint8Array) => void): void;
  /** Within `onData`: the chunk is valid until the promise has settled. */
  holdUntil(done: Promise<unknown>): void;
  /** Stops and continues what `start` was given. */
  pause(): void;
  resume(): void;
};

export function createReceiver(): Receiver {
  let slab = createSlab(SMALL_BYTES);
  let usedBytes = 0;
  let heldBytes = 0;
  let isPaused = false;
  let socket: Socket | undefined;
  let onData: (chunk: Uint8Array) => void = () => {};
  let chunkBytes = 0;

  const mayReceive = (): boolean => {
    if (isPaused || heldBytes > HELD_BYTES_MAX) return false;
    // Who holds nothing goes on: it is told of nothing that would let it go on later.
    if (heldBytes === 0 || allHeldBytes <= ALL_HELD_BYTES_MAX) return true;
    waitingForAll.add(update);
    return false;
  };

  /** Whether the socket is stopped because of what is held or because it was asked for. */
  let isStopped = false;

  const update = (): void => {
    const stops = !mayReceive();
    if (stops === isStopped) return;
    isStopped = stops;
    if (socket === undefined || socket.destroyed) return;
    if (stops) socket.pause();
    else socket.resume();
  };

  const changeSlab = (sizeBytes: number): void => {
    const old = slab;
    slab = createSlab(sizeBytes);
    usedBytes = 0;
    if (old.users === 0) recycle(old);
  };

  /** Chooses where the next read goes to, by what the last one brought. */
  const prepare = (readBytes: number): void => {
    const isLarge = slab.bytes.length === LARGE_BYTES;
    if (slab.users === 0) usedBytes = 0;
    const roomBytes = slab.bytes.length - usedBytes;
    if (!isLarge && readBytes >= SMALL_BYTES / 2) changeSlab(LARGE_BYTES);
    else if (roomBytes < ROOM_BYTES_MIN) changeSlab(isLarge ? LARGE_BYTES : SMALL_BYTES);
    else if (isLarge && slab.users === 0 && readBytes < ROOM_BYTES_MIN) changeSlab(SMALL_BYTES);
  };

  const copyIn = (chunk: Uint8Array): void => {
    for (let start = 0; start < chunk.length; ) {
      const room = receiver.onread.buffer();
      const part = chunk.subarray(start, start + room.length);
      room.set(part);
      receiver.onread.callback(part.length);
      start += part.length;
    }
  };

  const receiver: Receiver = {
    onread: {
      buffer: () => slab.bytes.subarray(usedBytes),
      callback: (byteCount) => {
        const chunk = slab.bytes.subarray(usedBytes, usedBytes + byteCount);
        usedBytes += byteCount;
        chunkBytes = byteCount;
        onData(chunk);
        prepare(byteCount);
        update();
        return !isStopped;
      },
    },
    start(started, take) {
      socket = started;
      onData = take;
      // TLS gives what it has decrypted in buffers of its own.
      if ("encrypted" in started) started.on("data", copyIn);
      if (isStopped) socket.pause();
    },
    holdUntil(done) {
      const held = slab;
      const bytes = chunkBytes;
      held.users += 1;
      heldBytes += bytes;
      allHeldBytes += bytes;
      const release = (): void => {
        held.users -= 1;
        if (held.users === 0 && held !== slab) recycle(held);
        heldBytes -= bytes;
        allHeldBytes -= bytes;
        update();
        if (allHeldBytes <= ALL_HELD_BYTES_MAX) wakeAll();
      };
      done.then(release, release);
    },
    pause() {
      isPaused = true;
      update();
    },
    resume() {
      isPaused = false;
      update();
    },
  };
  return receiver;
}

function wakeAll(): void {
  const waiting = [...waitingForAll];
  waitingForAll.clear();
  for (const update of waiting) update();
}

function createSlab(sizeBytes: number): Slab {
  const warm = sizeBytes === LARGE_BYTES ? freeLarge.pop() : undefined;
  return { bytes: warm ?? new Uint8Array(sizeBytes), users: 0 };
}

function recycle({ bytes }: Slab): void {
  if (bytes.length === LARGE_BYTES && freeLarge.length < FREE_LARGE_MAX) freeLarge.push(bytes);
}
