import { stringify } from 'yaml';

/* The resources that a test gives to a connector: what a test does not name is as a user would have
 * it who wrote the least. */

const API_VERSION = 'mq.iotoperations.azure.com/v1beta1';

export interface RouteSpec {
  readonly name: string;
  readonly mqttTopic: string;
  readonly kafkaTopic: string;
  /** `mqttToKafka` where it is left out. */
  readonly direction?: 'mqttToKafka' | 'kafkaToMqtt';
  readonly [field: string]: unknown;
}

/** The fields of a KafkaConnectorTopicMap; routes without their direction around each. */
export interface MapSpec {
  readonly routes: readonly RouteSpec[];
  readonly [field: string]: unknown;
}

export interface ResourcesInput {
  readonly mqttPort: number;
  readonly bootstrap: string;
  readonly maps: readonly MapSpec[];
  /** Further fields of the KafkaConnector. */
  readonly connector?: Readonly<Record<string, unknown>>;
  /** Further fields of localBrokerConnection. */
  readonly localBroker?: Readonly<Record<string, unknown>>;
}

/** The name that every test's connector has. */
export const CONNECTOR = 'test';
/** Client identifier of the session of all unshared routes. */
export const CLIENT_ID = `${CONNECTOR}-0`;

export function resourcesYaml(input: ResourcesInput): string {
  const tls = { tlsEnabled: false };
  const connector = {
    apiVersion: API_VERSION,
    kind: 'KafkaConnector',
    metadata: { name: CONNECTOR },
    spec: {
      instances: 1,
      shards: 1,
      logLevel: 'error',
      kafkaConnection: { endpoint: input.bootstrap, tls },
      localBrokerConnection: {
        endpoint: `127.0.0.1:${input.mqttPort}`,
        tls,
        authentication: {},
        ...input.localBroker,
      },
      ...input.connector,
    },
  };
  const maps = input.maps.map(({ routes, ...fields }, index) => ({
    apiVersion: API_VERSION,
    kind: 'KafkaConnectorTopicMap',
    metadata: { name: `${CONNECTOR}-${index}` },
    spec: {
      kafkaConnectorRef: CONNECTOR,
      ...fields,
      routes: routes.map(({ direction = 'mqttToKafka', ...route }) => ({ [direction]: route })),
    },
  }));
  return [connector, ...maps].map((resource) => stringify(resource)).join('---\n');
}
