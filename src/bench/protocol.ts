/* What the bench process and the load generator's process say to each other: the load as one JSON
 * argument, then events over the child's IPC channel. All plain data.
 */
import type { Qos } from '../config/model.js';

/** How long a phase lasts. */
export type Extent =
  | { readonly kind: 'messages'; readonly count: number }
  | { readonly kind: 'seconds'; readonly seconds: number };

export interface Load {
  /** Messages go round-robin to `bench/0` .. `bench/<topics - 1>`. */
  readonly topics: number;
  readonly payloadBytes: number;
  readonly userProperties: number;
  readonly qos: Qos;
  /** Open loop at this rate; `undefined`: as fast as the connector takes them. */
  readonly ratePerSecond: number | undefined;
  /** Sent first, and left out of every figure. */
  readonly warmup: Extent;
  readonly measured: Extent;
  /** Waits for the last PUBACK of the warm-up, then offers all measured messages at one moment. */
  readonly atOnce: boolean;
  /** A run in which nothing is acknowledged for this long is over. */
  readonly stallSeconds: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** The measured phase as the generator saw it. */
export interface LoadReport {
  /** Everything sent, warm-up included. */
  readonly sent: number;
  /** QoS 1: everything acknowledged, warm-up included. QoS 0: what the kernel took. */
  readonly settled: number;
  readonly unacknowledged: number;
  /** PUBACKs with a reason code of 0x80 or above. */
  readonly refused: number;
  /** PUBACKs that came after the PUBACK of a later PUBLISH of the same connection. */
  readonly outOfOrder: number;
  /** PUBACKs for packet identifiers that were not in use. */
  readonly unknownPacketIds: number;
  readonly connectionsLost: number;
  /** Settled within the measured phase. */
  readonly messages: number;
  readonly seconds: number;
  /** From the intended time of sending to the PUBACK; absent at QoS 0. */
  readonly latency: Latency | undefined;
  /** How late the generator itself was, p99, in an open loop: part of `latency`. */
  readonly latenessP99Ms: number | undefined;
  /** CPU of the generator in the measured phase: what its own work adds to a loaded machine. */
  readonly generatorCpuUsPerMessage: number;
}

/** Generator -> bench. */
export type GeneratorEvent =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'loading' }
  | { readonly kind: 'measuring' }
  | { readonly kind: 'finished'; readonly report: LoadReport }
  | { readonly kind: 'failed'; readonly message: string };

/** Mock cluster -> bench. */
export type MockKafkaEvent =
  | { readonly kind: 'ready'; readonly bootstrapServers: string }
  | { readonly kind: 'failed'; readonly message: string };
