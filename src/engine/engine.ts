/* Engine: every connector of a model, and the admin server. Main thread. */
import { type Clock, systemClock } from '../base/clock.js';
import type { OperatingError } from '../base/errors.js';
import { createLog } from '../base/log.js';
import type { Model } from '../config/model.js';
import { Metrics } from '../metrics/registry.js';
import { readKafkaCredentials } from '../secrets/kafka-credentials.js';
import { readMqttCredentials } from '../secrets/mqtt-credentials.js';
import type { SecretSource } from '../secrets/secret-source.js';
import { openConnectorTokens } from './access-tokens.js';
import { Bridge, type Supervision } from './bridge.js';
import { type EngineState, type Health, judgeHealth } from './health.js';
import { type AdminServer, startAdminServer } from './http.js';
import { LoopWatch } from './loop-watch.js';

export interface EngineOptions {
  readonly model: Model;
  readonly secrets: SecretSource;
  readonly dataDir: string;
  /** HOST:PORT; undefined for no admin server. */
  readonly adminAddress: string | undefined;
  readonly version: string;
  /** Where Azure says how access tokens are had; left out: that of the process. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** For tests. */
  readonly supervision?: Supervision;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #clock: Clock;
  readonly #bridges: Bridge[] = [];
  readonly metrics: Metrics;
  /** Resolves with why the engine has given up: only another process can go on. */
  readonly failed: Promise<OperatingError>;
  readonly #loopWatch: LoopWatch;
  #fail: (error: OperatingError) => void = () => {};
  #failure: OperatingError | undefined;
  #state: EngineState = 'starting';
  #admin: AdminServer | undefined;

  constructor(options: EngineOptions) {
    const { version } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.metrics = new Metrics({ log: createLog('info', 'millrace'), clock: this.#clock, version });
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#loopWatch = new LoopWatch(this.#clock, (lateMs) => this.metrics.loop.stalled(lateMs));
  }

  /** HOST:PORT of the admin server. */
  get adminAddress(): string | undefined {
    return this.#admin?.address;
  }

  get bridges(): readonly Bridge[] {
    return this.#bridges;
  }

  /**
   * Starts everything; neither MQTT nor Kafka has to be there. Rejects with a UsageError, and has started
   * nothing, where a secret cannot be used or the environment names no usable source of access tokens.
   */
  async start(): Promise<void> {
    const { adminAddress, model, secrets, dataDir, random, supervision } = this.#options;
    const environment = this.#options.environment ?? process.env;
    const connectors = await Promise.all(
      model.connectors
        .filter(({ instances }) => instances > 0)
        .map(async (connector) => {
          const kafkaCredentials = await readKafkaCredentials(connector.kafka, secrets);
          const mqttCredentials = await readMqttCredentials(connector.mqtt, secrets);
          const tokenSource = await openConnectorTokens(connector, environment, this.#clock);
          return { connector, kafkaCredentials, mqttCredentials, tokenSource };
        }),
    );
    if (adminAddress !== undefined) {
      this.#admin = await startAdminServer({
        address: adminAddress,
        clock: this.#clock,
        metrics: this.metrics,
        health: () => this.health(),
      });
    }
    for (const { connector, kafkaCredentials, mqttCredentials, tokenSource } of connectors) {
      const log = createLog(connector.logLevel, connector.name);
      const bridge = await Bridge.open({
        connector,
        kafkaCredentials,
        tokenSource,
        mqttCredentials,
        secrets,
        dataDir,
        log,
        events: this.metrics.connector(connector.name, log),
        clock: this.#clock,
        random: random ?? Math.random,
        onHopeless: (error) => this.#onHopeless(error),
        supervision,
      });
      this.#bridges.push(bridge);
      await bridge.start();
    }
    this.#loopWatch.start();
    // A worker may have been given up meanwhile.
    if (this.#failure === undefined) this.#state = 'running';
  }

  health(): Health {
    return judgeHealth({
      engine: this.#state,
      failure: this.#failure?.message,
      stall: this.#loopWatch.trouble,
      connectors: this.#bridges.map((bridge) => bridge.health()),
    });
  }

  /** Deliveries that are not settled. */
  get inFlight(): number {
    return this.#bridges.reduce((sum, bridge) => sum + bridge.inFlight, 0);
  }

  /** Drains and stops everything; resolves with how many deliveries were left unsettled. */
  async stop(drainTimeoutMs: number): Promise<number> {
    if (this.#failure === undefined) this.#state = 'draining';
    this.#loopWatch.stop();
    const left = await Promise.all(this.#bridges.map((bridge) => bridge.stop(drainTimeoutMs)));
    await this.#admin?.close();
    return left.reduce((sum, count) => sum + count, 0);
  }

  #onHopeless(error: OperatingError): void {
    this.#state = 'failed';
    this.#failure ??= error;
    this.#fail(this.#failure);
  }
}
