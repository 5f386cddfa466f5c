import { type Static, Type } from '@sinclair/typebox';
import { PAYLOAD_BYTES_MAX } from '../limits.js';
import {
  CLOSED,
  DEFAULT_IN_WORDS,
  EXPECTS,
  EXTENSION,
  objectName,
  oneOf,
  REQUIRED_IN_WORDS,
  withDefaults,
} from './field.js';

export const SHARDS_MAX = 64;
export const KUBERNETES_AUDIENCE = 'aio-mq';
export const LOCAL_ENDPOINT = 'aio-mq-dmqtt-frontend:1883';

const Image = Type.Object(
  {
    pullPolicy: oneOf(['Always', 'IfNotPresent', 'Never'], {
      default: 'IfNotPresent',
      description: 'When Kubernetes pulls the image.',
    }),
    repository: Type.Optional(
      Type.String({ minLength: 1, description: 'Where the image comes from.' }),
    ),
    tag: Type.Optional(
      Type.String({ minLength: 1, description: 'Which image of the repository.' }),
    ),
  },
  {
    ...CLOSED,
    description: 'The container image. Accepted everywhere and used in Kubernetes only.',
  },
);

const caFields = {
  caConfigMap: Type.Optional(
    objectName(
      "The config map that holds the CA certificate in PEM format; where it is left out, the system's CAs are trusted.",
    ),
  ),
  trustedCaCertificateConfigMap: Type.Optional(
    objectName('Another spelling of `caConfigMap`; give one of the two.'),
  ),
};

const KafkaTls = Type.Object(
  {
    tlsEnabled: Type.Boolean({
      description: 'Whether the connection is encrypted. Event Hubs need `true`.',
    }),
    ...caFields,
  },
  { ...CLOSED, description: 'TLS to Kafka.' },
);

const Sasl = Type.Object(
  {
    saslType: oneOf(['plain', 'scram-sha-256', 'scram-sha-512', 'scramSha256', 'scramSha512'], {
      description:
        'The SASL mechanism. `scramSha256` and `scramSha512` are other spellings of the ones with hyphens.',
    }),
    secretName: Type.Optional({
      ...objectName('The secret with the keys `username` and `password`.'),
      [REQUIRED_IN_WORDS]: 'this or `token`',
    }),
    token: Type.Optional(
      Type.Object(
        { secretName: objectName('The secret with the keys `username` and `password`.') },
        { ...CLOSED, description: 'Another spelling of `secretName`; give one of the two.' },
      ),
    ),
  },
  {
    ...CLOSED,
    [REQUIRED_IN_WORDS]: 'one of the three',
    description:
      'User name and password. For Event Hubs: `plain`, with `$ConnectionString` as user name.',
  },
);

const clientCertificate = {
  secretName: objectName(
    'The TLS secret with the client certificate `tls.crt` and its key `tls.key`, in PEM format; a pass phrase of the key under `tls.password`.',
  ),
};

const X509 = Type.Object(clientCertificate, {
  ...CLOSED,
  [REQUIRED_IN_WORDS]: 'one of the three',
  description: 'A client certificate.',
});

const ManagedIdentity = Type.Object(
  {
    audience: Type.String({
      pattern: '^https://[^\\s]+$',
      [EXPECTS]: 'an address such as https://my-namespace.servicebus.windows.net',
      description: 'The audience of the token request: the address of the Event Hubs namespace.',
    }),
  },
  {
    ...CLOSED,
    [REQUIRED_IN_WORDS]: 'one of the three',
    description: "Azure's system-assigned managed identity.",
  },
);

const KafkaAuthentication = Type.Object(
  {
    enabled: Type.Boolean({ description: 'Whether the connector authenticates to Kafka.' }),
    authType: Type.Optional(
      Type.Object(
        {
          sasl: Type.Optional(Sasl),
          x509: Type.Optional(X509),
          systemAssignedManagedIdentity: Type.Optional(ManagedIdentity),
        },
        {
          ...CLOSED,
          [REQUIRED_IN_WORDS]: 'with `enabled: true`',
          description: 'How: exactly one of the three.',
        },
      ),
    ),
  },
  { ...CLOSED, description: 'Authentication to Kafka; none where it is left out.' },
);

const KafkaConnection = Type.Object(
  {
    endpoint: Type.String({
      minLength: 1,
      description:
        'Host and port of a Kafka broker, or several with commas between them; any of them leads to the whole cluster.',
    }),
    tls: KafkaTls,
    authentication: Type.Optional(KafkaAuthentication),
  },
  { ...CLOSED, description: 'The connection to Kafka or to Event Hubs.' },
);

