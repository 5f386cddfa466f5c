/* The steps of the Kafka side: each server that is named, what a client of librdkafka is told, and each
 * server that Kafka names itself.
 */
import { plural } from '../base/plural.js';
import type {
  InspectedBroker,
  InspectionRequest,
  KafkaInspection,
} from '../channel/kafka-inspection.js';
import type { Connector, KafkaAuthentication, KafkaConnection } from '../config/model.js';
import { addressOf } from '../mqtt/dial/connection-fault.js';
import type { TlsTarget } from '../mqtt/dial/tls.js';
import type { KafkaCredentials } from '../secrets/kafka-credentials.js';
import type { Sealed } from '../secrets/sealed.js';
import { checkEndPoint, type EndPoint, type Limits } from './end-point.js';
import { kafkaNeeds } from './kafka-needs.js';
import { readKafkaSecrets, type TokenAsker } from './kafka-secrets.js';
import type { Steps } from './report.js';
import { checkTopics } from './topics.js';
import { FAILED_BEFORE } from './words.js';

/** What is asked, and as whom. */
export interface Inspection {
  readonly access: {
    readonly kafka: KafkaConnection;
    readonly kafkaCredentials: Sealed<KafkaCredentials>;
  };
  readonly request: InspectionRequest;
}

/** Asks Kafka; rejects only where asking itself fails. */
export type Inspector = (inspection: Inspection) => Promise<KafkaInspection>;

export interface KafkaOptions extends Limits {
  readonly askToken: TokenAsker;
  readonly inspect: Inspector;
}

/** A cluster has at most so many that are looked at one by one. */
const BROKERS_MAX = 100;
const BROKERS_SHOWN = 10;

export async function checkKafka(
  steps: Steps,
  connector: Connector,
  secrets: Parameters<typeof readKafkaSecrets>[2],
  options: KafkaOptions,
): Promise<void> {
  const { kafka } = connector;
  const found = await readKafkaSecrets(steps, kafka, secrets, options);
  const endPointOf = (target: Pick<TlsTarget, 'host' | 'port'>): EndPoint => ({
    target: { ...target, tls: kafka.tls, authentication: shown(kafka), alpnProtocols: [] },
    credentials: found.forTls,
  });
  const named = serversOf(kafka.bootstrapServers);
  const reached = await checkAll(steps, named.map(endPointOf), options);
  if (found.credentials === undefined || !reached.includes(true)) {
    steps.skip(['login', 'brokers'], kafka.bootstrapServers, FAILED_BEFORE);
    checkTopics(steps, connector, undefined);
    return;
  }
  const inspection = await inspect(connector, found.credentials, options);
  const isLoggedIn = checkLogin(steps, kafka, inspection);
  if (isLoggedIn) {
    const known = new Set(named.map(addressOf));
    const others = inspection.brokers.filter((broker) => !known.has(addressOf(broker)));
    await checkBrokers(steps, inspection.brokers, others.map(endPointOf), options);
  } else steps.skip(['brokers'], kafka.bootstrapServers, FAILED_BEFORE);
  checkTopics(steps, connector, isLoggedIn ? inspection : undefined);
}

/** `bootstrapServers` as the model has it: valid, with ports, IPv6 addresses in brackets. */
function serversOf(bootstrapServers: string): { readonly host: string; readonly port: number }[] {
  return bootstrapServers.split(',').map((server) => {
    const colon = server.lastIndexOf(':');
    const host = server.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    return { host, port: Number(server.slice(colon + 1)) };
  });
}

/** What TLS itself shows of us. */
function shown({ authentication }: KafkaConnection): TlsTarget['authentication'] {
  return authentication.kind === 'x509' ? authentication : { kind: 'none' };
}

/** At once, told in their order; whether each is reached. */
async function checkAll(
  steps: Steps,
  endPoints: readonly EndPoint[],
  limits: Limits,
): Promise<boolean[]> {
  const reached = endPoints.map((endPoint) => {
    const aside = steps.aside();
    return { aside, isReached: checkEndPoint(aside.steps, endPoint, limits) };
  });
  const outcomes: boolean[] = [];
  for (const { aside, isReached } of reached) {
    outcomes.push(await isReached);
    aside.release();
  }
  return outcomes;
}

async function inspect(
  connector: Connector,
  kafkaCredentials: Sealed<KafkaCredentials>,
  { timeoutMs, inspect }: KafkaOptions,
): Promise<KafkaInspection> {
  const { topics, groups } = kafkaNeeds(connector);
  return await inspect({
    access: { kafka: connector.kafka, kafkaCredentials },
    request: {
      topics: topics.map(({ name }) => name),
      groups: groups.map(({ name }) => name),
      timeoutMs,
    },
  });
}

/** Whether Kafka has answered anything. */
function checkLogin(
  steps: Steps,
  { bootstrapServers, authentication }: KafkaConnection,
  { fault, brokers }: KafkaInspection,
): boolean {
  if (fault === undefined) {
    steps.add('passed', 'login', bootstrapServers, loginText(authentication));
    return true;
  }
  steps.add('failed', 'login', bootstrapServers, fault.detail);
  return brokers.length > 0;
}

function loginText(authentication: KafkaAuthentication): string {
  switch (authentication.kind) {
    case 'none':
      return 'lets us in without a login';
    case 'x509':
      return `lets us in with the client certificate of Secret ${authentication.secretName}`;
    case 'sasl':
      return `lets us in (${authentication.mechanism}) with Secret ${authentication.secretName}`;
    case 'systemAssignedManagedIdentity':
      return `lets us in with a token of the managed identity for ${authentication.audience}`;
  }
}

/** Records go to the servers that Kafka names, which are not always those that it is known by. */
async function checkBrokers(
  steps: Steps,
  brokers: readonly InspectedBroker[],
  others: readonly EndPoint[],
  limits: Limits,
): Promise<void> {
  const reached = await checkAll(steps, others.slice(0, BROKERS_MAX), limits);
  const names = brokers.slice(0, BROKERS_SHOWN).map(addressOf).join(', ');
  const more = brokers.length > BROKERS_SHOWN ? ' and others' : '';
  const what = plural(brokers.length, 'broker');
  if (reached.includes(false)) {
    steps.add(
      'failed',
      'brokers',
      `${names}${more}`,
      'Kafka advertises addresses that cannot be used from here (see above): look at advertised.listeners ' +
        'of the brokers, and at what is between',
    );
  } else steps.add('passed', 'brokers', `${names}${more}`, `${what}, each of them reached`);
}
