/* One round: publishers, everything that goes wrong, and when all is well again, the verdict. */
import { join } from 'node:path';
import { Random } from '../support/random.js';
import { readEach } from '../support/real/kcat.js';
import { until } from '../support/until.js';
import { Checker, judge, type Verdict } from './checker.js';
import { type FaultThatWas, runLanes } from './fault-lanes.js';
import type { Fault } from './faults/fault.js';
import { Publishers } from './publishers.js';
import { type SabotagedConnector, startSabotaged } from './sabotaged-connector.js';
import { planFaults } from './schedule.js';
import { type ChaosServers, RECEIVE_MAXIMUM } from './servers.js';

export interface RoundOptions {
  readonly seed: number;
  readonly runMs: number;
  readonly faults: readonly Fault[];
  readonly acks: 'all' | 'one';
  readonly messagesPerSecond: number;
  /** Further fields of the KafkaConnector, such as `storeAndForward`. */
  readonly connector: Readonly<Record<string, unknown>>;
  /** Modules that are loaded into the connector before it starts. */
  readonly preload?: readonly URL[];
  readonly say: (text: string) => void;
}

export interface RoundResult {
  readonly seed: number;
  readonly seconds: number;
  readonly faults: readonly FaultThatWas[];
  /** `void`: the MQTT broker dropped messages, so that nothing can be said. */
  readonly outcome: 'clean' | 'broken' | 'void';
  /** What is wrong, in words. */
  readonly broken: readonly string[];
  /** Undefined where the round did not come so far. */
  readonly verdict: Verdict | undefined;
  /** How many records might have come again. */
  readonly repeatsMax: number;
  /** The most that the MQTT broker had in flight on a connection, in this round and before. */
  readonly inFlightMax: number;
  readonly connectorLog: string;
}

const KEYS = 24;
const PUBLISHERS = 4;
const PARTITIONS = 6;
const KEEP_ALIVE_SECONDS = 4;
const PAYLOAD_BYTES = [60, 600] as const;
/** Beyond 1 MB payloads travel through the slab. */
const LARGE_BYTES = 1_200_000;
const LARGE_EVERY = 3000;
const PUBLISHED_MS_MAX = 120_000;
/** Nothing is in flight and nothing more is found: what is missing now is lost. */
const QUIET_MS = 15_000;
/** Something is in flight, and nothing comes of it. */
const SETTLED_MS_MAX = 240_000;
const READ_MS_MAX = 1_800_000;
const READ_EVERY_MS = 2000;
const LOG_CHARS_MAX = 6000;

/** Runs a round to its verdict; rejects only where the servers of the run fail, not the connector. */
export async function runRound(servers: ChaosServers, options: RoundOptions): Promise<RoundResult> {
  const teardowns: (() => Promise<void>)[] = [];
  const t = { teardown: (callback: () => Promise<void>) => void teardowns.push(callback) };
  try {
    return await new Round(servers, options).run(t);
  } finally {
    for (const teardown of teardowns.reverse()) await teardown();
  }
}

class Round {
  readonly #servers: ChaosServers;
  readonly #options: RoundOptions;
  readonly #topic: string;
  readonly #publishers: Publishers;
  readonly #broken: string[] = [];
  readonly #startMs = performance.now();
  /** At the ends of connections before this round. */
  readonly #inFlightBefore: number;
  #faults: FaultThatWas[] = [];
  #connector: SabotagedConnector | undefined;

