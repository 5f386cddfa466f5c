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
  TURN_UNREPORTED,
} from '../kafka/addon.js';
import { type ConnectionFault, connectionFault, tokenFault } from '../kafka/connection-fault.js';
import { isSaidByFaults } from '../kafka/kafka-error.js';
import { logIn, producerAsClient } from '../kafka/login.js';
import { Connections } from '../kafka/statistics.js';
import type { LiveTask } from './live-task.js';
import { logLevelOf } from './log-level.js';
import { ProducerPool } from './producer-pool.js';
import { Recovery, type Renewal } from './recovery.js';
import { Silence } from './silence.js';
import { Trial, type TrialOutcome } from './trial.js';

/** Consumers stand among the producers, by numbers that no producer has. */
const CONSUMERS_FROM = -1;
const TICK_MS = 1000;
/** How long a settlement may wait for others, so that they wake main and leave as PUBACKs together. */
const REPORT_MS = 1;
/** A fault that is older says nothing of why the last connection has gone now. */
const FAULT_MS_MAX = 5000;
const UNKNOWN_FAULT: ConnectionFault = {
  reason: 'network',
  detail: 'no broker of the cluster is connected',
};

export interface ProduceLoopOptions {
  readonly native: ShardProducers;
  readonly task: LiveTask;
  readonly clock: Clock;
  readonly post: (message: FromWorker) => void;
  readonly errorName: (code: number) => string;
}

export class ProduceLoop {
  readonly #options: ProduceLoopOptions;
  readonly #pool: ProducerPool;
  readonly #recovery: Recovery;
  readonly #silence: Silence;
  readonly #connections = new Connections();
  /** The one that is open. */
  #trial: Trial | undefined;
  #again: NodeJS.Immediate | undefined;
  #cancelTick: () => void = () => {};
  #up: boolean | undefined;
  /** What last kept a client from Kafka, since there was one that was connected. */
  #fault: { readonly fault: ConnectionFault; readonly atMs: number } | undefined;
  #closed = false;
  /** Set while settlements wait for others, to be told to main together. */
  #reportTimer: NodeJS.Timeout | undefined;

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
    this.#silence = new Silence({ native, pool: this.#pool, post });
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
    // In this order: a fatal error decides what becomes of failures, and what came before a barrier
    // in the ring is no part of what comes behind it.
    if ((flags & TURN_EVENTS) !== 0) for (const event of native.takeEvents()) this.#onEvent(event);
    if ((flags & TURN_FAILURES) !== 0) this.#recovery.onFailures(native.takeFailures());
    if ((flags & TURN_CONTROL) !== 0) this.#onControl(native.takeControl());
    if (this.#recovery.active) this.#recovery.step();
    if ((flags & TURN_UNREPORTED) === 0) this.#cancelReport();
    else if (this.#reportTimer === undefined) {
      this.#reportTimer = setTimeout(() => this.#report(), REPORT_MS);
    }
    // By way of the loop, so that timers and the port get their turn under load.
    if ((flags & (TURN_MORE | TURN_CONTROL)) !== 0) this.#soon();
  }

