/* AdminClient: questions to Kafka about what is there, each answered once, outside the data path. */
import { closeDoorbell, listenToDoorbell, openDoorbell } from '../channel/doorbell.js';
import { type Admin, type AdminAnswer, type AdminEvent, addon } from './addon.js';
import { adminProperties } from './client-config.js';
import { giveToken } from './login.js';
import type { KafkaAccess } from './security-properties.js';

/** librdkafka's _DESTROY. */
const DESTROYED = -197;
/** The addon takes no more for one question. */
export const NAMES_MAX = 1000;

export interface AdminClientOptions {
  /** How long a connection may take to be made, at least 1,000. */
  readonly connectMs: number;
  readonly onEvent: (event: AdminEvent) => void;
}

export class AdminClient {
  readonly #native: Admin;
  readonly #fd = openDoorbell();
  readonly #stopListening: () => void;
  readonly #onEvent: (event: AdminEvent) => void;
  readonly #pending = new Map<number, (answer: AdminAnswer) => void>();
  #lastToken = 0;
  #isOpen = true;

  /** Throws, without any of the values, where librdkafka cannot use the credentials at all. */
  constructor(access: KafkaAccess, { connectMs, onEvent }: AdminClientOptions) {
    this.#onEvent = onEvent;
    try {
      this.#native = new addon.Admin(adminProperties(access, connectMs), this.#fd);
    } catch (error) {
      closeDoorbell(this.#fd);
      throw error;
    }
    giveToken(this.#native, access);
    this.#stopListening = listenToDoorbell(this.#fd, () => this.#take());
  }

  /**
   * @param question an ADMIN_ of addon.ts
   * @param names from 1 to NAMES_MAX, each once
   * @returns Kafka's answer, or with a code of its own why there is none; never rejects
   */
  ask(question: number, names: readonly string[], timeoutMs: number): Promise<AdminAnswer> {
    const token = ++this.#lastToken;
    return new Promise((resolve) => {
      if (!this.#isOpen) return resolve({ token, code: DESTROYED, items: [] });
      this.#pending.set(token, resolve);
      this.#native.ask(question, names, timeoutMs, token);
    });
  }

  /** What is still asked ends without an answer. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stopListening();
    this.#native.destroy();
    closeDoorbell(this.#fd);
    for (const [token, resolve] of this.#pending) resolve({ token, code: DESTROYED, items: [] });
    this.#pending.clear();
  }

  #take(): void {
    for (const event of this.#native.takeEvents()) this.#onEvent(event);
    // Whoever heard of an event may have closed us.
    if (!this.#isOpen) return;
    for (const answer of this.#native.takeAnswers()) {
      this.#pending.get(answer.token)?.(answer);
      this.#pending.delete(answer.token);
    }
  }
}
