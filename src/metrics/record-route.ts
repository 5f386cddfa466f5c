/* What is counted and logged of a kafkaToMqtt route beside what every route has (events.ts). The same
 * rules: the data path adds to the counters, Prometheus reads them at a scrape. Main thread only.
 */
import type { Log } from '../base/log.js';
import type { RouteEvents } from './events.js';
import type { LogLimit } from './log-limit.js';

export class RecordRouteCounters {
  readonly route: string;
  recordsConsumed = 0;
  payloadBytesConsumed = 0;
  publishesSent = 0;
  /** Success: QoS 1 by its PUBACK, QoS 0 once written. */
  publishesAcknowledged = 0;
  /** Those of them that had no matching subscribers. */
  publishesUnheard = 0;
  /** Sent again after a connection was lost. */
  publishesResent = 0;
  headersLeftOut = 0;
  retainLeftOut = 0;
  commitsSucceeded = 0;
  commitsFailed = 0;
  /** Gauge: records that the broker did not take and that wait to be tried again, with what lines up. */
  recordsHeldNow = 0;
  /** Gauge. */
  partitionsAssigned = 0;

  constructor(route: string) {
    this.route = route;
  }
}

export class RecordRouteEvents {
  readonly counters: RecordRouteCounters;
  /** What every route has. */
  readonly route: RouteEvents;
  readonly #log: Log;
  readonly #limit: LogLimit;

  constructor(counters: RecordRouteCounters, route: RouteEvents, log: Log, limit: LogLimit) {
    this.counters = counters;
    this.route = route;
    this.#log = log.child({ route: counters.route });
    this.#limit = limit;
  }

  /** MQTT cannot carry headers of a record; it goes without them. `detail` is asked for where it is logged. */
  headersLeftOut(count: number, detail: () => string): void {
    this.counters.headersLeftOut += count;
    const suppressed = this.#limit.admit(`header ${this.counters.route}`);
    if (suppressed === undefined) return;
    const fields = { detail: detail(), suppressed };
    this.#log.warn(fields, 'a header cannot be carried by MQTT; left out');
  }

  /** The server has no retained messages; it goes without RETAIN. */
  retainLeftOut(): void {
    this.counters.retainLeftOut += 1;
    this.#warn('retain', {}, 'the broker has no retained messages; sent without RETAIN');
  }

  /** `code` undefined: it went well. */
  committed(code: string | undefined): void {
    if (code === undefined) {
      this.counters.commitsSucceeded += 1;
      return;
    }
    this.counters.commitsFailed += 1;
    this.#warn(`commit ${code}`, { detail: code }, 'offsets could not be committed; tried again');
  }

  /** What keeps the route from reading; undefined: nothing does any more. */
  troubled(detail: string | undefined): void {
    if (detail === undefined) this.#log.info('it reads from Kafka again');
    else this.#warn('trouble', { detail }, 'it cannot read from Kafka');
  }

  /** Kafka gives records of a partition from further down: it is another log, or has lost its end. */
  offsetsFell(partition: number, from: number, to: number): void {
    const text = 'Kafka goes on at a lower offset: the topic was made anew, or has lost records';
    this.#warn(`offsets ${partition}`, { partition, from, to }, text);
  }

  partitionsAssigned(partitions: readonly number[], count: number): void {
    this.counters.partitionsAssigned = count;
    this.#log.info({ partitions }, 'partitions assigned');
  }

  partitionsRevoked(partitions: readonly number[], count: number, lost: boolean): void {
    this.counters.partitionsAssigned = count;
    if (lost) this.#log.warn({ partitions }, 'partitions lost');
    else this.#log.info({ partitions }, 'partitions revoked');
  }

  #warn(key: string, fields: Record<string, unknown>, text: string): void {
    const suppressed = this.#limit.admit(`${key} ${this.counters.route}`);
    if (suppressed !== undefined) this.#log.warn({ ...fields, suppressed }, text);
  }
}
