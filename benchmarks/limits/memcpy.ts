// How fast this machine copies memory: into memory that was never touched, and into warm memory.
const COPY_BYTES = 256 << 20;

function copySeconds(target: Buffer, source: Buffer): number {
  const startMs = performance.now();
  source.copy(target);
  return (performance.now() - startMs) / 1000;
}

const source = Buffer.alloc(COPY_BYTES, 1);
const target = Buffer.allocUnsafeSlow(COPY_BYTES);
const freshSeconds = copySeconds(target, source);
const warmSeconds = Math.min(copySeconds(target, source), copySeconds(target, source));
const figures = {
  memcpyFreshBytesPerSecond: COPY_BYTES / freshSeconds,
  memcpyWarmBytesPerSecond: COPY_BYTES / warmSeconds,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
