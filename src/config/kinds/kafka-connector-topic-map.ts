import { type Static, Type } from '@sinclair/typebox';
import {
  ANY_TYPE,
  CLOSED,
  EXTENSION,
  objectName,
  oneOf,
  REQUIRED_IN_WORDS,
  withDefaults,
} from './field.js';

/** As a description names the variables of a template. */
function variables(names: readonly string[]): string {
  return names.map((name) => `\`\${${name}}\``).join(', ');
}

const KAFKA_TOPIC_VARIABLES = variables(['topic', 'topic.N', 'property.NAME']);
const MQTT_TOPIC_VARIABLES = variables(['key', 'kafkaTopic', 'partition', 'header.NAME']);

const Batching = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description:
        'Whether messages wait for others. With `false` nothing waits; what is queued at the same moment still shares a request.',
    }),
    latencyMs: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 5,
      description: 'How long a message may wait, in milliseconds.',
    }),
    maxMessages: Type.Integer({
      minimum: 0,
      maximum: 4_294_967_295,
      default: 100_000,
      description:
        'How many messages may wait. Kafka clients allow 1 to 1000000; what lies outside is brought to the nearest of them, with a warning.',
    }),
    maxBytes: Type.Integer({
      minimum: 0,
      maximum: 4_294_967_295,
      default: 1_000_000,
      description:
        'How many bytes may wait. Kafka clients allow 1 to 2147483647; what lies outside is brought to the nearest of them, with a warning.',
    }),
  },
  { ...CLOSED, description: 'Whether messages wait for others to share a request to Kafka.' },
);

const routeName = Type.String({
  minLength: 1,
  maxLength: 253,
  description: 'A name that no other route of the connector has.',
});

const qos = Type.Integer({
  minimum: 0,
  maximum: 1,
  default: 1,
  description: 'The MQTT quality of service. QoS 2 is not supported.',
});

const ownSession = Type.Boolean({
  ...EXTENSION,
  default: false,
  description: 'A session of its own, so that what waits on this route stalls no other.',
});

const SharedSubscription = Type.Object(
  {
    groupName: Type.String({
      minLength: 1,
      description: 'The share name: subscribers with the same one divide the messages.',
    }),
    groupMinimumShareNumber: Type.Integer({
      minimum: 0,
      maximum: 255,
      default: 1,
      description: 'How many subscribers each instance opens in the group; 0 counts as 1.',
    }),
  },
  {
    ...CLOSED,
    description:
      'A shared subscription: the broker divides the messages among its subscribers. `$share/<group>/<filter>` as `mqttTopic` says the same.',
  },
);

const MqttToKafka = Type.Object(
  {
    name: routeName,
    mqttTopic: Type.String({
      minLength: 1,
      maxLength: 65_535,
      description: 'The topic filter to subscribe to; `+` and `#` are wildcards.',
    }),
    kafkaTopic: Type.String({
      minLength: 1,
      maxLength: 4_096,
      description: `The Kafka topic to send to. As an extension it may hold ${KAFKA_TOPIC_VARIABLES}.`,
    }),
    kafkaAcks: oneOf(['zero', 'one', 'all'], {
      default: 'one',
      description:
        'Who has a record before it counts as delivered: nobody, the leader of its partition, or every in-sync replica.',
    }),
    qos,
    sharedSubscription: Type.Optional(SharedSubscription),
    ownSession,
  },
  {
    ...CLOSED,
    [REQUIRED_IN_WORDS]: 'one of the two',
    description: 'From an MQTT topic filter to a Kafka topic.',
  },
);

