/* LiveTask: the task of a worker with the credentials of now. Worker only.
 *
 * Main's word at the start says what its clients connect with; `CredentialsChange` alone moves it to others.
 * Whoever opens a client, or asks what one waits for, takes it from here, each time anew.
 */
import type { ShardTask } from '../channel/protocol.js';

export class LiveTask {
  #now: ShardTask;

  constructor(task: ShardTask) {
    this.#now = task;
  }

  get now(): ShardTask {
    return this.#now;
  }

  /** Clients that are opened from now on connect with these. */
  use(kafkaCredentials: ShardTask['kafkaCredentials']): void {
    this.#now = { ...this.#now, kafkaCredentials };
  }
}