const LocalTls = Type.Object(
  {
    tlsEnabled: Type.Boolean({
      default: false,
      description:
        'Whether the connection is encrypted. It is with `mqtts://` and `wss://`, where this is left out.',
    }),
    ...caFields,
    alpnProtocols: Type.Array(
      Type.String({
        pattern: '^[!-~]{1,255}$',
        [EXPECTS]: 'a name of 1 to 255 printable characters, such as mqtt',
        description: 'The name of one protocol.',
      }),
      {
        ...EXTENSION,
        maxItems: 16,
        default: [],
        description:
          'Protocols that are offered by ALPN; the broker must choose one of them. Where it is empty, ALPN is not used.',
      },
    ),
  },
  { ...CLOSED, description: 'TLS to the MQTT broker.' },
);

const LocalAuthentication = Type.Object(
  {
    kubernetes: Type.Optional(
      Type.Object(
        {
          audience: Type.String({
            ...EXTENSION,
            minLength: 1,
            default: KUBERNETES_AUDIENCE,
            description: 'The audience of the projected service account token.',
          }),
        },
        { ...CLOSED, description: 'The service account token that Kubernetes mounts in the pod.' },
      ),
    ),
    usernamePassword: Type.Optional(
      Type.Object(
        { secretName: objectName('The secret with the keys `username` and `password`.') },
        { ...CLOSED, ...EXTENSION, description: 'User name and password.' },
      ),
    ),
    x509: Type.Optional(
      Type.Object(clientCertificate, {
        ...CLOSED,
        ...EXTENSION,
        description: 'A client certificate; it needs TLS.',
      }),
    ),
  },
  {
    ...CLOSED,
    description: 'Authentication to the MQTT broker: one of the three; none where it is left out.',
  },
);

export const LocalBrokerConnection = Type.Object(
  {
    endpoint: Type.String({
      minLength: 1,
      default: LOCAL_ENDPOINT,
      description:
        'Host and port of the MQTT broker, with or without `mqtt://`, `mqtts://`, `ws://` or `wss://` before them.',
    }),
    tls: withDefaults(LocalTls),
    authentication: Type.Optional(LocalAuthentication),
    sessionExpirySeconds: Type.Integer({
      ...EXTENSION,
      minimum: 0,
      maximum: 4_294_967_295,
      default: 86_400,
      description:
        'Session Expiry Interval: how long the broker stores messages while the connector is away; 4294967295 is for ever.',
    }),
    receiveMaximum: Type.Integer({
      ...EXTENSION,
      minimum: 1,
      maximum: 65_535,
      default: 8_000,
      description:
        'Receive Maximum: how many QoS 1 messages the broker may send on a connection before they are acknowledged. It bounds memory and speed alike.',
    }),
    keepAliveSeconds: Type.Integer({
      ...EXTENSION,
      minimum: 0,
      maximum: 65_535,
      default: 30,
      description: 'Keep Alive; 0 turns it off.',
    }),
  },
  {
    ...CLOSED,
    description:
      'The connection to the MQTT broker. Where it is left out: `aio-mq-dmqtt-frontend:1883` without TLS, with the Kubernetes token where a pod has one mounted.',
  },
);

export const KafkaConnectorSpec = Type.Object(
  {
    image: Type.Optional(Image),
    instances: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 1,
      description: 'How many processes share the work; each is told which one it is.',
    }),
    clientIdPrefix: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'What every MQTT client identifier of the connector begins with.',
      }),
    ),
    kafkaConnection: KafkaConnection,
    localBrokerConnection: Type.Optional(LocalBrokerConnection),
    logLevel: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
      default: 'warn',
      description: 'What is logged: this level and those after it.',
    }),
    shards: Type.Optional(
      Type.Integer({
        ...EXTENSION,
        minimum: 1,
        maximum: SHARDS_MAX,
        [DEFAULT_IN_WORDS]: 'cores minus one, at least 1',
        description: 'How many workers, each with Kafka producers of its own.',
      }),
    ),
    maxPayloadBytes: Type.Integer({
      ...EXTENSION,
      minimum: 1_024,
      maximum: PAYLOAD_BYTES_MAX,
      default: 16_777_216,
      description:
        'The largest payload carried. It sets Maximum Packet Size and the limit of the Kafka producer together.',
    }),
    oversize: oneOf(['refuse', 'deadLetter'], {
      ...EXTENSION,
      default: 'refuse',
      description:
        'What happens to a larger payload: `refuse` announces a Maximum Packet Size, so that the broker does not send it; `deadLetter` announces none and writes it to the dead-letter store.',
    }),
  },
  { ...CLOSED, description: 'One bridge between an MQTT broker and a Kafka cluster.' },
);

export type KafkaConnectorSpec = Static<typeof KafkaConnectorSpec>;