const kafkaToMqttExtensions = {
  offsetReset: oneOf(['earliest', 'latest'], {
    ...EXTENSION,
    default: 'earliest',
    description:
      'Where reading begins while the consumer group has no offset of a partition: with the oldest record, or with what comes from now on.',
  }),
  commitIntervalMs: Type.Integer({
    ...EXTENSION,
    minimum: 10,
    maximum: 60_000,
    default: 1_000,
    description:
      'How often offsets are committed, in milliseconds. What was acknowledged since the last commit is published again after a crash.',
  }),
  revokeTimeoutMs: Type.Integer({
    ...EXTENSION,
    minimum: 0,
    maximum: 60_000,
    default: 5_000,
    description:
      'How long a partition that is taken away, or a stop, waits for the acknowledgement of what was published, in milliseconds.',
  }),
  onNoSubscriber: oneOf(['accept', 'hold'], {
    ...EXTENSION,
    default: 'accept',
    description:
      'When the broker says that nobody subscribes to the topic: `accept` counts the record as published, `hold` keeps it and tries again. It needs QoS 1 and a broker that says so.',
  }),
  retain: oneOf(['keep', 'never'], {
    ...EXTENSION,
    default: 'keep',
    description:
      'Whether RETAIN is set: `keep` sets it where `copyMqttProperties` is on and the header `Retain` is 1, `never` does not.',
  }),
  allowLoop: Type.Boolean({
    ...EXTENSION,
    default: false,
    description:
      'Whether this route may be part of a circle, in which what it publishes comes back to its Kafka topic. Without it such routes are refused.',
  }),
  ownSession,
};

const KafkaToMqtt = Type.Object(
  {
    name: routeName,
    kafkaTopic: Type.String({
      minLength: 1,
      maxLength: 249,
      description: 'The Kafka topic to read.',
    }),
    mqttTopic: Type.String({
      minLength: 1,
      maxLength: 65_535,
      description: `The MQTT topic to publish to. As an extension it may hold ${MQTT_TOPIC_VARIABLES}.`,
    }),
    consumerGroupId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description:
          'What the consumer group begins with; `-` and the name of the route follow. Where it is left out, the group is the name of the route.',
      }),
    ),
    qos,
    ...kafkaToMqttExtensions,
  },
  {
    ...CLOSED,
    [REQUIRED_IN_WORDS]: 'one of the two',
    description: 'From a Kafka topic to an MQTT topic.',
  },
);

const Route = Type.Object(
  { mqttToKafka: Type.Optional(MqttToKafka), kafkaToMqtt: Type.Optional(KafkaToMqtt) },
  { ...CLOSED, description: 'One route: exactly one of the two directions.' },
);

export const KafkaConnectorTopicMapSpec = Type.Object(
  {
    kafkaConnectorRef: objectName('The KafkaConnector that the routes belong to.'),
    compression: oneOf(['none', 'gzip', 'snappy', 'lz4'], {
      default: 'none',
      description: 'How batches are compressed on their way to Kafka.',
    }),
    batching: withDefaults(Batching),
    partitionStrategy: oneOf(['default', 'static', 'topic', 'property'], {
      default: 'default',
      description:
        'Which partition a record goes to: `default` takes each in turn, `static` the one of the instance, `topic` goes by the MQTT topic name, `property` by the user property named below.',
    }),
    partitionKeyProperty: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 65_535,
        [REQUIRED_IN_WORDS]: 'with `partitionStrategy: property`',
        description: 'The user property whose value becomes the key of the record.',
      }),
    ),
    copyMqttProperties: Type.Unsafe<boolean | 'true' | 'false'>({
      enum: [true, false, 'true', 'false'],
      [ANY_TYPE]: true,
      default: false,
      description:
        'Whether MQTT properties and user properties become headers of the record, and headers become properties of a message. Without it only what expiry and `loopGuard` need is carried. The words "true" and "false" are accepted too.',
    }),
    preserveTopic: Type.Boolean({
      ...EXTENSION,
      default: true,
      description: 'Whether every record carries the MQTT topic name in the header `Topic`.',
    }),
    loopGuard: Type.Boolean({
      ...EXTENSION,
      default: true,
      description:
        'Whether a message that comes through the same route again is stopped. Its path travels in the header `Millrace` and in the user property `Millrace-Origin`.',
    }),
    maxKafkaTopics: Type.Integer({
      ...EXTENSION,
      minimum: 1,
      maximum: 1_000_000,
      default: 1_000,
      description:
        'How many different Kafka topics the templates of a route may give; a message beyond them is a dead letter.',
    }),
    routes: Type.Array(Route, { description: 'What goes where.' }),
  },
  { ...CLOSED, description: 'Routes of one connector, with what they have in common.' },
);

export type KafkaConnectorTopicMapSpec = Static<typeof KafkaConnectorTopicMapSpec>;
