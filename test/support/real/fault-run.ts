import { setTimeout as delay } from 'node:timers/promises';
import type { RunningConnector } from '../connector.js';
import type { Random } from '../random.js';
import { until } from '../until.js';
import { type Servers, startBridge } from './bridge.js';
import { OFFSETS_TOPIC, offsetsPartition } from './committed-offsets.js';
import { DeliveryLog } from './delivery-log.js';
import { publishPayload, startReader } from './mosquitto-clients.js';
import { runProgram } from './program.js';
import type { Proxy as MqttProxy } from './proxy.js';

/* A kafkaToMqtt route at work while everything goes wrong: kcat -> Kafka -> one or two connectors -> a
 * line with latency -> mosquitto -> mosquitto_sub. What goes wrong, and after how many records, a seed
 * decides. What came is in a log, with a mark behind what each killed connector had sent. */

/** A record's payload tells where it belongs: in its partition, records count from 0 as offsets do. */
export interface Course {
  /** Also the name of the route, and so of its consumer group. */
  readonly topic: string;
  readonly partitions: number;
  /** Records of each partition. */
  readonly each: number;
  /** Text without a newline. */
  readonly payloadOf: (partition: number, offset: number) => Buffer;
  readonly offsetOf: (value: Buffer) => number;
  readonly commitIntervalMs: number;
}

export interface Faults {
  readonly kills: number;
  readonly cuts: number;
}

export interface Parties {
  readonly servers: Servers;
  /** Between the connectors and mosquitto. */
  readonly proxy: MqttProxy;
}

export interface FaultRunOptions extends Parties {
  readonly course: Course;
  readonly random: Random;
  /** Is told of what goes wrong, when it does. */
  readonly say: (text: string) => void;
}

interface Teardown {
  teardown(callback: () => Promise<void>): void;
}

/** Something that goes wrong once this share of the records has come. */
interface Fault {
  readonly share: number;
  readonly name: string;
  readonly happens: () => Promise<void>;
}

export interface FaultHappened {
  readonly name: string;
  /** By the clock that Kafka stamps commits with. */
  readonly timeMs: number;
}

/** A member that left keeps its partitions for session.timeout.ms, 10 s; so long is nothing heard. */
const SILENCE_MS = 40_000;
/** Kafka makes the offsets topic for the first group. */
const FIRST_MS_MAX = 120_000;
const RUN_MS_MAX = 300_000;
const WRONG_SHOWN = 10;
const BROKERS = 3;
/** In so many the records of a partition are produced, and so many before they are due. */
const PORTIONS = 60;
const PORTIONS_AHEAD = 3;
const NEWLINE = Buffer.from('\n');
/** Shares of the records: what comes between two faults at least, and where the last one is due. */
const FAULT_EVERY = 0.01;
const LAST_FAULT = 0.98;

export class FaultRun {
  readonly log: DeliveryLog;
  /** In their order. What came before the mark of one was under way before it. */
  readonly faults: FaultHappened[] = [];
  /** Payloads that are not what was produced. */
  readonly wrong: string[] = [];
  readonly #options: FaultRunOptions;
  readonly #instances: RunningConnector[] = [];
  /** What instances said that are no more. */
  readonly #ended: string[] = [];
  #heardMs = performance.now();
  #brokerBack: Promise<void> = Promise.resolve();

  constructor(options: FaultRunOptions) {
    this.#options = options;
    this.log = new DeliveryLog(options.course.partitions, options.course.each);
  }

  get total(): number {
    return this.#options.course.partitions * this.#options.course.each;
  }

