// Preloaded by a process whose wall clock is to jump: each time that it is asked it says another
// time, up to a day before or after the last one.
const DAY_MS = 86_400_000;
const RealDate = Date;
let state = 1;
let offsetMs = 0;

function now() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  offsetMs += (state / 2 ** 32 - 0.5) * 2 * DAY_MS;
  return Math.floor(RealDate.now() + offsetMs);
}

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(now());
    else super(...args);
  }

  static now() {
    return now();
  }
};
