/* After a load: whether all that was sent is in Kafka, as it was sent. */
import { CONNECTOR_NAME, routeNameOf } from '../connector-resources.js';
import { countByPartition } from '../kafka-client.js';
import type { KafkaTarget } from '../kafka-target.js';
import { payloadBytesMax } from '../load/payload-mix.js';
import { type BenchOptions, keyPropertyOf, payloadOfMessages } from '../options.js';
import type { LoadReport } from '../protocol.js';
import type { RoundNames } from '../round-names.js';
import type { ExpectedHeaders } from './header-check.js';
import { orderRuleOf } from './order-check.js';
import { reasonsOfVerification, type SentMessages, type Verification } from './verification.js';
import { verifyRecords } from './verify-records.js';

/** More than key and headers of a record take. */
const RECORD_ROOM_BYTES = 65_536;

export interface VerifyContext {
  readonly target: KafkaTarget;
  readonly names: RoundNames;
  /** Whether the connector is Millrace of this checkout. */
  readonly isMillrace: boolean;
  readonly interrupted: AbortSignal;
}

export interface VerifiedLoad {
  /** In the topic; undefined where they were not counted. */
  readonly records: number | undefined;
  /** Undefined without a load. */
  readonly verification: Verification | undefined;
  readonly voidBecause: readonly string[];
}

/**
 * Looks while the connector runs: at QoS 0 it may not have read everything that the kernel took. Rejects
 * with an OperatingError where Kafka does not answer.
 */
export async function verifyLoad(
  options: BenchOptions,
  { load, sent }: { load: LoadReport | undefined; sent: SentMessages | undefined },
  context: VerifyContext,
): Promise<VerifiedLoad> {
  if (load === undefined || sent === undefined) {
    return { records: undefined, verification: undefined, voidBecause: [] };
  }
  if (!options.verify) {
    return { records: undefined, verification: { how: 'none' }, voidBecause: [] };
  }
  const { target, names, interrupted } = context;
  const waitMs = options.countTimeoutSeconds * 1000;
  const wait = { expected: load.settled, waitMs, interrupted };
  const ends = await countByPartition(target.bootstrapServers, names.kafkaTopic, wait);
  const records = ends.reduce((sum, end) => sum + end, 0);
  const expected = load.settled - load.refused;
  const verification: Verification = target.embedded
    ? { how: 'counts only', records, missing: Math.max(0, expected - records) }
    : await verifyRecords(taskOf(options, sent, { ...context, ends }), interrupted);
  const isOrdered = options.acks === 'all';
  const voidBecause = reasonsOfVerification(withoutTold(verification, load), {
    sent: expected,
    isOrdered,
  });
  return { records, verification, voidBecause };
}

/** But for what the generator has missed itself, who reads Kafka where a broker lies between. */
function withoutTold(verification: Verification, { notInKafka }: LoadReport): Verification {
  if (verification.how === 'none') return verification;
  return { ...verification, missing: Math.max(0, verification.missing - notInKafka) };
}

function taskOf(
  options: BenchOptions,
  sent: SentMessages,
  { target, names, isMillrace, ends }: VerifyContext & { readonly ends: readonly number[] },
) {
  const { topics, keys, stallSeconds } = options;
  const payload = payloadOfMessages(options);
  return {
    bootstrapServers: target.bootstrapServers,
    topic: names.kafkaTopic,
    ends,
    expected: {
      sent,
      payload,
      keys: keys ?? topics,
      headers: headersOf(options, names.loadRoot, isMillrace),
      order: orderRuleOf(options, sent.connections),
    },
    recordBytesMax: payloadBytesMax(payload) + RECORD_ROOM_BYTES,
    stallSeconds,
  };
}

function headersOf(options: BenchOptions, topicRoot: string, ofMillrace: boolean): ExpectedHeaders {
  const { copyProperties, userProperties, systemProperties, topics, routes } = options;
  const { connections, qos } = options;
  return {
    ofMillrace,
    copyProperties,
    userProperties,
    systemProperties,
    keyProperty: keyPropertyOf(options),
    topicRoot,
    topics,
    keys: options.keys ?? topics,
    routes,
    connections,
    qos,
    paths: Array.from({ length: routes }, (_, n) => `${CONNECTOR_NAME}/${routeNameOf(n, routes)}`),
  };
}
