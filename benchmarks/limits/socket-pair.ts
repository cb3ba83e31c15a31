// How fast bytes go from one Node process to another: `socket-pair.js serve HOST BYTES` sends BYTES
// to whoever connects; `socket-pair.js HOST PORT BYTES fresh|warm` receives them and prints JSON.
import { type AddressInfo, connect, createServer } from "node:net";

const BLOCK_BYTES = 4 << 20;
/** Receiving again and again into the same memory, of which this much is in the caches. */
const WARM_BYTES = 256 * 1024;

function serve(host: string, totalBytes: number): void {
  const block = Buffer.alloc(BLOCK_BYTES, 1);
  const server = createServer({ noDelay: true }, (socket) => {
    let leftBytes = totalBytes;
    const send = (): void => {
      while (leftBytes > 0) {
        const bytes = block.subarray(0, Math.min(leftBytes, BLOCK_BYTES));
        leftBytes -= bytes.length;
        if (!socket.write(bytes)) {
          socket.once("drain", send);
          return;
        }
      }
      socket.end();
    };
    socket.once("data", send);
    socket.on("close", () => server.close());
  });
  server.listen(0, host, () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
  });
}

/** Fresh: every byte goes to memory of its own, as an object that is kept does. */
function receive(host: string, port: number, totalBytes: number, isWarm: boolean): void {
  const memory = Buffer.allocUnsafeSlow(isWarm ? WARM_BYTES : totalBytes);
  let received = 0;
  let startMs = 0;
  const socket = connect({
    host,
    port,
    noDelay: true,
    onread: {
      buffer: () =>
        isWarm ? memory : memory.subarray(received, Math.min(received + BLOCK_BYTES, totalBytes)),
      callback(bytes: number): boolean {
        received += bytes;
        if (received < totalBytes) return true;
        const seconds = (performance.now() - startMs) / 1000;
        const name = isWarm ? "socketPairWarmBytesPerSecond" : "socketPairBytesPerSecond";
        process.stdout.write(`${JSON.stringify({ [name]: totalBytes / seconds })}\n`);
        socket.destroy();
        return false;
      },
    },
  });
  socket.once("connect", () => {
    startMs = performance.now();
    socket.write("go");
  });
}

const [mode = "", port = "", bytes = "", memory = ""] = process.argv.slice(2);
if (mode === "serve") serve(port, Number(bytes));
else receive(mode, Number(port), Number(bytes), memory === "warm");
