/* Rotation: what the connections of one connector are made with, from its start to its stop: sees that secrets,
 * config maps and the service account token have new values, renews access tokens, and has both sides move to
 * them. Main thread.
 */
import type { Clock } from '../../base/clock.js';
import type { FromWorker } from '../../channel/protocol.js';
import type { Connector, KafkaConnection, MqttConnection } from '../../config/model.js';
import type { TokenSource } from '../../identity/issued-token.js';
import type { TokenRenewal } from '../../identity/token-renewal.js';
import type { CredentialEvents } from '../../metrics/credential-events.js';
import type { ConnectorEvents } from '../../metrics/events.js';
import type { SessionState } from '../../mqtt/session-options.js';
import { tryMqttConnect } from '../../mqtt/try-connect.js';
import { type Certificates, certificateExpiries } from '../../secrets/certificate-expiry.js';
import { placesOf } from '../../secrets/connection-places.js';
import { type KafkaCredentials, readKafkaCredentials } from '../../secrets/kafka-credentials.js';
import { type MqttCredentials, readMqttCredentials } from '../../secrets/mqtt-credentials.js';
import { type Sealed, unseal } from '../../secrets/sealed.js';
import type { SecretSource } from '../../secrets/secret-source.js';
import { ValuesWatch, type ValuesWatchOptions } from '../../secrets/values-watch.js';
import type { ShardPool } from '../../shard/pool.js';
import { accessTokenRenewal } from '../access-tokens.js';
import type { BridgeHealth } from '../bridge-health.js';
import { clientIdBase } from '../session-plan.js';
import { ExpiryWatch } from './expiry-watch.js';
import { KafkaRotation } from './kafka-rotation.js';
import { type MovableSession, MqttRotation } from './mqtt-rotation.js';
import { Standing } from './standing.js';

const TRIAL_TIMEOUT_MS = 10_000;

export interface RotationOptions {
  readonly connector: Connector;
  readonly secrets: SecretSource;
  /** What was read for the start. */
  readonly kafkaCredentials: Sealed<KafkaCredentials>;
  readonly mqttCredentials: Sealed<MqttCredentials>;
  /** Of access tokens for Kafka; undefined: it is authenticated to in another way. */
  readonly tokenSource: TokenSource | undefined;
  readonly setKafkaCredentials: ShardPool['setCredentials'];
  readonly sessions: () => readonly MovableSession[];
  readonly events: ConnectorEvents;
  readonly health: BridgeHealth;
  readonly clock: Clock;
  readonly random: () => number;
}

export class Rotation {
  readonly #kafka: KafkaRotation;
  readonly #mqtt: MqttRotation;
  readonly #tokens: TokenRenewal | undefined;
  readonly #watches: readonly { start(): Promise<void>; stop(): void }[];
  readonly #expiries: readonly ExpiryWatch[];

  constructor(options: RotationOptions) {
    const { connector, secrets, kafkaCredentials, mqttCredentials } = options;
    const kafka = openSide(options, 'kafka');
    const mqtt = openSide(options, 'mqtt');
    this.#expiries = [kafka.expiry, mqtt.expiry];
    this.#kafka = new KafkaRotation({
      inService: kafkaCredentials,
      shards: connector.shards,
      setCredentials: options.setKafkaCredentials,
      standing: kafka.standing,
      onInService: kafka.onInService,
    });
    this.#mqtt = new MqttRotation({
      ...options,
      inService: mqttCredentials,
      // Not that of a session, which it would take over.
      tryConnect: (values, signal) =>
        tryMqttConnect(
          connector.mqtt,
          values,
          { clientId: `${clientIdBase(connector)}-trial`, timeoutMs: TRIAL_TIMEOUT_MS, signal },
          options.clock,
        ),
      standing: mqtt.standing,
      onInService: mqtt.onInService,
    });
    const { tokenSource: source } = options;
    if (source !== undefined) {
      const onToken = this.#kafka.offerToken.bind(this.#kafka);
      this.#tokens = accessTokenRenewal({ ...options, source, onToken });
    }
    kafka.onInService(kafkaCredentials);
    mqtt.onInService(mqttCredentials);
    this.#watches = [
      new ValuesWatch<KafkaCredentials>({
        ...kafka.watch,
        known: kafkaCredentials,
        read: () => readKafkaCredentials(connector.kafka, secrets),
        onNew: (values) => this.#kafka.offer(values),
      }),
      new ValuesWatch<MqttCredentials>({
        ...mqtt.watch,
        known: mqttCredentials,
        read: (known) => readMqttCredentials(connector.mqtt, secrets, known),
        onNew: (values) => this.#mqtt.offer(values),
      }),
    ];
  }

  /** What a session connects with: asked at every dial and every CONNECT. */
  mqttCredentialsOf(session: number): Sealed<MqttCredentials> {
    return this.#mqtt.credentialsOf(session);
  }

  onSessionState(session: number, state: SessionState): void {
    this.#mqtt.onState(session, state);
  }

  onWorkerMessage(shard: number, message: FromWorker): void {
    this.#kafka.onMessage(shard, message);
    // Kafka may have refused the token that it was shown.
    if (message.kind === 'kafka' && !message.up && message.reason === 'authentication') {
      this.#tokens?.renewNow();
    }
  }

  /** Asks for a first access token where one is needed, and begins to watch; resolves when it does. */
  async start(): Promise<void> {
    this.#tokens?.start();
    await Promise.all(this.#watches.map((watch) => watch.start()));
  }

  /** Nothing moves any more, and nothing is left behind. */
  stop(): void {
    for (const watch of this.#watches) watch.stop();
    this.#tokens?.stop();
    for (const expiry of this.#expiries) expiry.stop();
    this.#mqtt.stop();
  }
}

interface OpenSide {
  readonly standing: Standing;
  readonly expiry: ExpiryWatch;
  readonly onInService: (values: Sealed<Partial<Certificates>>) => void;
  readonly watch: Pick<ValuesWatchOptions<unknown>, 'places' | 'clock' | 'onUnusable' | 'onUsable'>;
}

/** What both sides need alike. */
function openSide(options: RotationOptions, side: 'kafka' | 'mqtt'): OpenSide {
  const { connector, secrets, clock, health } = options;
  const connection: KafkaConnection | MqttConnection = connector[side];
  const events: CredentialEvents = options.events.credentials(side);
  const standing = new Standing({
    events,
    onTrouble: (detail) => health.credentialsTrouble(side, detail),
  });
  const expiry = new ExpiryWatch(clock, events);
  const hasCa = connection.tls?.caConfigMap !== undefined;
  return {
    standing,
    expiry,
    onInService: (values) => {
      const { caPem, client } = unseal(values);
      expiry.use(certificateExpiries({ caPem: hasCa ? caPem : undefined, client }));
    },
    watch: {
      places: placesOf(connection, secrets),
      clock,
      onUnusable: (detail) => standing.unusable(detail),
      onUsable: () => standing.usable(),
    },
  };
}
