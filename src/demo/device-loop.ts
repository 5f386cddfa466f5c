/* When the plants speak: so many messages a second, a few of them events, and at times a picture.
 *
 * The embedded Kafka keeps 5 MB or 100,000 records of a partition, so nothing may be published that
 * the reader is not close behind:
 * 1. At most `UNREAD_MAX` messages and a picture are on their way from the devices to the reader.
 * 2. A picture waits until the one before it and its caption were read: two pictures in a partition
 *    are more than it keeps, and librdkafka's mock loses the newer one where nothing lies between.
 * What is not published because of these is left out, not made up for later.
 */
import type { Clock } from '../base/clock.js';
import type { Broker } from './broker/broker.js';
import type { PublishInput } from './broker/message.js';
import type { Plants } from './plants.js';
import type { Reconciliation } from './reconcile.js';

const TICK_MS = 10;
/** Of at most about 500 bytes each as records, so 2 MB even if all went to one partition. */
const UNREAD_MAX = 4_000;
/** One message in so many is an event. */
const EVENT_EVERY = 40;
const PICTURE_EVERY_MS = 1_500;

export interface DeviceLoopOptions {
  readonly plants: Plants;
  readonly broker: Pick<Broker, 'publish'>;
  readonly reconciliation: Reconciliation;
  readonly messagesPerSecond: number;
  readonly clock: Clock;
}

export class DeviceLoop {
  readonly #options: DeviceLoopOptions;
  #cancel: () => void = () => {};
  #lastTickMs = 0;
  #pictureDueMs = 0;
  #captionIsNext = false;
  /** Messages that are due, in fractions. */
  #due = 0;
  #sinceEvent = 0;
  #stopped = false;

  constructor(options: DeviceLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#lastTickMs = this.#options.clock.monotonicMs();
    this.#pictureDueMs = this.#lastTickMs;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.after(TICK_MS, () => {
      this.#tick();
      if (!this.#stopped) this.#schedule();
    });
  }

  #tick(): void {
    const { reconciliation, messagesPerSecond, clock, plants } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#due += ((nowMs - this.#lastTickMs) * messagesPerSecond) / 1000;
    this.#lastTickMs = nowMs;
    const room = UNREAD_MAX - reconciliation.unread;
    const count = Math.min(Math.floor(this.#due), room);
    this.#due = Math.min(this.#due - Math.floor(this.#due), 1);
    const wallMs = clock.wallMs();
    for (let i = 0; i < count; i++) {
      this.#sinceEvent = (this.#sinceEvent + 1) % EVENT_EVERY;
      const id = reconciliation.nextId;
      if (this.#sinceEvent === 0) this.#publish('events', plants.event(id, wallMs), nowMs);
      else this.#publish('telemetry', plants.reading(id, wallMs), nowMs);
    }
    if (this.#picturesAreRead()) this.#takePicture(nowMs, wallMs);
  }

  /** A picture, and when that was read its caption. */
  #takePicture(nowMs: number, wallMs: number): void {
    const { plants, reconciliation } = this.#options;
    const id = reconciliation.nextId;
    if (this.#captionIsNext) this.#publish('pictures', plants.caption(id, wallMs), nowMs);
    else if (nowMs >= this.#pictureDueMs) {
      this.#pictureDueMs = nowMs + PICTURE_EVERY_MS;
      this.#publish('pictures', plants.picture(id, wallMs), nowMs);
    } else return;
    this.#captionIsNext = !this.#captionIsNext;
  }

  #picturesAreRead(): boolean {
    const { tallies } = this.#options.reconciliation;
    return tallies.every((each) => each.route !== 'pictures' || each.readBack === each.published);
  }

  #publish(route: string, message: PublishInput, nowMs: number): void {
    const { broker, reconciliation } = this.#options;
    const { topic, payload = '' } = message;
    reconciliation.onPublish({ route, topic, payload }, nowMs);
    broker.publish(message);
  }
}
