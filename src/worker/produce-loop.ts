/* ProduceLoop: the worker's side of MQTT to Kafka. A doorbell rings for frames from main and for
 * delivery reports from librdkafka alike; each ring is answered by turns of the addon until there is
 * nothing left to do. All else here happens seldom.
 */
import type { Clock } from '../base/clock.js';
import type { ControlFrame, FromWorker, ShardTask } from '../channel/protocol.js';
import {
  EVENT_ERROR,
  EVENT_LOG,
  type ProducerEvent,
  type ShardProducers,
  TURN_CONTROL,
  TURN_EVENTS,
  TURN_FAILURES,
  TURN_MORE,
} from '../kafka/addon.js';
import { brokersUp } from '../kafka/statistics.js';
import { ProducerPool } from './producer-pool.js';
import { Recovery } from './recovery.js';

const TICK_MS = 1000;
const SYSLOG_ERROR = 3;
const SYSLOG_NOTICE = 5;

export interface ProduceLoopOptions {
  readonly native: ShardProducers;
  readonly task: ShardTask;
  readonly clock: Clock;
  readonly post: (message: FromWorker) => void;
  readonly errorName: (code: number) => string;
}

export class ProduceLoop {
  readonly #options: ProduceLoopOptions;
  readonly #pool: ProducerPool;
  readonly #recovery: Recovery;
  #again: NodeJS.Immediate | undefined;
  #cancelTick: () => void = () => {};
  #up: boolean | undefined;
  #closed = false;

  constructor(options: ProduceLoopOptions) {
    const { native, clock, post, errorName } = options;
    this.#options = options;
    this.#pool = new ProducerPool(native, options.task);
    this.#recovery = new Recovery({
      native,
      pool: this.#pool,
      clock,
      post,
      errorName,
      wake: () => this.#soon(),
    });
  }

  start(): void {
    this.#tick();
    this.turn();
  }

  /** Answers the doorbell. */
  turn(): void {
    if (this.#closed) return;
    const { native } = this.#options;
    const flags = native.turn();
    if ((flags & TURN_CONTROL) !== 0) this.#onControl(native.takeControl());
    if ((flags & TURN_EVENTS) !== 0) for (const event of native.takeEvents()) this.#onEvent(event);
    if ((flags & TURN_FAILURES) !== 0) this.#recovery.onFailures(native.takeFailures());
    if (this.#recovery.active) this.#recovery.step();
    // By way of the loop, so that timers and the port get their turn under load.
    if ((flags & (TURN_MORE | TURN_CONTROL)) !== 0) this.#soon();
  }

  close(): void {
    this.#closed = true;
    if (this.#again !== undefined) clearImmediate(this.#again);
    this.#cancelTick();
    this.#options.native.close();
  }

  #soon(): void {
    if (this.#closed || this.#again !== undefined) return;
    this.#again = setImmediate(() => {
      this.#again = undefined;
      this.turn();
    });
  }

  #onControl(payload: Uint8Array): void {
    const control = JSON.parse(Buffer.from(payload).toString('utf8')) as ControlFrame;
    if (control.kind === 'openTarget') this.#pool.open(control);
    else this.#recovery.onBarrier();
  }

  #onEvent(event: ProducerEvent): void {
    const { post, errorName } = this.#options;
    if (event.fatal) {
      post({ kind: 'log', level: 'error', text: `fatal producer error: ${event.text}` });
      this.#recovery.onFatal(event.producer, errorName(event.code));
    } else if (event.kind === EVENT_LOG) {
      const level =
        event.code <= SYSLOG_ERROR ? 'error' : event.code <= SYSLOG_NOTICE ? 'warn' : 'debug';
      post({ kind: 'log', level, text: event.text });
    } else if (event.kind === EVENT_ERROR) {
      post({ kind: 'log', level: 'warn', text: event.text });
    } else {
      this.#onStatistics(event.text);
    }
  }

  #onStatistics(json: string): void {
    const up = brokersUp(json) > 0;
    if (up === this.#up) return;
    this.#up = up;
    const detail = up ? 'connected' : 'no broker of the cluster is connected';
    this.#options.post({ kind: 'kafka', up, detail });
  }

  #tick(): void {
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => {
      if (this.#closed) return;
      this.#recovery.onTick(this.#up === true);
      if (this.#recovery.active) this.#soon();
      this.#tick();
    });
  }
}
