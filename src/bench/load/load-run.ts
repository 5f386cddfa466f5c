/* LoadRun: the messages of a load on their way, over all connections of the generator. What settles one
 * depends on who is at the other end:
 *
 *   the connector   its PUBACK; at QoS 0, that the kernel has taken it
 *   a broker        that it is in Kafka: a broker's own PUBACK says nothing of that
 */
import type { Load } from '../protocol.js';
import { Measurement } from './measurement.js';
import type { Stamps } from './publish-slab.js';
import { Schedule } from './schedule.js';

export class LoadRun {
  readonly load: Load;
  readonly schedule: Schedule;
  readonly measurement: Measurement;
  readonly stamps: Stamps = { sequence: 0, checkSum: 0 };
  #nowMs = 0;
  #came = false;

  constructor(load: Load, onMeasuring: () => void) {
    const { warmup, ratePerSecond, qos } = load;
    this.load = load;
    const hasLatency = qos > 0;
    this.measurement = new Measurement({ warmup, ratePerSecond, hasLatency }, onMeasuring);
    this.schedule = new Schedule(load, this.measurement);
  }

  /** The kernel has taken `count` messages, with so many bytes of payload together. */
  onFlushed(count: number, payloadBytes: number, nowMs: number): void {
    if (this.load.qos > 0) return;
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
    if (reasonCode >= 0x80) this.measurement.refused += 1;
    this.measurement.settle(dueAtMs, this.#nowMs, payloadBytes);
  }

  /** After all that came at one moment; true: something did. */
  endBurst(): boolean {
    const came = this.#came;
    this.#came = false;
    if (came) this.measurement.endBurst(this.#nowMs);
    return came;
  }
}
