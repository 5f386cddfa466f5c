/* DeadLettering: which letter is written for a message that can never be delivered, and what of its
 * delivery that settles. Main thread only.
 */
import type { Clock } from '../../base/clock.js';
import type { FrameRecord } from '../../channel/frame.js';
import { HEADER_PART_BYTES_MAX } from '../../config/limits.js';
import type { DeadLetter, DeadLetterMeta, MqttOrigin } from '../../dead-letter/letter.js';
import type { Ledger } from '../../delivery/ledger.js';
import type { ConnectorEvents } from '../../metrics/events.js';
import type { DeadLetterReason } from '../../metrics/reasons.js';
import type { OversizeSink } from '../../mqtt/receive/oversize.js';
import { ABSENT, type Publish } from '../../mqtt/receive/publish.js';
import type { SessionSlab } from '../../ring/session-slab.js';
import type { Targets } from '../../shard/targets.js';
import type { DeadLetterDesk } from '../dead-letter-desk.js';
import { OversizeLetter } from './oversize-letter.js';
import type { CompiledRoute, Fault, Match } from './routes.js';

export interface DeadLetteringOptions {
  readonly connector: string;
  readonly payloadBytesMax: number;
  readonly desk: DeadLetterDesk;
  readonly ledger: Ledger<Match>;
  readonly slab: SessionSlab;
  readonly targets: Targets;
  readonly events: ConnectorEvents;
  readonly clock: Clock;
  /** A part's letter is on the disk; or, `stored` false, the message was lost with its connection. */
  readonly onStored: (deliveryId: number, stored: boolean) => void;
}

export class DeadLettering {
  readonly #options: DeadLetteringOptions;

  constructor(options: DeadLetteringOptions) {
    this.#options = options;
  }

  /** One part of a PUBLISH, which cannot become a record. */
  part(publish: Publish, match: Match, route: CompiledRoute, fault: Fault, id: number): void {
    const { payloadStart, payloadBytes, slabOffset } = publish;
    const payload =
      slabOffset === ABSENT
        ? publish.bytes.slice(payloadStart, payloadStart + payloadBytes)
        : this.#options.slab.bytes.subarray(slabOffset, slabOffset + payloadBytes);
    const mqtt = mqttOrigin(match, publish.qos === 1, publish.retain, publish.packetId);
    const meta = this.#meta(route, fault.reason, fault.message, mqtt);
    this.#store({ ...meta, payload }, route, match, id);
  }

  /**
   * A record that Kafka refused although it was sent alone.
   * @param onReleased once nothing of the record is needed any more
   */
  record(record: FrameRecord, match: Match, code: string, onReleased: () => void): void {
    const { targets, ledger } = this.#options;
    const route = match.routes.find(({ index }) => index === record.routeIndex);
    if (route === undefined) throw new Error(`no route ${record.routeIndex}`);
    const packetId = ledger.packetId[record.deliveryId] as number;
    const reason = code.includes('SIZE') ? 'recordTooLarge' : 'recordInvalid';
    const mqtt = mqttOrigin(match, packetId !== 0, false, packetId);
    const meta = this.#meta(route, reason, `Kafka refuses the record: ${code}`, mqtt);
    const open = targets.byId(record.targetId)?.open;
    const kafka = open && {
      topic: open.topic,
      partition: undefined,
      key: record.key,
      headers: record.headers,
      acks: open.acks,
    };
    const letter = { ...meta, kafka, payload: record.payload };
    this.#store(letter, route, match, record.deliveryId, onReleased);
  }

  /** What is over a limit, which comes piece by piece: a payload, or a whole packet. */
  oversize(publish: Publish, match: Match, id: number): OversizeSink {
    const { desk, events, onStored, payloadBytesMax } = this.#options;
    const { payloadBytes, unreadBytes } = publish;
    const [route] = match.routes;
    const reason = unreadBytes > 0 ? 'propertiesTooLarge' : 'oversize';
    const message =
      unreadBytes > 0
        ? `topic name and properties of ${unreadBytes} bytes; at most ${HEADER_PART_BYTES_MAX}`
        : `a payload of ${payloadBytes} bytes; maxPayloadBytes is ${payloadBytesMax}`;
    const mqtt = mqttOrigin(match, publish.qos === 1, publish.retain, publish.packetId);
    const meta = this.#meta(route, reason, message, mqtt);
    return new OversizeLetter(desk.begin(meta, payloadBytes), (letterId) => {
      if (letterId !== undefined) {
        const detail = { id: letterId, topicName: match.topic.name, message };
        (route?.events ?? events.route('')).deadLettered(reason, detail);
      }
      onStored(id, letterId !== undefined);
    });
  }

  #store(
    letter: DeadLetter,
    route: CompiledRoute,
    match: Match,
    id: number,
    onReleased: () => void = () => {},
  ): void {
    const { desk, onStored } = this.#options;
    desk.put(letter, (letterId) => {
      const { code, message } = letter.reason;
      route.events.deadLettered(code, { id: letterId, topicName: match.topic.name, message });
      onReleased();
      onStored(id, true);
    });
  }

  #meta(
    route: CompiledRoute | undefined,
    code: DeadLetterReason,
    message: string,
    mqtt: MqttOrigin,
  ): DeadLetterMeta {
    const { connector, clock } = this.#options;
    return {
      timeMs: clock.wallMs(),
      connector,
      route: route?.name,
      direction: 'mqttToKafka',
      reason: { code, message },
      mqtt,
      kafka: undefined,
    };
  }
}

function mqttOrigin(match: Match, qos1: boolean, retain: boolean, packetId: number): MqttOrigin {
  return {
    topic: match.topic.name,
    qos: qos1 ? 1 : 0,
    retain,
    packetId: packetId === 0 ? undefined : packetId,
  };
}
