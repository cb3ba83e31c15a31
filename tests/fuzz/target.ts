/** A decoder, and what it is fed with. */
export type FuzzTarget = {
  readonly name: string;
  /** How many of the cases are its own, beside those of the others. */
  readonly share: number;
  /** Messages that are right, from which wrong ones are made. */
  readonly samples: readonly Uint8Array[];
  /** JSON is mutated as JSON. */
  readonly isJson?: boolean;
  readonly decode: (bytes: Uint8Array) => unknown;
  /** Encodes what was decoded; decoding that and encoding it again must give the same bytes. */
  readonly encode?: (decoded: never) => Uint8Array;
  /** Whether a decoder may throw this; absent where it answers what it does not know. */
  readonly isRefusal?: (error: unknown) => boolean;
  /** What a message may expand to however short it is; absent where that is in proportion. */
  readonly expandsToBytes?: number;
};
