import { CHECKPOINT_COMPLETE, type HeldObjects, type HeldTasks } from "../../core/model/batches.ts";
import { ProtocolError } from "../protocol-error.ts";
import { readRefs, refsColumns, requireSizes } from "./batch-codec.ts";
import {
  type Column,
  type ColumnReader,
  requireEqualLengths,
  requireRanges,
} from "./columns-codec.ts";

/** What a worker that came back holds and has, as columns, and back with every promise checked. */
export function heldObjectColumns(held: HeldObjects): Column[] {
  return [...refsColumns(held), held.sizesBytes, held.lengths, held.dataTypes, held.checkpoints];
}

export function readHeldObjects(reader: ColumnReader): HeldObjects {
  const refs = readRefs(reader);
  const sizesBytes = reader.f64();
  const lengths = reader.f64();
  const dataTypes = reader.u16();
  const checkpoints = reader.u8();
  requireEqualLengths(refs.tasks, sizesBytes, lengths, dataTypes, checkpoints);
  requireSizes(sizesBytes);
  requireSizes(lengths);
  for (const checkpoint of checkpoints) {
    if (checkpoint > CHECKPOINT_COMPLETE) {
      throw new ProtocolError(`a checkpoint in state ${checkpoint} is not known`);
    }
  }
  return { ...refs, sizesBytes, lengths, dataTypes, checkpoints };
}

export function heldTaskColumns(held: HeldTasks): Column[] {
  return [...refsColumns(held), held.flags, held.inputStarts, held.inputAttempts];
}

export function readHeldTasks(reader: ColumnReader): HeldTasks {
  const refs = readRefs(reader);
  const flags = reader.u8();
  const inputStarts = reader.u32();
  const inputAttempts = reader.u32();
  requireEqualLengths(refs.tasks, flags);
  requireRanges(inputStarts, refs.tasks.length, inputAttempts.length);
  return { ...refs, flags, inputStarts, inputAttempts };
}
