import type { Random } from "../core/base/random.ts";
import type { VirtualClock } from "./clock.ts";

/** How long a message takes on its way. */
export type LinkTiming = {
  readonly latencyUs: number;
  /** Each message takes up to this much longer, by chance. */
  readonly jitterUs: number;
};

/** One direction of a connection: messages arrive in the order in which they were sent. */
export type Link<Message> = {
  send(message: Message): void;
  /** The sender is gone: what was sent still arrives, and then the end. */
  end(): void;
  /** The receiver is gone, or the way to it: nothing arrives any more. */
  cut(): void;
  /** Nothing that is sent from now on arrives before so much time is over. */
  hold(durationUs: number): void;
};

/** `onEnd` is called once, after the last message, when the sender has ended the link. */
export function createLink<Message>(
  clock: VirtualClock,
  random: Random,
  timing: LinkTiming,
  onMessage: (message: Message) => void,
  onEnd: () => void,
): Link<Message> {
  let isCut = false;
  let hasEnded = false;
  let lastArrivalUs = 0;

  const deliver = (action: () => void): void => {
    const wayUs = timing.latencyUs + random.unit() * timing.jitterUs;
    // A later message waits behind an earlier one that was slow.
    lastArrivalUs = Math.max(lastArrivalUs, clock.nowUs() + wayUs);
    clock.scheduleAt(lastArrivalUs, () => {
      if (!isCut) action();
    });
  };

  return {
    send: (message) => {
      if (!isCut && !hasEnded) deliver(() => onMessage(message));
    },
    end: () => {
      if (isCut || hasEnded) return;
      hasEnded = true;
      deliver(onEnd);
    },
    cut: () => {
      isCut = true;
    },
    hold: (durationUs) => {
      lastArrivalUs = Math.max(lastArrivalUs, clock.nowUs() + durationUs);
    },
  };
}
