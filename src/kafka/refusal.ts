/* Kafka's error codes of a topic or a group that somebody asked about -> what is wrong, why that may be,
 * and what to do.
 */
import { addon } from './addon.js';

const TIMED_OUT = -185;
const UNSUPPORTED_FEATURE = -165;
export const UNKNOWN_TOPIC_OR_PART = 3;
const LEADER_NOT_AVAILABLE = 5;
const COORDINATOR_LOAD_IN_PROGRESS = 14;
const COORDINATOR_NOT_AVAILABLE = 15;
const NOT_COORDINATOR = 16;
const TOPIC_EXCEPTION = 17;
const INVALID_GROUP_ID = 24;
export const TOPIC_AUTHORIZATION_FAILED = 29;
export const GROUP_AUTHORIZATION_FAILED = 30;
const CLUSTER_AUTHORIZATION_FAILED = 31;
const UNSUPPORTED_VERSION = 35;

/** librdkafka's own words for a question that nobody answered. */
const UNANSWERED: ReadonlySet<number> = new Set([
  -197, // _DESTROY
  -195, // _TRANSPORT
  -187, // _ALL_BROKERS_DOWN
  TIMED_OUT,
]);

/** Whether a group's coordinator is only just starting, or another broker: asked again, it may answer. */
export function isComing(code: number): boolean {
  return [COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR].includes(code);
}

/** Whether Kafka has said nothing at all; `code` is an rd_kafka_resp_err_t. */
export function isUnanswered(code: number): boolean {
  return UNANSWERED.has(code);
}

/** Undefined where there is nothing wrong (code 0). */
export function topicRefusal(code: number, name: string): string | undefined {
  switch (code) {
    case UNKNOWN_TOPIC_OR_PART:
      return (
        `there is no topic ${name}: create it, or correct its name (a Kafka with ` +
        'auto.create.topics.enable would make it at the first record, with its defaults)'
      );
    case TOPIC_AUTHORIZATION_FAILED:
      return (
        `Kafka does not let us see topic ${name}, nor say whether there is one: no ACL allows our user ` +
        'anything on it; add one that allows Write, for a route to Kafka, or Read, for one from it'
      );
    case TOPIC_EXCEPTION:
      return (
        `Kafka takes ${name} for no name of a topic: use up to 249 of the letters a-z and A-Z, digits, ` +
        "'.', '_' and '-'"
      );
    case LEADER_NOT_AVAILABLE:
      return (
        `topic ${name} has no leader: it was made this moment, or the brokers that hold it are down; ` +
        'look at them if it stays so'
      );
    default:
      return generalRefusal(code, `topic ${name}`);
  }
}

/** As topicRefusal. */
export function groupRefusal(code: number, name: string): string | undefined {
  switch (code) {
    case GROUP_AUTHORIZATION_FAILED:
      return (
        `Kafka does not let us join consumer group ${name}: no ACL allows our user anything on it; add one ` +
        'that allows Read on the group'
      );
    case INVALID_GROUP_ID:
      return `Kafka takes ${name} for no name of a consumer group: give another`;
    case COORDINATOR_LOAD_IN_PROGRESS:
    case COORDINATOR_NOT_AVAILABLE:
    case NOT_COORDINATOR:
      return (
        `no broker coordinates consumer group ${name} (${addon.errorName(code)}): the brokers that hold ` +
        'its part of __consumer_offsets are down or only just starting; look at them if it stays so'
      );
    default:
      return generalRefusal(code, `consumer group ${name}`);
  }
}

function generalRefusal(code: number, what: string): string | undefined {
  if (code === 0) return undefined;
  if (isUnanswered(code)) {
    return `Kafka gave no answer in time about ${what}: it is slow, or some of its brokers cannot be reached`;
  }
  switch (code) {
    case CLUSTER_AUTHORIZATION_FAILED:
      return (
        `Kafka does not let us ask about ${what}: no ACL allows our user to describe the cluster; add one ` +
        'that allows Describe on it'
      );
    case UNSUPPORTED_FEATURE:
    case UNSUPPORTED_VERSION:
      return `this Kafka cannot be asked about ${what}: it is too old, or no Apache Kafka`;
    default:
      return `Kafka answers ${addon.errorName(code)} about ${what}: look into its log`;
  }
}
