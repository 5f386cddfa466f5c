/* The one place that decides what an error of librdkafka means for a record. */

const MSG_SIZE_TOO_LARGE = 10;
const INVALID_RECORD = 87;
const INVALID_DIFFERENT_RECORD = -138;
const PURGE_QUEUE = -152;
const PURGE_INFLIGHT = -151;
const FATAL = -150;
const BAD_MSG = -199;

const NOT_PERSISTED = 0;

/** Whether Kafka, or librdkafka before it, found the record too large. */
export function isTooLarge(code: number): boolean {
  return code === MSG_SIZE_TOO_LARGE;
}

/** What happens to a record that came back with an error:
 * - `alone`: its batch was refused; each member is sent again by itself, in order
 * - `refused`: it was sent by itself and refused: the dead-letter store
 * - `again`: we took it back ourselves before it was sent
 * - `abandoned`: it may be in Kafka; only the sender's redelivery can tell
 * - `held`: it was not sent, and could be once somebody mends what is wrong: backoff
 */
export type Disposition = 'alone' | 'refused' | 'again' | 'abandoned' | 'held';

/**
 * @param code rd_kafka_resp_err_t
 * @param status rd_kafka_msg_status_t
 * @param solo whether the record was sent in a batch of its own
 */
export function classify(code: number, status: number, solo: boolean): Disposition {
  switch (code) {
    case MSG_SIZE_TOO_LARGE:
    case INVALID_RECORD:
      // Alone or not, what may be in Kafka is no dead letter.
      if (status !== NOT_PERSISTED) return 'abandoned';
      return solo ? 'refused' : 'alone';
    case INVALID_DIFFERENT_RECORD:
      // Another record of its batch is at fault, so this one may be sound.
      return status === NOT_PERSISTED ? 'alone' : 'abandoned';
    case BAD_MSG:
      // The addon's own word on a frame; of librdkafka's on a response, nothing is certain.
      return status === NOT_PERSISTED ? 'refused' : 'abandoned';
    case PURGE_INFLIGHT:
    case FATAL:
      return 'abandoned';
    case PURGE_QUEUE:
      return status === NOT_PERSISTED ? 'again' : 'abandoned';
    default:
      // Only librdkafka's own retries are idempotent: what may be in Kafka is not produced again.
      return status === NOT_PERSISTED ? 'held' : 'abandoned';
  }
}

const AUTHENTICATION = -169;
/** What librdkafka logs before it has these errors is always something for connection-fault.ts. */
const SAID_BY_FAULTS: ReadonlySet<number> = new Set([
  -195, // _TRANSPORT
  -193, // _RESOLVE
  -187, // _ALL_BROKERS_DOWN
  -181, // _SSL
]);

export function isSaidByFaults(code: number): boolean {
  return SAID_BY_FAULTS.has(code);
}

/** Whether an error is about making or keeping a connection. */
export function isOfConnection(code: number): boolean {
  return code === AUTHENTICATION || SAID_BY_FAULTS.has(code);
}

const FENCED_INSTANCE_ID = 82;
/** librdkafka's own word on its connections, its time-outs and its group: it goes on by itself. */
const PASSING: ReadonlySet<number> = new Set([
  -195, // _TRANSPORT
  -193, // _RESOLVE
  -187, // _ALL_BROKERS_DOWN
  -185, // _TIMED_OUT
  -147, // _MAX_POLL_EXCEEDED
  -142, // _ASSIGNMENT_LOST
  7, // REQUEST_TIMED_OUT
  14, // COORDINATOR_LOAD_IN_PROGRESS
  15, // COORDINATOR_NOT_AVAILABLE
  16, // NOT_COORDINATOR
  22, // ILLEGAL_GENERATION
  25, // UNKNOWN_MEMBER_ID
  27, // REBALANCE_IN_PROGRESS
]);

/** Of a commit that failed with it: the group has gone on without us. */
const LEFT_BEHIND: ReadonlySet<number> = new Set([
  -147, // _MAX_POLL_EXCEEDED
  -142, // _ASSIGNMENT_LOST
  22, // ILLEGAL_GENERATION
  25, // UNKNOWN_MEMBER_ID
]);

/** Whether a commit that ended with this code could go well if it is tried again soon. */
export function commitMayPass(code: number): boolean {
  return PASSING.has(code) && !LEFT_BEHIND.has(code);
}

/** What an error means for a consumer:
 * - `passing`: librdkafka goes on by itself, and nobody has to know
 * - `trouble`: it goes on trying, but somebody may have to mend something: not authorised, unknown topic
 * - `reopen`: the handle is of no use any more; another one is opened, with backoff
 * - `stop`: another process has taken our place in the group: we do not fight for it
 */
export type ConsumerDisposition = 'passing' | 'trouble' | 'reopen' | 'stop';

/** @param code rd_kafka_resp_err_t; of a fatal error the one behind it */
export function consumerDisposition(code: number, fatal: boolean): ConsumerDisposition {
  if (code === FENCED_INSTANCE_ID) return 'stop';
  if (fatal || code === FATAL) return 'reopen';
  return PASSING.has(code) ? 'passing' : 'trouble';
}