  /** What the connectors said. */
  get connectorLogs(): string[] {
    return [...this.#ended, ...this.#instances.map((connector) => connector.log())];
  }

  /** From the first record to the last, or until nothing comes any more. */
  async complete(t: Teardown, faults: Faults): Promise<void> {
    const { topic } = this.#options.course;
    const { mosquitto } = this.#options.servers;
    const reader = await startReader(mosquitto, {
      filter: `${topic}/#`,
      clientId: `reader-${topic}`,
      format: '%t %p',
      onLine: (line) => this.#onLine(line),
    });
    t.teardown(() => reader.stop());
    const produced = this.#produce();
    await this.#startInstance(t, 0);
    await until('a record comes', () => this.log.distinct > 0, { deadlineMs: FIRST_MS_MAX });
    let seen = 0;
    for (const { share, name, happens } of this.#plan(t, faults)) {
      // What came while the last one was under way counts for no other.
      await this.#reached(Math.min(Math.max(share * this.total, seen), LAST_FAULT * this.total));
      // At any moment between two commits. By time: an event to wait for, such as the next record, would
      // have every fault come just behind one.
      await delay(this.#options.random.below(2 * this.#options.course.commitIntervalMs));
      this.#options.say(`${this.log.distinct} records have come: ${name}`);
      this.faults.push({ name, timeMs: Date.now() });
      await happens();
      seen = this.log.distinct + FAULT_EVERY * this.total;
    }
    await Promise.all([produced, this.#brokerBack]);
    await this.#reached(this.total);
    if (reader.failure !== undefined) throw reader.failure;
  }

  #plan(t: Teardown, { kills, cuts }: Faults): Fault[] {
    const random = this.#options.random;
    const share = (from: number, to: number) => from + random.next() * (to - from);
    const many = (count: number, name: string, happens: () => Promise<void>): Fault[] =>
      Array.from({ length: count }, () => ({ share: share(0.02, 0.95), name, happens }));
    return [
      ...many(kills, 'kill', () => this.#kill()),
      ...many(cuts, 'cut', () => this.#cut()),
      { share: share(0.2, 0.8), name: 'broker', happens: () => this.#restartBroker() },
      { share: share(0.1, 0.4), name: 'join', happens: () => this.#join(t) },
      { share: share(0.6, 0.9), name: 'leave', happens: () => this.#stopInstance() },
    ].sort((a, b) => a.share - b.share);
  }

  /** Kills one of the instances and starts it again. */
  async #kill(): Promise<void> {
    const connector = this.#options.random.pick(this.#instances);
    await connector.kill();
    await this.#mark();
    await connector.start();
  }

  /** Behind what mosquitto has by now. */
  async #mark(): Promise<void> {
    const topic = `${this.#options.course.topic}/mark`;
    await publishPayload(this.#options.servers.mosquitto, topic, { payload: 'm' });
  }

  async #cut(): Promise<void> {
    this.#options.proxy.drop();
    await this.#mark();
  }

  /** Kills the broker that coordinates the group, and starts it again; what else goes wrong goes on. */
  async #restartBroker(): Promise<void> {
    const { kafka } = this.#options.servers;
    const broker = await this.#coordinator();
    await kafka.kill(broker);
    await this.#mark();
    this.#brokerBack = kafka.start(broker);
    // Awaited at the end; a failure before is not to end the process.
    this.#brokerBack.catch(() => {});
  }

  async #startInstance(t: Teardown, id: number): Promise<void> {
    const { topic, commitIntervalMs } = this.#options.course;
    const { servers, proxy } = this.#options;
    const connector = await startBridge(t, servers, {
      clientIdPrefix: topic,
      connector: { instances: 2, logLevel: 'info' },
      localBroker: { endpoint: `127.0.0.1:${proxy.port}` },
      args: ['--instance-id', `${id}`],
      maps: [
        {
          routes: [
            {
              direction: 'kafkaToMqtt',
              name: topic,
              kafkaTopic: topic,
              mqttTopic: `${topic}/$\{partition}`,
              qos: 1,
              commitIntervalMs,
            },
          ],
        },
      ],
    });
    this.#instances.push(connector);
  }

  async #join(t: Teardown): Promise<void> {
    await this.#mark();
    await this.#startInstance(t, 1);
  }

  /** The second instance goes for good. */
  async #stopInstance(): Promise<void> {
    const connector = this.#instances.pop();
    await this.#mark();
    const code = await connector?.terminate();
    this.#ended.push(connector?.log() ?? '');
    if (code !== 0) throw new Error(`the second instance ended with ${code}`);
  }

  /** The broker that leads the partition of the offsets topic that has the group's commits. */
  async #coordinator(): Promise<number> {
    const { bootstrap } = this.#options.servers.kafka;
    const listed = await runProgram('kcat', ['-b', bootstrap, '-L', '-t', OFFSETS_TOPIC]);
    const partition = offsetsPartition(this.#options.course.topic);
    const leader = new RegExp(`partition ${partition}, leader (\\d+)`).exec(listed)?.[1];
    const broker = Number(leader);
    if (!(broker >= 1 && broker <= BROKERS)) throw new Error(`no leader: ${listed}`);
    return broker;
  }

  /** One kcat for each partition, at the same time and about as fast as the records come out. */
  async #produce(): Promise<void> {
    const { topic, partitions } = this.#options.course;
    const { bootstrap } = this.#options.servers.kafka;
    // Without idempotence a producer that tries again writes some records twice.
    const settings = ['acks=all', 'enable.idempotence=true', 'message.max.bytes=4000000'];
    const args = ['-b', bootstrap, '-P', '-t', topic, ...settings.flatMap((one) => ['-X', one])];
    await Promise.all(
      Array.from({ length: partitions }, (_, partition) =>
        runProgram('kcat', [...args, '-p', `${partition}`], {
          input: this.#paced(partition),
          deadlineMs: RUN_MS_MAX,
        }),
      ),
    );
  }

  /** What is there at once is read a partition at a time, and a rebalance then moves only whole ones. */
  async *#paced(partition: number): AsyncGenerator<string | Uint8Array> {
    const { each, partitions, payloadOf } = this.#options.course;
    const portion = Math.ceil(each / PORTIONS);
    for (let from = 0; from < each; from += portion) {
      const due = (from - PORTIONS_AHEAD * portion) * partitions;
      await until('the next portion is due', () => this.log.distinct >= due || this.#isSilent, {
        deadlineMs: RUN_MS_MAX,
      });
      const lines: Buffer[] = [];
      for (let offset = from; offset < Math.min(from + portion, each); offset++) {
        lines.push(payloadOf(partition, offset), NEWLINE);
      }
      yield Buffer.concat(lines);
    }
  }

  get #isSilent(): boolean {
    return performance.now() - this.#heardMs > SILENCE_MS;
  }

  /** A line of mosquitto_sub: topic, blank, payload. */
  #onLine(line: Buffer): void {
    const { topic, offsetOf, payloadOf } = this.#options.course;
    const blank = line.indexOf(' ');
    const level = `${line.subarray(topic.length + 1, blank)}`;
    if (level === 'mark') {
      this.log.mark();
      return;
    }
    this.#heardMs = performance.now();
    const partition = Number(level);
    const value = line.subarray(blank + 1);
    const offset = offsetOf(value);
    this.log.add(partition, offset);
    if (this.wrong.length < WRONG_SHOWN && !value.equals(payloadOf(partition, offset)))
      this.wrong.push(`${partition}/${offset}`);
  }

  /** Until so many of the records have come, or none does any more. */
  async #reached(count: number): Promise<void> {
    await until(`${count} records`, () => this.log.distinct >= count || this.#isSilent, {
      pollMs: 5,
      deadlineMs: RUN_MS_MAX,
      detail: () => this.log.distinct,
    });
  }
}
