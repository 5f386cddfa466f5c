import { OperatingError } from '../../src/base/errors.js';
import type { PartitionOffset, ToWorker } from '../../src/channel/protocol.js';
import type { KafkaToMqttRoute } from '../../src/config/model.js';
import type { DeadLetter } from '../../src/dead-letter/letter.js';
import { DeadLetterDesk } from '../../src/flow/dead-letter-desk.js';
import { KafkaToMqtt } from '../../src/flow/kafka-to-mqtt.js';
import {
  type CompiledRecordRoute,
  compileRecordRoutes,
} from '../../src/flow/to-mqtt/record-routes.js';
import { ConnectorEvents } from '../../src/metrics/events.js';
import type { RecordRouteCounters } from '../../src/metrics/record-route.js';
import { RecordSource } from '../../src/shard/record-source.js';
import { captureLog } from './captured-log.js';
import { FakePublisher } from './fake-publisher.js';
import { FakeRecordWriter, type RecordSpec } from './fake-record-writer.js';
import { ManualClock } from './manual-clock.js';

/* Kafka to MQTT on main, between record rings that the test writes and sessions whose broker the test
 * is. What goes to the workers and to the dead-letter store, the test sees and answers. */

const ROUTE: KafkaToMqttRoute = {
  kind: 'kafkaToMqtt',
  name: 'down',
  source: { file: 'test.yaml', line: 1 },
  kafkaTopic: 'commands',
  mqttTopic: `devices/\${key}`,
  consumerGroupId: 'group',
  qos: 1,
  offsetReset: 'earliest',
  commitIntervalMs: 1_000,
  revokeTimeoutMs: 30_000,
  onNoSubscriber: 'accept',
  retain: 'keep',
  allowLoop: false,
  ownSession: false,
};

export interface WaitingLetter {
  readonly letter: DeadLetter;
  readonly stored: () => void;
  readonly failed: () => void;
}

export interface RecordFlowsOptions {
  readonly payloadBytesMax?: number;
  readonly packetIds?: readonly [number, number];
}

export class RecordFlows {
  readonly clock = new ManualClock();
  readonly flow: KafkaToMqtt;
  readonly sources: readonly RecordSource[];
  readonly publisher: FakePublisher;
  /** Of routes with `ownSession`, by index. */
  readonly own = new Map<number, FakePublisher>();
  readonly log = captureLog();
  /** What the workers were told, since the last look. */
  readonly told: ToWorker[] = [];
  /** Letters that the store has not taken yet. */
  readonly letters: WaitingLetter[] = [];
  readonly troubles: (string | undefined)[] = [];
  ended = 0;
  readonly #routes: readonly CompiledRecordRoute[];
  readonly #writers: FakeRecordWriter[];
  readonly #nextOffset = new Map<string, number>();

