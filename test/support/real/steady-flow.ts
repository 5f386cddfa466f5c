import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../until.js';
import { DeliveryLog } from './delivery-log.js';
import { readEach } from './kcat.js';
import { type Address, type Reader, startReader } from './mosquitto-clients.js';
import { runProgram } from './program.js';

/* Messages that keep coming while something else happens: mosquitto_pub -> MQTT -> Kafka -> MQTT ->
 * mosquitto_sub. Each key is a topic `up/KEY` with messages that count from 0; what comes back is at
 * `down/up/KEY`. */

export interface FlowOptions {
  readonly server: Address;
  readonly keys: number;
  readonly messagesPerSecond: number;
  /** In which every message is to be found. */
  readonly bootstrap: string;
  readonly kafkaTopic: string;
}

/** What was lost, came again or out of order, at one place. */
export interface Losses {
  readonly missing: number;
  readonly repeats: number;
  readonly disordered: number;
}

const PORTION_MS = 50;
/** mosquitto_pub loses some beyond 65,535. */
const PROCESS_LINES_MAX = 20_000;
const EACH_MAX = 400_000;
const ARRIVAL_MS_MAX = 120_000;

export class SteadyFlow {
  readonly #options: FlowOptions;
  readonly #log: DeliveryLog;
  readonly #sent: number[];
  #isEnding = false;
  #published: Promise<unknown> = Promise.resolve();
  #reader: Reader | undefined;

  constructor(options: FlowOptions) {
    this.#options = options;
    this.#log = new DeliveryLog(options.keys, EACH_MAX);
    this.#sent = new Array<number>(options.keys).fill(0);
  }

  get sent(): number {
    return this.#sent.reduce((sum, count) => sum + count, 0);
  }

  /** Messages that have come back. */
  get arrived(): number {
    return this.#log.distinct;
  }

  async start(t: { teardown(callback: () => Promise<void>): void }): Promise<void> {
    const reader = await startReader(this.#options.server, {
      filter: 'down/#',
      clientId: 'flow-reader',
      format: '%t %p',
      onLine: (line) => {
        const [, key = '', count = ''] = /^down\/up\/(\d+) (\d+)$/.exec(line.toString()) ?? [];
        this.#log.add(Number(key), Number(count));
      },
    });
    this.#reader = reader;
    t.teardown(async () => {
      this.#isEnding = true;
      await reader.stop();
    });
    this.#published = Promise.all(this.#sent.map((_, key) => this.#publish(key)));
    // A failure before it is awaited is not to end the process.
    this.#published.catch(() => {});
  }

  /** Until so many more have come back: it flows. */
  async flows(count: number): Promise<void> {
    const enough = this.arrived + count;
    await until(`${count} more messages come back`, () => this.arrived >= enough, {
      deadlineMs: ARRIVAL_MS_MAX,
      detail: () => ({ sent: this.sent, arrived: this.arrived }),
    });
  }

  /** Ends publishing; resolves when all that was published has come back. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#published;
    await until('everything has come back', () => this.arrived >= this.sent, {
      deadlineMs: ARRIVAL_MS_MAX,
      detail: () => ({ sent: this.sent, arrived: this.arrived }),
    });
    if (this.#reader?.failure !== undefined) throw this.#reader.failure;
  }

  /** Of what came back to MQTT. */
  get atMqtt(): Losses {
    return this.#losses(this.#log);
  }

  /** Of what is in Kafka, read by kcat. */
  async inKafka(): Promise<Losses> {
    const log = new DeliveryLog(this.#options.keys, EACH_MAX);
    const { bootstrap, kafkaTopic } = this.#options;
    await readEach(bootstrap, kafkaTopic, {
      onRecord: ({ key, value }) => {
        const [, number] = /^up\/(\d+)$/.exec(`${key}`) ?? [];
        log.add(Number(number), Number(`${value}`));
      },
    });
    return this.#losses(log);
  }

  #losses(log: DeliveryLog): Losses {
    const missing = this.#sent.flatMap((sent, key) =>
      log.missing(key).filter((offset) => offset < sent),
    );
    return { missing: missing.length, repeats: log.repeats, disordered: log.disordered };
  }

  async #publish(key: number): Promise<void> {
    const { host, port } = this.#options.server;
    const args = ['-V', '5', '-h', host, '-p', `${port}`, '-t', `up/${key}`, '-q', '1', '-l'];
    while (!this.#isEnding) await runProgram('mosquitto_pub', args, { input: this.#paced(key) });
  }

  /** What one process publishes; one after the other, so that a key keeps its order. */
  async *#paced(key: number): AsyncGenerator<string> {
    const { keys, messagesPerSecond } = this.#options;
    const portion = Math.round((messagesPerSecond / keys / 1000) * PORTION_MS);
    const startMs = performance.now();
    for (let lines = 0; lines < PROCESS_LINES_MAX && !this.#isEnding; lines += portion) {
      const from = this.#sent[key] as number;
      this.#sent[key] = from + portion;
      yield Array.from({ length: portion }, (_, line) => `${from + line}\n`).join('');
      const dueMs = startMs + ((lines + portion) / portion) * PORTION_MS;
      await delay(Math.max(0, dueMs - performance.now()));
    }
  }
}
