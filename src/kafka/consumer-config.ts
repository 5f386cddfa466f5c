/* The model's settings -> properties of librdkafka's consumer. All that matters is said explicitly, so
 * that a new version of librdkafka with other defaults changes nothing.
 */
import type { ShardTask } from '../channel/protocol.js';
import { SETUP_MS } from './client-config.js';
import { METADATA_AGE_MS_MAX, SESSION_TIMEOUT_MS } from './event-hubs.js';
import { type KafkaAccess, securityProperties } from './security-properties.js';

type Properties = Record<string, string>;

const KIB = 1024;
const MIB = 1024 * KIB;

/** As for producers: how often librdkafka tells of its connections. It also wakes a worker whose ring
 * is full, so that librdkafka sees it poll well within max.poll.interval.ms. */
const STATISTICS_INTERVAL_MS = 1000;
/** What librdkafka fetches ahead; it stops fetching once it has this much or more. */
const QUEUED_BYTES_MIN = 16 * MIB;
/** The other bound on that. Half a KiB of librdkafka's own for each record. */
const QUEUED_RECORDS_MAX = 20_000;
/** What one partition contributes to a response, unless its next batch of records is larger. */
const PARTITION_FETCH_BYTES_MIN = MIB;
/** librdkafka's upper bound of fetch.message.max.bytes. */
const PARTITION_FETCH_BYTES_MAX = 1_000_000_000;
/** socket.request.max.bytes of a broker that was not told otherwise: no batch of records is larger. A
 * response beyond what we accept would be asked for again for ever, and its partition would stand. */
const BATCH_BYTES_MAX = 100 * MIB;
/** Room for what is not records in a response. */
const RESPONSE_OVERHEAD_BYTES = MIB;

/** What a broker may take to answer, beyond what a request itself asks for; it is connected to again then. */
export const REQUEST_MS = 30_000;

/** Settings of one consumer. */
export interface ConsumerSettings {
  readonly groupId: string;
  /** Makes it a static member: a successor with the same one takes its partitions over at once. */
  readonly groupInstanceId: string | undefined;
  /** Where a partition begins of which the group has committed nothing. */
  readonly offsetReset: 'earliest' | 'latest';
}

/** Properties of the consumer of one route. `messageBytesMax` is the largest record that is expected;
 * a larger one arrives too, up to what Kafka itself takes. */
export function consumerProperties(
  task: Pick<ShardTask, 'clientId' | 'messageBytesMax'> & KafkaAccess,
  settings: ConsumerSettings,
): Properties {
  const { groupId, groupInstanceId, offsetReset } = settings;
  const { isEventHubs } = task.kafka;
  return {
    'bootstrap.servers': task.kafka.bootstrapServers,
    ...securityProperties(task),
    'client.id': task.clientId,
    'group.id': groupId,
    ...(groupInstanceId !== undefined && { 'group.instance.id': groupInstanceId }),
    'group.protocol': 'classic',
    // A rebalance takes away only what moves; the addon's assign and unassign are incremental.
    'partition.assignment.strategy': 'cooperative-sticky',
    'session.timeout.ms': isEventHubs ? SESSION_TIMEOUT_MS : '10000',
    'heartbeat.interval.ms': '3000',
    'max.poll.interval.ms': '300000',
    'auto.offset.reset': offsetReset,
    // What is committed is what the MQTT broker has acknowledged, never what was only read.
    'enable.auto.commit': 'false',
    'enable.auto.offset.store': 'false',
    'enable.partition.eof': 'false',
    'isolation.level': 'read_committed',
    'check.crcs': 'true',
    'allow.auto.create.topics': 'false',
    'topic.metadata.refresh.interval.ms': '60000',
    ...(isEventHubs && { 'metadata.max.age.ms': METADATA_AGE_MS_MAX }),
    ...fetchProperties(task.messageBytesMax),
    'retry.backoff.ms': '100',
    'retry.backoff.max.ms': '1000',
    'reconnect.backoff.ms': '100',
    'reconnect.backoff.max.ms': '5000',
    'socket.timeout.ms': String(REQUEST_MS),
    'socket.connection.setup.timeout.ms': SETUP_MS,
    'socket.keepalive.enable': 'true',
    'socket.nagle.disable': 'true',
    'statistics.interval.ms': String(STATISTICS_INTERVAL_MS),
    // At level debug; what a server means by closing one is known by when it does: connection-fault.ts.
    'log.connection.close': 'true',
  };
}

function fetchProperties(messageBytesMax: number): Properties {
  const partitionBytes = Math.min(
    Math.max(PARTITION_FETCH_BYTES_MIN, messageBytesMax),
    PARTITION_FETCH_BYTES_MAX,
  );
  const fetchBytes = Math.max(QUEUED_BYTES_MIN, partitionBytes);
  return {
    'fetch.message.max.bytes': String(partitionBytes),
    'fetch.max.bytes': String(fetchBytes),
    'receive.message.max.bytes': String(
      Math.max(fetchBytes, BATCH_BYTES_MAX) + RESPONSE_OVERHEAD_BYTES,
    ),
    // Of the whole consumer: its partitions share a queue (src/native/kafka-consumer.h).
    'queued.max.messages.kbytes': String(Math.ceil(fetchBytes / KIB)),
    'queued.min.messages': String(QUEUED_RECORDS_MAX),
    // A response comes as soon as there is a byte; without one the broker answers after this.
    'fetch.min.bytes': '1',
    'fetch.wait.max.ms': '500',
    'fetch.error.backoff.ms': '500',
    // How long a full queue keeps it from looking again: 1 s by default, far longer than the queue lasts.
    'fetch.queue.backoff.ms': '20',
  };
}
