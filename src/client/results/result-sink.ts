/** Takes the payload frames of one result. A ProtocolError that it throws ends the connection. */
export type ResultSink = {
  /**
   * Whether `begin` may come once more, after a source that broke off, and pieces need only be valid
   * during the call.
   */
  readonly canRestart: boolean;
  /** A DATA message: so many frames follow. `dataType` is a symbol, such as `loom/array`. */
  begin(dataType: string, frameCount: number): void;
  /** The next frame has so many bytes. */
  frame(sizeBytes: number): void;
  /** The next bytes of the frame: a view, which the sink may keep but not change. */
  piece(bytes: Uint8Array): void;
  /** All frames have come. */
  end(): void;
  /** There is nothing to come, or no more. Called instead of `end`. */
  fail(error: Error): void;
};