  constructor(
    routes: readonly Partial<KafkaToMqttRoute>[] = [{}],
    options: RecordFlowsOptions = {},
  ) {
    const events = new ConnectorEvents('edge', this.log.log, this.clock);
    const connector = {
      name: 'edge',
      topicMaps: [
        {
          copyMqttProperties: true,
          loopGuard: true,
          routes: routes.map((changes) => ({ ...ROUTE, ...changes })),
        },
      ],
    };
    this.#routes = compileRecordRoutes(connector as never, (route) => events.recordRoute(route));
    this.sources = this.#routes.map(
      ({ index, route }) =>
        new RecordSource(
          {
            routeIndex: index,
            topic: route.kafkaTopic,
            groupId: 'group',
            groupInstanceId: 'edge-0',
            offsetReset: 'earliest',
            payloadBytesMax: 1_000_000,
          },
          index,
          () => {},
        ),
    );
    this.#writers = this.sources.map(({ task }) => new FakeRecordWriter(task));
    const publisher = () =>
      new FakePublisher(
        {
          onPuback: (delivery, reasonCode) => this.flow.onPuback(delivery, reasonCode),
          onWritable: (session) => this.flow.onWritable(session),
          onResend: (delivery, publish) => this.flow.onResend(delivery, publish),
        },
        options.packetIds,
      );
    this.publisher = publisher();
    for (const { index, route } of this.#routes) {
      if (route.ownSession) this.own.set(index, publisher());
    }
    this.flow = new KafkaToMqtt({
      connector: 'edge',
      payloadBytesMax: options.payloadBytesMax ?? 1_000_000,
      routes: this.#routes,
      sources: this.sources,
      sessionOf: ({ index }) => (this.own.get(index) ?? this.publisher).session,
      tell: (_, message) => this.told.push(message),
      desk: this.#desk(),
      clock: this.clock,
      random: () => 0.5,
      onEnded: () => this.ended++,
      onTrouble: (_, detail) => this.troubles.push(detail),
    });
  }

  #desk(): DeadLetterDesk {
    const store = {
      put: (letter: DeadLetter) =>
        new Promise<string>((resolve, reject) => {
          const failed = () => reject(new OperatingError('ERR_DEAD_LETTER_FULL', 'full'));
          this.letters.push({ letter, stored: () => resolve('id'), failed });
        }),
      // Nothing of this direction comes piece by piece.
      begin: () => Promise.reject(new OperatingError('ERR_DEAD_LETTER_FULL', 'full')),
    };
    const nothing = () => {};
    return new DeadLetterDesk(store, this.clock, nothing, nothing);
  }

  counters(route = 0): RecordRouteCounters {
    return (this.#routes[route] as CompiledRecordRoute).events.counters;
  }

  routeCounters(route = 0): CompiledRecordRoute['events']['route']['counters'] {
    return (this.#routes[route] as CompiledRecordRoute).events.route.counters;
  }

  /** Bytes of a route's ring that are taken. */
  usedBytes(route = 0): number {
    return (this.#writers[route] as FakeRecordWriter).usedBytes;
  }

  /** The consumer writes a record; false: the ring is full. */
  write(spec: Partial<RecordSpec> = {}, route = 0): boolean {
    const partition = spec.partition ?? 0;
    const place = `${route}:${partition}`;
    const offset = spec.offset ?? this.#nextOffset.get(place) ?? 0;
    const record = { key: 'k', value: `${offset}`, ...spec, partition, offset };
    if (!(this.#writers[route] as FakeRecordWriter).write(record)) return false;
    this.#nextOffset.set(place, offset + 1);
    return true;
  }

  /** Main looks at what was written. */
  ring(route = 0): void {
    this.flow.onRecords(this.sources[route] as RecordSource);
  }

  /** Writes records, and lets main look at them. */
  consume(...specs: Partial<RecordSpec>[]): void {
    for (const spec of specs) this.write(spec);
    this.ring();
  }

  revoke(revocation: number, partitions: readonly number[], lost = false, route = 0): void {
    this.flow.onMessage({ kind: 'revoking', routeIndex: route, revocation, partitions, lost });
  }

  /** The worker of a route dies, and its successor begins at these offsets. */
  loseWorker(route: number, offsets: ReadonlyMap<number, number> = new Map()): void {
    this.flow.onShardLost(route);
    const source = this.sources[route] as RecordSource;
    source.reset();
    this.#writers[route] = new FakeRecordWriter(source.task);
    for (const [partition, offset] of offsets) this.seek(partition, offset, route);
  }

  /** The next record of a partition is this one. */
  seek(partition: number, offset: number, route = 0): void {
    this.#nextOffset.set(`${route}:${partition}`, offset);
  }

  /** The offsets of the commit that a worker was told of, which it answers. */
  commits(code?: string, route = 0): (readonly PartitionOffset[])[] {
    const commits = this.told.flatMap((each) => (each.kind === 'commit' ? [each.offsets] : []));
    this.told.length = 0;
    for (const _ of commits) this.flow.onMessage({ kind: 'committed', routeIndex: route, code });
    return commits;
  }

  /** What a revocation was answered with, once. */
  released(): (readonly PartitionOffset[])[] {
    const released = this.told.flatMap((each) => (each.kind === 'released' ? [each.offsets] : []));
    this.told.length = 0;
    return released;
  }

  /** The store takes the oldest letter. */
  async store(): Promise<DeadLetter> {
    const waiting = this.letters.shift();
    if (waiting === undefined) throw new Error('no letter waits');
    waiting.stored();
    await turns();
    return waiting.letter;
  }
}

/** Lets promises that are settled go on. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

/** Flows whose session is there. */
export function connectedFlows(...args: ConstructorParameters<typeof RecordFlows>): RecordFlows {
  const flows = new RecordFlows(...args);
  flows.publisher.connect();
  return flows;
}

/** So many records that are alike, before anybody reads one. */
export function writeMany(
  flows: RecordFlows,
  count: number,
  spec: Parameters<RecordFlows['write']>[0],
): void {
  for (let n = 0; n < count; n++) flows.write(spec);
  flows.ring();
}

/** The header Millrace that says whose the expiry is. */
export const EXPIRING = 'v=1;properties=Message Expiry Interval;path=';
