import { runServerScript } from './program.js';

export interface KafkaOptions {
  /** 1 unless given. With 3: replication factor 3, min.insync.replicas 2 by default. */
  readonly brokers?: number;
  /** With the listeners, users and certificates of kafka-security.ts. */
  readonly secure?: boolean;
  /** By broker: where its second listener says that it is, for clients that come through a proxy. */
  readonly advertisedPorts?: readonly number[];
  /** Largest record batch, such as '64M'; Kafka's own 1,048,588 bytes unless given. */
  readonly maxMessage?: string;
  /** Further lines of server.properties; they win over the script's. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface TopicOptions {
  readonly replication?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** A real Kafka of this process's own. Brokers are numbered from 1, which is their node id too. */
export interface Kafka {
  /** All brokers, separated by commas. */
  readonly bootstrap: string;
  /** SIGKILL; returns when process and ports are gone. */
  kill(broker: number): Promise<void>;
  /** SIGTERM: the broker hands its partitions over and ends. */
  shutdown(broker: number): Promise<void>;
  /** Starts a broker again on its data; returns when it serves. */
  start(broker: number): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(broker: number): Promise<void>;
  resume(broker: number): Promise<void>;
  /** Returns when every running broker knows a leader of every partition. */
  createTopic(name: string, partitions: number, options?: TopicOptions): Promise<void>;
  /** Runs one of Kafka's own tools, such as `consumer.group.ConsumerGroupCommand`. */
  tool(tool: string, args: readonly string[]): Promise<string>;
  /** Ends all brokers and deletes their data. For t.teardown; a second call does nothing. */
  stop(): Promise<void>;
}

/** Starts brokers on free ports of 127.0.0.1; returns when they all see each other. */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const { brokers = 1, secure = false, advertisedPorts = [], maxMessage, settings = {} } = options;
  const args = ['up', '0', '--brokers', `${brokers}`, '--owner', `${process.pid}`];
  if (secure) args.push('--secure');
  if (advertisedPorts.length > 0) args.push('--proxied', advertisedPorts.join());
  if (maxMessage !== undefined) args.push('--max-message', maxMessage);
  for (const [key, value] of Object.entries(settings)) args.push('--set', `${key}=${value}`);
  const bootstrap = (await runServerScript('kafka', args)).trim();
  const port = /^[\d.]+:(\d+)/.exec(bootstrap)?.[1];
  if (port === undefined) throw new Error(`kafka up gave no address but '${bootstrap}'`);
  const one = async (action: string, broker: number): Promise<void> => {
    await runServerScript('kafka', [action, `${broker}`, port]);
  };
  let stopped: Promise<unknown> | undefined;
  return {
    bootstrap,
    kill: (broker) => one('kill', broker),
    shutdown: (broker) => one('stop', broker),
    start: (broker) => one('start', broker),
    pause: (broker) => one('pause', broker),
    resume: (broker) => one('resume', broker),
    async createTopic(name, partitions, { replication = 1, config = {} } = {}) {
      const configs = Object.entries(config).flatMap(([key, value]) => [
        '--config',
        `${key}=${value}`,
      ]);
      const words = [name, `${partitions}`, `${replication}`, port];
      await runServerScript('kafka', ['topic', ...words, ...configs]);
    },
    tool: (tool, toolArgs) => runServerScript('kafka', ['tool', tool, ...toolArgs]),
    async stop() {
      stopped ??= runServerScript('kafka', ['down', port]);
      await stopped;
    },
  };
}
