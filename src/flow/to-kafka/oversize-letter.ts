/* OversizeLetter: what is over a limit, on its way into a dead letter piece by piece. */
import type { OversizeSink } from '../../mqtt/receive/oversize.js';
import type { LetterBeginning } from '../dead-letter-desk.js';

export class OversizeLetter implements OversizeSink {
  readonly #letter: LetterBeginning;
  readonly #onEnd: (letterId: string | undefined) => void;

  /** @param onEnd called once: with the letter's id when it is on the disk, without when it is not */
  constructor(letter: LetterBeginning, onEnd: (letterId: string | undefined) => void) {
    this.#letter = letter;
    this.#onEnd = onEnd;
    // Whoever writes first is told of the failure.
    letter.stream.catch(() => {});
  }

  /** While the store is full it takes until there is room, and its sender waits. */
  async write(chunk: Uint8Array): Promise<void> {
    await (await this.#letter.stream).write(chunk);
  }

  async commit(): Promise<void> {
    const stream = await this.#letter.stream;
    await stream.commit();
    this.#onEnd(stream.id);
  }

  abort(): void {
    this.#letter.giveUp();
    this.#letter.stream.then(
      (stream) => stream.abort(),
      () => {},
    );
    this.#onEnd(undefined);
  }
}
