import {
  closeDoorbell,
  listenToDoorbell,
  openDoorbell,
  ringDoorbell,
} from '../../src/channel/doorbell.js';
import { type ReadRecord, readRecord } from '../../src/channel/record-frame.js';
import { RecordRing } from '../../src/channel/record-ring.js';
import { createRingMemory } from '../../src/channel/ring-layout.js';
import {
  addon,
  CONSUMER_BLOCKED,
  CONSUMER_EVENTS,
  CONSUMER_MORE,
  type Consumer,
  type ConsumerEvent,
  EVENT_ASSIGN,
  EVENT_CLOSED,
  EVENT_COMMIT,
  EVENT_REVOKE,
} from '../../src/kafka/addon.js';
import { until } from './until.js';

export interface NativeConsumerOptions {
  readonly group: string;
  readonly topic: string;
  readonly ringBytes?: number;
  readonly largeBytes?: number;
  /** Whether records are released as soon as they are read. */
  readonly releases?: boolean;
  readonly properties?: Readonly<Record<string, string>>;
}

/** Both ends of a record ring on one thread, around the real addon. It answers rebalances at once. */
export class NativeConsumer {
  readonly ring: RecordRing;
  readonly records: ReadRecord[] = [];
  /** Of records that are not released. */
  readonly held: number[] = [];
  readonly events: ConsumerEvent[] = [];
  readonly assigned = new Set<number>();
  flags = 0;
  blockedTurns = 0;
  readonly #releases: boolean;
  readonly #wakeFd = openDoorbell();
  readonly #mainFd = openDoorbell();
  readonly #stops: readonly (() => void)[];
  readonly #open: (group: string, topic: string) => Consumer;
  #native: Consumer;
  #again: NodeJS.Immediate | undefined;
  #tokens = 0;
  #destroyed = false;

  constructor(bootstrapServers: string, options: NativeConsumerOptions) {
    const memory = createRingMemory(options.ringBytes ?? 1024 * 1024);
    const large = new SharedArrayBuffer(options.largeBytes ?? 64);
    this.#releases = options.releases ?? true;
    this.ring = new RecordRing(memory, large, () => ringDoorbell(this.#wakeFd));
    this.#open = (group, topic) =>
      new addon.Consumer(
        { ...quickConsumer(bootstrapServers), 'group.id': group, ...options.properties },
        topic,
        new Uint8Array(memory),
        new Uint8Array(large),
        this.#wakeFd,
        this.#mainFd,
      );
    this.#native = this.#open(options.group, options.topic);
    this.#stops = [
      listenToDoorbell(this.#wakeFd, () => this.turn()),
      listenToDoorbell(this.#mainFd, () => this.read()),
    ];
  }

  get native(): Consumer {
    return this.#native;
  }

  /** Another consumer, of another topic, that writes to the same rings. */
  reopen(group: string, topic: string): void {
    this.#native.destroy();
    this.#native = this.#open(group, topic);
  }

  turn(): void {
    this.flags = this.native.turn();
    if ((this.flags & CONSUMER_BLOCKED) !== 0) this.blockedTurns++;
    if ((this.flags & CONSUMER_EVENTS) !== 0)
      for (const event of this.native.takeEvents()) this.#onEvent(event);
    if ((this.flags & CONSUMER_MORE) !== 0) this.#again ??= setImmediate(() => this.#next());
  }

  /** Reads what there is. */
  read(): void {
    while (this.ring.next()) {
      this.records.push(readRecord(this.ring.frame, this.ring.large));
      if (this.#releases) this.ring.release(this.ring.position);
      else this.held.push(this.ring.position);
    }
    this.ring.wakeWriter();
  }

  /** Releases all that is held. */
  release(): void {
    for (const position of this.held.splice(0)) this.ring.release(position);
    this.ring.wakeWriter();
  }

  async receive(count: number): Promise<void> {
    await until(`${count} records`, () => this.records.length >= count, {
      detail: () => ({ records: this.records.length, flags: this.flags }),
    });
  }

  /** Commits, and gives the event that it ends as. */
  async commit(partition: number, offset: number): Promise<ConsumerEvent> {
    const token = ++this.#tokens;
    this.native.commit([{ partition, offset }], token);
    const found = () => this.events.find((event) => isCommit(event, token));
    await until('the commit has ended', () => found() !== undefined);
    return found() as ConsumerEvent;
  }

  async close(): Promise<void> {
    this.native.close();
    await until('the consumer has closed', () => this.count(EVENT_CLOSED) > 0);
    this.destroy();
  }

  count(kind: number): number {
    return this.events.filter((event) => event.kind === kind).length;
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (this.#again !== undefined) clearImmediate(this.#again);
    for (const stop of this.#stops) stop();
    this.native.destroy();
    closeDoorbell(this.#wakeFd);
    closeDoorbell(this.#mainFd);
  }

  #next(): void {
    this.#again = undefined;
    this.turn();
  }

  #onEvent(event: ConsumerEvent): void {
    this.events.push(event);
    const partitions = event.partitions.map(({ partition }) => partition);
    if (event.kind === EVENT_ASSIGN) {
      this.native.assign(event.partitions);
      for (const partition of partitions) this.assigned.add(partition);
    } else if (event.kind === EVENT_REVOKE) {
      this.native.unassign(partitions);
      for (const partition of partitions) this.assigned.delete(partition);
    }
  }
}

function isCommit({ kind, token }: ConsumerEvent, expected: number): boolean {
  return kind === EVENT_COMMIT && token === expected;
}

/** Settings of a consumer that reads a topic from its beginning, and notices all quickly. */
export function quickConsumer(bootstrapServers: string): Record<string, string> {
  return {
    'bootstrap.servers': bootstrapServers,
    'partition.assignment.strategy': 'cooperative-sticky',
    'auto.offset.reset': 'earliest',
    'enable.auto.commit': 'false',
    'enable.auto.offset.store': 'false',
    'session.timeout.ms': '6000',
    'heartbeat.interval.ms': '100',
    'fetch.wait.max.ms': '50',
    'fetch.queue.backoff.ms': '10',
    'statistics.interval.ms': '1000',
    'reconnect.backoff.ms': '20',
    'reconnect.backoff.max.ms': '100',
  };
}
