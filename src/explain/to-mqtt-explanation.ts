/* What `explain` answers of a record from Kafka, as data: what `--json` prints. docs/reference/explain.md
 * says what each field means.
 */
import type { Bytes } from './explanation.js';

export interface ToMqttExplanation {
  readonly kafkaTopic: string;
  readonly partition: number;
  readonly payloadBytes: number;
  /** Over all connectors. */
  readonly routesMatched: number;
  readonly connectors: readonly ConnectorToMqtt[];
}

export interface ConnectorToMqtt {
  readonly connector: string;
  readonly instanceId: number;
  readonly shards: number;
  readonly matched: readonly RouteToMqtt[];
  readonly notMatched: readonly { readonly route: string; readonly why: string }[];
}

/** What becomes of the record by way of one route. */
export type OutcomeToMqtt =
  | { readonly kind: 'publish' }
  /** Its offset moves on, and nothing is published. */
  | { readonly kind: 'expired' | 'loopStopped'; readonly why: string }
  | {
      readonly kind: 'deadLetter';
      readonly reason: 'oversize' | 'mqttTopicInvalid' | 'publishTooLarge';
      readonly why: string;
    };

export interface RouteToMqtt {
  readonly route: string;
  readonly topicMap: string;
  /** `file:line` of the route. */
  readonly source: string;
  readonly consumer: ConsumerExplanation;
  readonly outcome: OutcomeToMqtt;
  /** Undefined unless the outcome is `publish`. */
  readonly publish: PublishExplanation | undefined;
}

export interface ConsumerExplanation {
  readonly groupId: string;
  readonly offsetReset: 'earliest' | 'latest';
  readonly commitIntervalMs: number;
  readonly revokeTimeoutMs: number;
}

export interface PublishExplanation {
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Those that MQTT names. */
  readonly properties: readonly PropertyExplanation[];
  /** In order. */
  readonly userProperties: readonly PropertyExplanation[];
  /** What MQTT cannot carry; `header` is absent for the key. */
  readonly leftOut: readonly { readonly header?: string | undefined; readonly why: string }[];
  /** How many more are left out than are listed. */
  readonly leftOutMore: number;
  readonly payloadBytes: number;
  /** Of the whole packet, without a Topic Alias: what a Maximum Packet Size is held against. */
  readonly packetBytes: number;
  readonly maxPayloadBytes: number;
  readonly onNoSubscriber: 'accept' | 'hold';
}

export interface PropertyExplanation {
  readonly name: string;
  readonly value: Bytes;
  /** Where the value may be another one when the record is published. */
  readonly note?: string;
}
