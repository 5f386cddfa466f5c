/* What is counted for every message of a route, side by side in memory: with a thousand routes in turn,
 * counters in objects of their own would each be a cache line to wait for.
 *
 *   | publishes | payload bytes | sent | delivered | 4 free | a LatencyHistogram |
 *
 * Main thread only.
 */
import { add, LatencyHistogram, latencyWords, observeLatency } from './latency-histogram.js';

const PUBLISHES_RECEIVED = 0;
const PAYLOAD_BYTES_RECEIVED = 1;
const RECORDS_SENT = 2;
const RECORDS_DELIVERED = 3;
const LATENCY = 8;
/** Four cache lines. */
const ROUTE_WORDS = LATENCY + latencyWords;
const ROUTES_IN_ARRAY = 64;

/** The counters of one route. */
export class RouteTraffic {
  readonly values: Float64Array;
  readonly at: number;
  /** From the arrival of the PUBLISH to the delivery report of its record. */
  readonly latency: LatencyHistogram;

  constructor(values: Float64Array, at: number) {
    this.values = values;
    this.at = at;
    this.latency = new LatencyHistogram(values, at + LATENCY);
  }

  get publishesReceived(): number {
    return this.values[this.at + PUBLISHES_RECEIVED] as number;
  }

  get payloadBytesReceived(): number {
    return this.values[this.at + PAYLOAD_BYTES_RECEIVED] as number;
  }

  get recordsSent(): number {
    return this.values[this.at + RECORDS_SENT] as number;
  }

  get recordsDelivered(): number {
    return this.values[this.at + RECORDS_DELIVERED] as number;
  }
}

/** Deals out the counters of routes, all of them 0. */
export class TrafficMemory {
  #values = new Float64Array(0);
  #at = 0;

  take(): RouteTraffic {
    if (this.#at === this.#values.length) {
      this.#values = new Float64Array(ROUTES_IN_ARRAY * ROUTE_WORDS);
      this.#at = 0;
    }
    const traffic = new RouteTraffic(this.#values, this.#at);
    this.#at += ROUTE_WORDS;
    return traffic;
  }
}

/* On the path of every message: `values` and `at` are those of a RouteTraffic, which need not be read. */

export function countReceived(values: Float64Array, at: number, payloadBytes: number): void {
  add(values, at + PUBLISHES_RECEIVED, 1);
  add(values, at + PAYLOAD_BYTES_RECEIVED, payloadBytes);
}

export function countSent(values: Float64Array, at: number): void {
  add(values, at + RECORDS_SENT, 1);
}

export function countDelivered(values: Float64Array, at: number, latencyMs: number): void {
  add(values, at + RECORDS_DELIVERED, 1);
  observeLatency(values, at + LATENCY, latencyMs);
}
