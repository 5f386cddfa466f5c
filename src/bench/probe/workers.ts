/* The workers of the connector under test, as the probe in its main thread knows them: by what they say. A
 * worker that is terminated says nothing, and is waited for in vain.
 */
import type { ThreadUse, WorkerMessage } from './protocol.js';

/** For the workers to answer. */
const ANSWER_MS = 3_000;

export class Workers {
  #count = 0;
  #answered = 0;
  #uses: ThreadUse[] = [];
  #onChange = () => {};

  hear(message: WorkerMessage): void {
    if (message.kind === 'here') this.#count += 1;
    else if (message.kind === 'gone') this.#count -= 1;
    else if (message.kind === 'stopped') {
      this.#answered += 1;
      if (message.use !== undefined) this.#uses.push(message.use);
    }
    this.#onChange();
  }

  /** Those of all workers that there are; undefined where one keeps silent. */
  async answers(): Promise<readonly ThreadUse[] | undefined> {
    this.#answered = 0;
    this.#uses = [];
    const complete = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ANSWER_MS);
      timer.unref();
      this.#onChange = () => {
        if (this.#answered < this.#count) return;
        clearTimeout(timer);
        resolve(true);
      };
      this.#onChange();
    });
    this.#onChange = () => {};
    return complete ? this.#uses : undefined;
  }
}