  constructor(servers: ChaosServers, options: RoundOptions) {
    this.#servers = servers;
    this.#options = options;
    this.#topic = `chaos-${options.seed}-${options.acks}-${servers.nextRound()}`;
    this.#inFlightBefore = servers.meter.atEnds;
    const random = new Random(options.seed);
    this.#publishers = new Publishers({
      ...{ host: servers.broker.host, port: servers.broker.port, prefix: this.#topic },
      ...{ keys: KEYS, publishers: PUBLISHERS, messagesPerSecond: options.messagesPerSecond },
      nextBytes: () =>
        random.chance(1 / LARGE_EVERY) ? LARGE_BYTES : random.between(...PAYLOAD_BYTES),
    });
  }

  async run(t: { teardown(callback: () => Promise<void>): void }): Promise<RoundResult> {
    const droppedBefore = await this.#servers.dropped();
    let verdict: Verdict | undefined;
    try {
      await this.#servers.kafka.kafka.createTopic(this.#topic, PARTITIONS, { replication: 3 });
      const connector = await this.#startConnector(t);
      this.#connector = connector;
      t.teardown(async () => this.#publishers.close());
      await this.#disturb(connector);
      await this.#publishAll();
      verdict = await this.#complete(connector);
      await connector.terminate();
      // Again, now that nobody writes any more.
      verdict = await this.#check();
    } catch (error) {
      this.#broken.push((error as Error).message.slice(0, LOG_CHARS_MAX));
      verdict ??= await this.#check().catch(() => undefined);
    }
    this.#judge(verdict);
    const dropped = (await this.#servers.dropped()) - droppedBefore;
    if (dropped > 0) this.#options.say(`the MQTT broker dropped messages, ${dropped} time(s)`);
    return {
      seed: this.#options.seed,
      seconds: (performance.now() - this.#startMs) / 1000,
      faults: this.#faults,
      outcome: dropped > 0 ? 'void' : this.#broken.length > 0 ? 'broken' : 'clean',
      broken: this.#broken,
      verdict,
      ...{ repeatsMax: this.#repeatsMax, inFlightMax: this.#servers.meter.most },
      connectorLog: (this.#connector?.log() ?? '').slice(-LOG_CHARS_MAX),
    };
  }

  async #startConnector(t: {
    teardown(callback: () => Promise<void>): void;
  }): Promise<SabotagedConnector> {
    const { kafka, mqttLine, folder } = this.#servers;
    const { acks, connector, preload = [] } = this.#options;
    const started = await startSabotaged(
      t,
      { kafka, mosquitto: mqttLine },
      {
        ...{ folder, preload, clientIdPrefix: this.#topic, args: ['--data-dir', this.#dataDir] },
        connector: { shards: 2, logLevel: 'info', ...connector },
        localBroker: { receiveMaximum: RECEIVE_MAXIMUM, keepAliveSeconds: KEEP_ALIVE_SECONDS },
        maps: [
          {
            partitionStrategy: 'topic',
            routes: [
              {
                ...{ name: 'chaos', mqttTopic: `${this.#topic}/#`, kafkaTopic: this.#topic },
                kafkaAcks: acks,
              },
            ],
          },
        ],
      },
    );
    await started.ready();
    return started;
  }

  async #disturb(connector: SabotagedConnector): Promise<void> {
    const { faults, seed, runMs, say } = this.#options;
    this.#publishers.start();
    this.#faults = await runLanes({
      lanes: planFaults(faults, seed, runMs),
      parties: { ...this.#servers, connector, dataDir: this.#dataDir },
      ...{ runMs, say },
    });
    connector.look();
  }

  /** Until every message has its PUBACK from the broker. */
  async #publishAll(): Promise<void> {
    let done = false;
    void this.#publishers.finish().then(() => {
      done = true;
    });
    await until('every message has its PUBACK', () => done, {
      deadlineMs: PUBLISHED_MS_MAX,
      detail: () => this.#publishers.published,
    });
  }

  /** Reads until nothing is missing, or nothing more is on its way. */
  async #complete(connector: SabotagedConnector): Promise<Verdict> {
    let verdict = await this.#check();
    let grewMs = performance.now();
    let busyMs = grewMs;
    const isOver = async (): Promise<boolean> => {
      if (verdict.lost === 0) return true;
      const { found } = verdict;
      if (!(await connector.isIdle())) busyMs = performance.now();
      verdict = await this.#check();
      if (verdict.found > found) grewMs = performance.now();
      const stillMs = performance.now() - grewMs;
      return (
        stillMs > SETTLED_MS_MAX || (stillMs > QUIET_MS && performance.now() - busyMs > QUIET_MS)
      );
    };
    await until('nothing is missing', isOver, { pollMs: READ_EVERY_MS, deadlineMs: READ_MS_MAX });
    await connector.ready();
    return verdict;
  }

  async #check(): Promise<Verdict> {
    const checker = new Checker(this.#publishers.journals);
    await readEach(this.#servers.kafka.kafka.bootstrap, this.#topic, {
      onRecord: (record) => checker.add(record),
    });
    return checker.verdict();
  }

  /** Of this round alone: a spool that another left is not for its session. */
  get #dataDir(): string {
    const { disk, folder } = this.#servers;
    return join(disk?.path ?? folder, this.#topic);
  }

  get #repeatsMax(): number {
    return this.#servers.meter.atEnds - this.#inFlightBefore;
  }

  #judge(verdict: Verdict | undefined): void {
    const { acks, faults } = this.#options;
    const { refused } = this.#publishers;
    if (refused.length > 0)
      this.#broken.push(
        `the MQTT broker had no use for ${refused.length} message(s): reason code(s) ${[...new Set(refused)]}`,
      );
    this.#broken.push(...(this.#connector?.wrongEnds ?? []));
    if (verdict === undefined) return;
    const stopping = new Set(faults.filter(({ stopsKafka }) => stopsKafka).map(({ name }) => name));
    const mayLose = acks === 'one' && this.#faults.some(({ name }) => stopping.has(name));
    this.#broken.push(...judge(verdict, { repeatsMax: this.#repeatsMax, mayLose }));
  }
}
