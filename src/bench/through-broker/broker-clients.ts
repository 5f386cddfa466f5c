/* BrokerClients: the generator as clients of a real broker, to which the connector connects too. Each of
 * them is as a device: it publishes to topics of its own, and reads topics of its own.
 *
 * Whether the connector has subscribed nobody tells: a message is published for it again and again, until
 * it is in Kafka.
 */
import { countRecords } from '../kafka-client.js';
import type { LoadConnection } from '../load/connection.js';
import { feedTopicsOf } from '../load/feed-topics.js';
import { loadPartOf } from '../load/load-part.js';
import type { LoadRun } from '../load/load-run.js';
import type { MqttSide, SideContext } from '../load/mqtt-side.js';
import { PublishSlab } from '../load/publish-slab.js';
import type { Broker, ThroughBroker } from '../protocol.js';
import { DialledConnection } from './dialled-connection.js';

/** Connections that are opened at once: a broker's backlog may be short. */
const DIALLED_AT_ONCE = 32;
const PROBE_EVERY_MS = 100;
/** More than a round waits for its connector. */
const PROBE_TIMEOUT_MS = 120_000;

export class BrokerClients implements MqttSide {
  readonly #broker: Broker;
  readonly #count: number;
  readonly #context: SideContext;
  readonly #clients: DialledConnection[] = [];
  readonly #connections: LoadConnection[] = [];
  readonly #ending = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #isReady: boolean;

  constructor(broker: Broker, count: number, context: SideContext) {
    this.#broker = broker;
    this.#count = count;
    this.#context = context;
    this.#isReady = context.loadRun === undefined;
  }

  /** Rejects within seconds where the broker does not accept all of them, or cannot carry the load. */
  async open(): Promise<string> {
    const { host, port } = this.#broker;
    let next = 0;
    const openSome = async () => {
      while (next < this.#count) {
        const index = next;
        next += 1;
        await this.#open(index);
      }
    };
    try {
      await Promise.all(Array.from({ length: DIALLED_AT_ONCE }, openSome));
    } catch (error) {
      next = this.#count;
      this.close();
      throw error;
    }
    const { throughBroker } = this.#context.loadRun?.load ?? {};
    if (throughBroker !== undefined) void this.#probe(throughBroker);
    return `${host}:${port}`;
  }

  get connections(): readonly LoadConnection[] {
    return this.#connections;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  close(): void {
    this.#ending.abort();
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    for (const client of this.#clients) client.close();
  }

  async #open(index: number): Promise<void> {
    const { loadRun, feedRun } = this.#context;
    const slab = loadRun && this.#slabOf(loadRun, index);
    const client = new DialledConnection(
      {
        broker: this.#broker,
        clientId: `${this.#broker.clientIdPrefix}-device-${index}`,
        needs: { qos: loadRun?.load.qos ?? 0, packetBytes: slab?.packetBytesMax ?? 0 },
        subscription: feedRun && {
          topics: feedTopicsOf(feedRun.feed, index),
          qos: feedRun.feed.qos,
        },
      },
      this.#context,
    );
    this.#clients.push(client);
    const { receiveMaximum, keepAliveSeconds } = await client.opened();
    if (slab !== undefined) client.connection.load(slab, receiveMaximum);
    this.#connections[index] = client.connection;
    if (index === 0 && keepAliveSeconds !== undefined) this.#ping(keepAliveSeconds);
  }

  #slabOf({ load, stamps }: LoadRun, index: number): PublishSlab {
    const part = loadPartOf(load, { index, parts: this.#count });
    return new PublishSlab({ ...load, ...part, subscriptionIds: [] }, stamps);
  }

  #ping(keepAliveSeconds: number): void {
    const ping = () => {
      for (const connection of this.#connections) connection.send({ cmd: 'pingreq' });
    };
    this.#timers.push(setInterval(ping, (keepAliveSeconds * 1000) / 2));
  }

  async #probe(load: ThroughBroker): Promise<void> {
    const { bootstrapServers, readyMqttTopic: topic, readyKafkaTopic } = load;
    const { signal } = this.#ending;
    const publish = () => {
      const flags = { qos: 0, dup: false, retain: false } as const;
      this.#connections[0]?.send({ cmd: 'publish', topic, payload: 'ready', ...flags });
    };
    publish();
    const timer = setInterval(publish, PROBE_EVERY_MS);
    this.#timers.push(timer);
    const wait = { expected: 1, waitMs: PROBE_TIMEOUT_MS, interrupted: signal };
    try {
      this.#isReady = (await countRecords(bootstrapServers, readyKafkaTopic, wait)) > 0;
    } catch (error) {
      if (!signal.aborted) this.#context.onFailed((error as Error).message);
    }
    clearInterval(timer);
    if (!signal.aborted) this.#context.onProgress(performance.now());
  }
}
