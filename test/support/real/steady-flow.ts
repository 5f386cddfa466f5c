import { setInterval } from 'node:timers/promises';
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

/** What flowed between two moments at which all had come back that was published by then. */
export interface Flowed {
  /** Messages that were published, and have come back. */
  readonly perSecond: number;
  /** How long the last of them took. */
  readonly lastTookMs: number;
}

/** How often is published what is due by then. */
const PORTION_MS = 50;
/** mosquitto_pub loses some beyond 65,535. */
const PROCESS_LINES_MAX = 60_000;
/** By itself mosquitto_pub waits for the broker after 20, and on a busy machine that is its limit. */
const IN_FLIGHT_MAX = 1_000;
const EACH_MAX = 400_000;
const ARRIVAL_MS_MAX = 120_000;

export class SteadyFlow {
  readonly #options: FlowOptions;
  readonly #log: DeliveryLog;
  readonly #sent: number[];
  #isEnding = false;
  #startMs = 0;
  /** When `caughtUp` was asked for last, and what was published by then. */
  #caughtUp = { atMs: 0, sent: 0 };
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
    this.#startMs = performance.now();
    this.#caughtUp = { atMs: this.#startMs, sent: 0 };
    this.#published = Promise.all(this.#sent.map((_, key) => this.#publish(key)));
    // A failure before it is awaited is not to end the process.
    this.#published.catch(() => {});
  }

  /** Until so many more have come back: it flows. */
  async flows(count: number): Promise<void> {
    await this.#arrives(this.arrived + count);
  }

  /** Until as much has come back as is published by now. Tells how much that is since the last time. */
  async caughtUp(): Promise<Flowed> {
    const { sent } = this;
    const before = this.#caughtUp;
    const atMs = performance.now();
    this.#caughtUp = { atMs, sent };
    await this.#arrives(sent);
    return {
      perSecond: ((sent - before.sent) * 1000) / (atMs - before.atMs),
      lastTookMs: performance.now() - atMs,
    };
  }

  /** Ends publishing; resolves when all that was published has come back. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#published;
    await this.#arrives(this.sent);
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

  #arrives(count: number): Promise<void> {
    return until(`${count} messages have come back`, () => this.arrived >= count, {
      deadlineMs: ARRIVAL_MS_MAX,
      detail: () => ({ sent: this.sent, arrived: this.arrived }),
    });
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
    args.push('-M', `${IN_FLIGHT_MAX}`);
    while (!this.#isEnding) await runProgram('mosquitto_pub', args, { input: this.#paced(key) });
  }

  /**
   * What one process publishes; one after the other, so that a key keeps its order. What is due counts from
   * the start of the flow: what a new process or a full pipe holds up comes later, and the rate holds.
   */
  async *#paced(key: number): AsyncGenerator<string> {
    const { keys, messagesPerSecond } = this.#options;
    const perMs = messagesPerSecond / keys / 1000;
    const first = this.#sent[key] as number;
    for await (const _ of setInterval(PORTION_MS)) {
      if (this.#isEnding) return;
      const from = this.#sent[key] as number;
      const due = Math.floor((performance.now() - this.#startMs) * perMs);
      const to = Math.min(due, first + PROCESS_LINES_MAX);
      this.#sent[key] = to;
      yield Array.from({ length: to - from }, (_, line) => `${from + line}\n`).join('');
      if (to === first + PROCESS_LINES_MAX) return;
    }
  }
}
