import { expect, test } from "vitest";
import {
  createProofKey,
  isProofOfPeer,
  proveKey,
} from "../../../src/transport/security/connection-proof.ts";

const CLIENT = {
  localHost: "127.0.0.1",
  localPort: 40_000,
  remoteHost: "127.0.0.1",
  remotePort: 9010,
};
const SERVER = {
  localHost: "::ffff:127.0.0.1",
  localPort: 9010,
  remoteHost: "::ffff:127.0.0.1",
  remotePort: 40_000,
};

test("a proof is good for its key, its statement and its connection, and in one direction", () => {
  const key = createProofKey();
  const proof = proveKey(key, CLIENT, "client of run 1");
  expect(isProofOfPeer(proof, key, SERVER, "client of run 1")).toBe(true);
  expect(isProofOfPeer(proof, key, SERVER, "client of run 2")).toBe(false);
  expect(isProofOfPeer(proof, createProofKey(), SERVER, "client of run 1")).toBe(false);
  expect(isProofOfPeer(proof, key, CLIENT, "client of run 1")).toBe(false);
  const elsewhere = { ...SERVER, remotePort: 40_001 };
  expect(isProofOfPeer(proof, key, elsewhere, "client of run 1")).toBe(false);
  const otherAddress = { ...SERVER, localHost: "127.0.0.2" };
  expect(isProofOfPeer(proof, key, otherAddress, "client of run 1")).toBe(false);
  expect(isProofOfPeer(proof.subarray(1), key, SERVER, "client of run 1")).toBe(false);
  expect(isProofOfPeer(new Uint8Array(0), key, SERVER, "client of run 1")).toBe(false);
});
