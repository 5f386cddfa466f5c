/* LoadRun: the messages of a load on their way, over all connections of the generator. What settles one
 * depends on who is at the other end:
 *
 *   the connector   its PUBACK; at QoS 0, that the kernel has taken it
 *   a broker        that it is in Kafka: a broker's own PUBACK says nothing of that
 *
 * With a broker between, saturation has a window over all connections: what would be more than the
 * connector takes would only fill the broker's queue, until that drops messages.
 */
import type { Load } from '../protocol.js';
import { Arrivals } from './arrivals.js';
import { REFILL_PARTS } from './connection.js';
import { Measurement } from './measurement.js';
import type { Stamps } from './publish-slab.js';
import { Schedule } from './schedule.js';

export class LoadRun {
  readonly load: Load;
  readonly schedule: Schedule;
  readonly measurement: Measurement;
  readonly stamps: Stamps = { sequence: 0, checkSum: 0 };
  /** PUBACKs, whatever they said. */
  acknowledged = 0;
  readonly #arrivals: Arrivals | undefined;
  #nowMs = 0;
  #came = false;
  #settled = false;

  constructor(load: Load, onMeasuring: () => void) {
    const { warmup, ratePerSecond, qos, throughBroker } = load;
    this.load = load;
    const hasLatency = qos > 0 || throughBroker !== undefined;
    this.measurement = new Measurement({ warmup, ratePerSecond, hasLatency }, onMeasuring);
    this.schedule = new Schedule(load, this.measurement);
    if (throughBroker !== undefined) this.#arrivals = new Arrivals();
  }

  /** How many may be sent beside those that are on their way. */
  get room(): number {
    const { ratePerSecond, throughBroker } = this.load;
    if (throughBroker === undefined || ratePerSecond !== undefined) return Number.POSITIVE_INFINITY;
    const { window } = throughBroker;
    const room = window - this.onTheWay;
    return room < window / REFILL_PARTS ? 0 : room;
  }

  /** What was sent to a broker and is not in Kafka. */
  get onTheWay(): number {
    return this.#arrivals === undefined ? 0 : this.schedule.sent - this.#arrivals.count;
  }

  /** Records that came more than once. */
  get duplicates(): number {
    return this.#arrivals?.duplicates ?? 0;
  }

  /** The kernel has taken `count` messages, with so many bytes of payload together. */
  onFlushed(count: number, payloadBytes: number, nowMs: number): void {
    if (this.load.qos > 0 || this.#arrivals !== undefined) return;
    this.measurement.settleUnconfirmed(count, payloadBytes);
    this.measurement.endBurst(nowMs);
  }

  /** What follows came at this moment. */
  beginBurst(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** For a message that was due then. */
  onPuback(reasonCode: number, dueAtMs: number, payloadBytes: number): void {
    this.#came = true;
    this.acknowledged += 1;
    if (reasonCode >= 0x80) this.measurement.refused += 1;
    if (this.#arrivals === undefined) this.measurement.settle(dueAtMs, this.#nowMs, payloadBytes);
  }

  /** Through a broker: the message of this number, with so many bytes of payload, was read from Kafka. */
  onRecord(sequence: number, dueAtMs: number, payloadBytes: number): void {
    // A number that was not sent is no message of this load.
    if (sequence >= this.schedule.sent || this.#arrivals?.take(sequence) !== true) return;
    this.#came = true;
    this.#settled = true;
    this.measurement.settle(dueAtMs, this.#nowMs, payloadBytes);
  }

  /** After all that came at one moment; true: something did. */
  endBurst(): boolean {
    const came = this.#came;
    if (came && (this.#arrivals === undefined || this.#settled)) {
      this.measurement.endBurst(this.#nowMs);
    }
    this.#came = false;
    this.#settled = false;
    return came;
  }
}
