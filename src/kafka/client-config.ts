/* The model's settings -> librdkafka's properties. All that matters is said explicitly, so that a new
 * version of librdkafka with other defaults changes nothing.
 */
import type { OpenTarget, ProducerSettings, ShardTask } from '../channel/protocol.js';
import type { KafkaAcks, KafkaConnection } from '../config/model.js';
import { METADATA_AGE_MS_MAX, REQUEST_TIMEOUT_MS } from './event-hubs.js';
import { type KafkaAccess, securityProperties } from './security-properties.js';

type Properties = Record<string, string>;

const INT_MAX = String(2 ** 31 - 1);
/** How often librdkafka tells of its connections, which is how we know that Kafka is there. */
const STATISTICS_INTERVAL_MS = 1000;

/** What a connection may take to be made: TCP, TLS, login. */
export const SETUP_MS = '10000';
/** What a broker may take to answer, before it is connected to again. Longer than `request.timeout.ms`, for
 * which it may wait for its followers. */
const REQUEST_MS = '60000';

const ACKS: Record<KafkaAcks, string> = { zero: '0', one: '1', all: 'all' };

/** Properties of a producer of this shard. `solo` sends each record in a batch of its own. */
export function producerProperties(
  task: Pick<ShardTask, 'clientId' | 'messageBytesMax'> & KafkaAccess,
  settings: ProducerSettings,
  solo: boolean,
): Properties {
  return {
    'bootstrap.servers': task.kafka.bootstrapServers,
    ...securityProperties(task),
    'client.id': task.clientId,
    'linger.ms': String(solo ? 0 : settings.lingerMs),
    'batch.num.messages': String(solo ? 1 : settings.batchMessagesMax),
    'batch.size': String(settings.batchBytesMax),
    'enable.idempotence': String(settings.idempotent),
    'max.in.flight.requests.per.connection': String(solo ? 1 : settings.requestsInFlightMax),
    'message.max.bytes': String(task.messageBytesMax),
    // Main bounds what is outstanding by records and bytes, so these must never be what is full.
    'queue.buffering.max.messages': '10000000',
    'queue.buffering.max.kbytes': INT_MAX,
    // Round-robin is ours: see Producer::Partition.
    'sticky.partitioning.linger.ms': '0',
    // librdkafka never gives up by itself; a topic that is not there yet is waited for.
    'message.send.max.retries': INT_MAX,
    'retry.backoff.ms': '100',
    'retry.backoff.max.ms': '1000',
    // After this an unknown topic is said to be one: its records come back and are held, and somebody
    // is told. (librdkafka multiplies it by 1,000 in 32 bits: an hour is sometimes no time at all.)
    'topic.metadata.propagation.max.ms': '5000',
    'topic.metadata.refresh.interval.ms': '60000',
    ...(task.kafka.isEventHubs && { 'metadata.max.age.ms': METADATA_AGE_MS_MAX }),
    'allow.auto.create.topics': 'true',
    'reconnect.backoff.ms': '100',
    'reconnect.backoff.max.ms': '5000',
    'socket.timeout.ms': REQUEST_MS,
    'socket.connection.setup.timeout.ms': SETUP_MS,
    'socket.keepalive.enable': 'true',
    'socket.nagle.disable': 'true',
    'statistics.interval.ms': String(STATISTICS_INTERVAL_MS),
    // At level debug; what a server means by closing one is known by when it does: connection-fault.ts.
    'log.connection.close': 'true',
  };
}

/**
 * Properties of a client that only asks about topics and groups.
 * @param connectMs how long a connection may take to be made; at least 1,000
 */
export function adminProperties(access: KafkaAccess, connectMs: number): Properties {
  return {
    'bootstrap.servers': access.kafka.bootstrapServers,
    ...securityProperties(access),
    'client.id': 'millrace-inspection',
    'allow.auto.create.topics': 'false',
    'socket.connection.setup.timeout.ms': String(connectMs),
    'retry.backoff.ms': '100',
    'retry.backoff.max.ms': '1000',
    'reconnect.backoff.ms': '100',
    'reconnect.backoff.max.ms': '1000',
    'socket.nagle.disable': 'true',
    // By which it tells of the brokers that there are.
    'statistics.interval.ms': '100',
    'log.connection.close': 'true',
  };
}

/** Properties of one topic of a producer. */
export function topicProperties(
  target: Pick<OpenTarget, 'acks' | 'compression'>,
  kafka: Pick<KafkaConnection, 'isEventHubs'>,
): Properties {
  return {
    acks: ACKS[target.acks],
    'compression.codec': target.compression,
    // 0 is infinite: giving a record up is main's decision, never librdkafka's.
    'message.timeout.ms': '0',
    'request.timeout.ms': kafka.isEventHubs ? REQUEST_TIMEOUT_MS : '30000',
  };
}
