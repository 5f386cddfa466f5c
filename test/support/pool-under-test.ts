import { readdirSync, readFileSync } from 'node:fs';
import { type Clock, systemClock } from '../../src/base/clock.js';
import type { OperatingError } from '../../src/base/errors.js';
import type { FromWorker, OpenTarget, ShardReady } from '../../src/channel/protocol.js';
import { ShardPool } from '../../src/shard/pool.js';
import type { SourceSettings } from '../../src/shard/record-source.js';
import type { Shard } from '../../src/shard/shard.js';
import { WATCH_LIMITS } from '../../src/shard/worker-watch.js';
import { frameOf } from './frames.js';
import { NO_CREDENTIALS, plainKafka } from './kafka-access.js';
import { until } from './until.js';

interface Settled {
  readonly shard: number;
  readonly deliveryId: number;
  readonly settlement: number;
}

interface Lost {
  readonly shard: Shard;
  readonly error: Error;
  readonly generation: number;
  readonly threads: number;
}

export class PoolUnderTest {
  readonly settled: Settled[] = [];
  readonly lost: Lost[] = [];
  readonly messages: { readonly shard: number; readonly message: FromWorker }[] = [];
  readonly pool: ShardPool;
  /** For how many seconds the worker of shard 0 did nothing, whenever that changed. */
  readonly silent: number[] = [];
  readonly hopeless: OperatingError[] = [];
  bursts = 0;

  constructor(
    t: Tap,
    bootstrapServers: string,
    {
      shards = 1,
      clock = systemClock as Clock,
      consumers = [] as SourceSettings[],
      watchLimits = WATCH_LIMITS,
      workerHeapMbMax = 512,
    } = {},
  ) {
    this.pool = new ShardPool({
      shards,
      sessions: 1,
      sessionIndex: new Uint16Array(1_000_000),
      slab: new SharedArrayBuffer(64),
      task: {
        connector: 'c',
        clientId: 'pool',
        kafka: plainKafka(bootstrapServers),
        kafkaCredentials: NO_CREDENTIALS,
        messageBytesMax: 1_000_000,
        logLevel: 'info',
      },
      clock,
      consumers,
      onRecords: () => {},
      onSettled: (shard, deliveryId, _, settlement) => {
        this.settled.push({ shard: shard.index, deliveryId, settlement });
      },
      onBurstEnd: () => this.bursts++,
      onMessage: (shard, message) => this.messages.push({ shard: shard.index, message }),
      onLost: (shard, error) => {
        const { generation } = shard;
        this.lost.push({ shard, error, generation, threads: librdkafkaThreads() });
      },
      onSilent: ({ index }, seconds) => {
        if (index === 0 && seconds !== (this.silent.at(-1) ?? 0)) this.silent.push(seconds);
      },
      onHopeless: (error) => this.hopeless.push(error),
      watchLimits,
      workerHeapMbMax,
    });
    t.teardown(() => this.pool.close());
  }

  shard(index = 0): Shard {
    return this.pool.shards[index] as Shard;
  }

  async start(): Promise<void> {
    this.pool.start();
    await this.ready();
  }

  ready(): Promise<void> {
    return until('every shard is ready', () => this.pool.shards.every(({ ready }) => ready));
  }

  /** Of the worker that a shard has now. */
  threadId(shard = 0): number {
    const ready = this.messages.findLast(
      (each) => each.shard === shard && each.message.kind === 'ready',
    )?.message as ShardReady;
    return ready.threadId;
  }

  /** Each variant is a target and a producer of its own. */
  open(index: number, topic: string, variant = 0): void {
    const open: OpenTarget = {
      kind: 'openTarget',
      targetId: variant,
      producer: {
        lingerMs: 0,
        batchMessagesMax: 1000,
        batchBytesMax: 1_000_000,
        idempotent: false,
        requestsInFlightMax: 1,
        variant,
      },
      topic,
      acks: 'one',
      compression: 'none',
      rule: 0,
      instanceId: 0,
    };
    this.shard(index).control(open);
  }

  send(index: number, deliveryId: number): boolean {
    const shard = this.shard(index);
    const frame = frameOf({ deliveryId, payload: `${index}:${deliveryId}` });
    const offset = shard.reserve(0, frame.byteLength);
    if (offset < 0) return false;
    shard.frames.bytes.set(frame, offset);
    shard.commit(0, frame.byteLength);
    shard.publish();
    return true;
  }

  ends(count: number): Promise<void> {
    return until(`${count} settlements`, () => this.settled.length >= count);
  }

  losses(count: number): Promise<void> {
    return until(`${count} losses`, () => this.lost.length >= count);
  }
}
type Tap = { teardown(callback: () => Promise<void>): void };

/** Threads of librdkafka in this process. */
export function librdkafkaThreads(): number {
  const names = readdirSync('/proc/self/task').map((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8');
    } catch {
      return '';
    }
  });
  return names.filter((name) => name.startsWith('rdk:')).length;
}
