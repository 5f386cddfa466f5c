/* After a load: whether all that was sent is in Kafka, as it was sent. */
import { countByPartition } from '../kafka-client.js';
import type { KafkaTarget } from '../kafka-target.js';
import { payloadBytesMax } from '../load/payload-mix.js';
import { type BenchOptions, payloadOfMessages } from '../options.js';
import type { LoadReport } from '../protocol.js';
import { orderRuleOf } from './order-check.js';
import { reasonsOfVerification, type SentMessages, type Verification } from './verification.js';
import { verifyRecords } from './verify-records.js';

/** More than key and headers of a record take. */
const RECORD_ROOM_BYTES = 65_536;

export interface VerifyContext {
  readonly target: KafkaTarget;
  readonly kafkaTopic: string;
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
  const { target, kafkaTopic, interrupted } = context;
  const waitMs = options.countTimeoutSeconds * 1000;
  const wait = { expected: load.settled, waitMs, interrupted };
  const ends = await countByPartition(target.bootstrapServers, kafkaTopic, wait);
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
  { target, kafkaTopic, ends }: VerifyContext & { readonly ends: readonly number[] },
) {
  const { topics, keys, userProperties, copyProperties, stallSeconds } = options;
  const payload = payloadOfMessages(options);
  return {
    bootstrapServers: target.bootstrapServers,
    topic: kafkaTopic,
    ends,
    expected: {
      sent,
      payload,
      keys: keys ?? topics,
      copiedProperties: copyProperties ? userProperties : 0,
      order: orderRuleOf(options, sent.connections),
    },
    recordBytesMax: payloadBytesMax(payload) + RECORD_ROOM_BYTES,
    stallSeconds,
  };
}
