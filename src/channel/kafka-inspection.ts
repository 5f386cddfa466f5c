/* What `kafka/inspect.ts` finds out about a Kafka, for those who may not import kafka/: plain data. */
import type { KafkaConnection } from '../config/model.js';
import type { KafkaCredentials } from '../secrets/kafka-credentials.js';
import type { KafkaState } from './protocol.js';

export interface InspectionRequest {
  /** Each once or more often; what is told of them comes in this order. */
  readonly topics: readonly string[];
  readonly groups: readonly string[];
  /** For all of it. */
  readonly timeoutMs: number;
}

/** To the process that asks. It is sent once, and kept nowhere. */
export interface InspectionQuestion {
  readonly kafka: KafkaConnection;
  readonly credentials: KafkaCredentials;
  readonly request: InspectionRequest;
}

/** `undefined` stands everywhere for what cannot be told: Kafka does not say, or may not say it to us. */
export interface KafkaInspection {
  /** What kept all or some of the questions from an answer. */
  readonly fault: Pick<KafkaState, 'reason' | 'detail'> | undefined;
  readonly brokers: readonly InspectedBroker[];
  readonly topics: readonly InspectedTopic[];
  readonly groups: readonly InspectedGroup[];
}

export interface InspectedBroker {
  readonly id: number;
  /** As Kafka advertises it. */
  readonly host: string;
  readonly port: number;
}

export interface InspectedTopic {
  readonly name: string;
  /** Undefined too where we may not see it: Kafka answers the same whether or not there is one. */
  readonly exists: boolean | undefined;
  /** 0 where it is not known. */
  readonly partitions: number;
  /** What is wrong, why that may be, and what to do. */
  readonly error: string | undefined;
  /** Of one batch of records, as compressed: max.message.bytes. */
  readonly maxMessageBytes: number | undefined;
  readonly mayWrite: boolean | undefined;
  readonly mayRead: boolean | undefined;
}

export interface InspectedGroup {
  readonly name: string;
  /** Whether it exists or not: joining makes it. */
  readonly mayJoin: boolean | undefined;
  readonly error: string | undefined;
}
