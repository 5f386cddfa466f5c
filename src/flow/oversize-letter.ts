/* OversizeLetter: an oversize payload on its way into a dead letter. */
import type { DeadLetterMeta } from '../dead-letter/letter.js';
import type { OversizeSink } from '../mqtt/oversize.js';

interface Stream {
  readonly id: string;
  write(chunk: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** What of the dead-letter store takes payloads piece by piece. */
export interface LetterStreams {
  begin(meta: DeadLetterMeta, maxPayloadBytes: number): Promise<Stream>;
}

export class OversizeLetter implements OversizeSink {
  readonly #stream: Promise<Stream>;
  readonly #onEnd: (letterId: string | undefined) => void;

  /** @param onEnd called once: with the letter's id when it is on the disk, without when it is not */
  constructor(stream: Promise<Stream>, onEnd: (letterId: string | undefined) => void) {
    this.#stream = stream;
    this.#onEnd = onEnd;
    // Whoever writes first is told of the failure.
    stream.catch(() => {});
  }

  async write(chunk: Uint8Array): Promise<void> {
    await (await this.#stream).write(chunk);
  }

  async commit(): Promise<void> {
    const stream = await this.#stream;
    await stream.commit();
    this.#onEnd(stream.id);
  }

  abort(): void {
    this.#stream.then(
      (stream) => stream.abort(),
      () => {},
    );
    this.#onEnd(undefined);
  }
}
