// What a message from one Node process to another and back takes, with nothing in between:
// `echo.js serve` answers what it is sent; `echo.js ADDRESS PORT` measures, and prints JSON.
import { type AddressInfo, connect, createServer } from "node:net";
import { quantile } from "../harness/statistics.ts";

const FRAME_BYTES = 64;
const WARM_UP = 1_000;
const COUNT = 4_000;

function serve(host: string): void {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("close", () => server.close());
  });
  server.listen(0, host, () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
  });
}

async function measure(host: string, port: number): Promise<void> {
  const socket = connect({ host, port, noDelay: true });
  let answered = (): void => {};
  let received = 0;
  socket.on("data", (chunk) => {
    received += chunk.length;
    if (received < FRAME_BYTES) return;
    received = 0;
    answered();
  });
  const frame = Buffer.alloc(FRAME_BYTES);
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + COUNT; i++) {
    const startMs = performance.now();
    await new Promise<void>((resolve) => {
      answered = resolve;
      socket.write(frame);
    });
    if (i >= WARM_UP) times.push((performance.now() - startMs) * 1000);
  }
  socket.destroy();
  const figures = { echoUs: quantile(times, 0.5), echoP99Us: quantile(times, 0.99) };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

const [mode = "", port = ""] = process.argv.slice(2);
if (mode === "serve") serve(port);
else await measure(mode, Number(port));