  /** Has every producer log in with these from now on. Returns what is wrong, without the values. */
  logIn(credentials: ShardTask['kafkaCredentials']): string | undefined {
    const faults = [...this.#pool.indices].map((index) =>
      logIn(producerAsClient(this.#options.native, index), credentials),
    );
    return faults.find((fault) => fault !== undefined);
  }

  /** Replaces every producer by one that is opened with the credentials of now. */
  renew(): Promise<Renewal> {
    const renewal = this.#recovery.renew();
    this.#soon();
    return renewal;
  }

  /** Connects with the credentials of `task` for trial; throws where librdkafka cannot use them. */
  openTrial(task: ShardTask, outcome: TrialOutcome): void {
    this.endTrial();
    this.#trial = new Trial(this.#options.native, task, outcome);
    this.#soon();
  }

  endTrial(): void {
    this.#trial?.close();
    this.#trial = undefined;
  }

  close(): void {
    this.endTrial();
    this.#closed = true;
    this.#cancelReport();
    if (this.#again !== undefined) clearImmediate(this.#again);
    this.#cancelTick();
    this.#options.native.close();
  }

  #report(): void {
    this.#reportTimer = undefined;
    if (!this.#closed) this.#options.native.report();
  }

  /** What waited has been told, or is nobody's any more. */
  #cancelReport(): void {
    if (this.#reportTimer === undefined) return;
    clearTimeout(this.#reportTimer);
    this.#reportTimer = undefined;
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
    if (control.kind === 'openTarget') this.#recovery.onOpened(this.#pool.open(control));
    else this.#recovery.onBarrier(control.loss);
  }

  #onEvent(event: ProducerEvent): void {
    if (event.producer === this.#trial?.index) this.#onTrialEvent(this.#trial, event);
    // What a client that is no more said last is of no use to anybody.
    else if (this.#pool.isOpen(event.producer)) this.#onProducerEvent(event);
  }

  #onTrialEvent(trial: Trial, event: ProducerEvent): void {
    if (event.kind === EVENT_LOG)
      this.#options.post({ kind: 'log', level: 'debug', text: event.text });
    trial.onEvent(event);
  }

  #onProducerEvent(event: ProducerEvent): void {
    const { post, errorName } = this.#options;
    if (event.fatal) {
      post({ kind: 'log', level: 'error', text: `fatal producer error: ${event.text}` });
      this.#recovery.onFatal(event.producer, errorName(event.code));
    } else if (event.kind === EVENT_LOG) {
      post({ kind: 'log', level: logLevelOf(event.code), text: event.text });
      this.onFault(this.#faultOf(event));
    } else if (event.kind === EVENT_ERROR) {
      // What is made of a fault is said once, as `kafka` messages; librdkafka says it at every attempt.
      const isTold = isSaidByFaults(event.code) || this.#faultOf(event) !== undefined;
      post({ kind: 'log', level: isTold ? 'debug' : 'warn', text: event.text });
    } else {
      this.#onStatistics(event.producer, event.text);
    }
  }

  #faultOf({ text }: ProducerEvent): ConnectionFault | undefined {
    return connectionFault(text, this.#options.task.now.kafka);
  }

  /** A consumer of this worker has told of itself; undefined: it is no more. */
  onConsumerStatistics(routeIndex: number, json: string | undefined): void {
    this.#onStatistics(CONSUMERS_FROM - routeIndex, json);
  }

  /** Something keeps a client of this worker, a consumer too, from a broker. */
  onFault(fault: ConnectionFault | undefined): void {
    if (fault === undefined) return;
    const isNews = fault.detail !== this.#fault?.fault.detail;
    this.#fault = { fault, atMs: this.#options.clock.monotonicMs() };
    if (this.#up === false && isNews) this.#tellDown();
  }

  /** What waits for a token says nothing of it. */
  #lookForToken(): void {
    const { task, clock } = this.#options;
    this.onFault(tokenFault(task.now, clock.wallMs()));
  }

  #tellDown(): void {
    const { reason, detail } = this.#fault?.fault ?? UNKNOWN_FAULT;
    this.#options.post({ kind: 'kafka', up: false, reason, detail });
  }

  #onStatistics(client: number, json: string | undefined): void {
    const isOpen = (index: number) => index < 0 || this.#pool.producerAt(index) !== undefined;
    const up = this.#connections.update(client, json, isOpen);
    if (up === this.#up) return;
    const wasUp = this.#up === true;
    this.#up = up;
    if (up) {
      this.#fault = undefined;
      this.#options.post({ kind: 'kafka', up, reason: 'network', detail: 'connected' });
      return;
    }
    const faultSinceMs = this.#options.clock.monotonicMs() - FAULT_MS_MAX;
    if (wasUp && this.#fault !== undefined && this.#fault.atMs < faultSinceMs)
      this.#fault = undefined;
    this.#tellDown();
  }

  #tick(): void {
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => {
      if (this.#closed) return;
      this.#recovery.onTick(this.#up === true);
      this.#silence.onTick(this.#up === true, this.#fault?.fault.detail ?? '');
      if (this.#up !== true && this.#fault === undefined) this.#lookForToken();
      // Also where nothing rang: what librdkafka said before its bell was hung up rings none.
      this.turn();
      this.#tick();
    });
  }
}
