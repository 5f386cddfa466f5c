/* PublishSender: single PUBLISHes of QoS 1, each confirmed by its PUBACK, outside the data path: for
 * replaying dead letters. Over a session of its own that the broker does not keep. Main thread only.
 *
 *   queued --credit--> sent --PUBACK--> settled, or too late: its letter stays
 *
 * A connection that is lost is made again, and what was sent over it is sent again, as for every session.
 */
import type { Clock } from '../../base/clock.js';
import { OperatingError } from '../../base/errors.js';
import { addressOf } from '../dial/connection-fault.js';
import { dialler, type MqttAccess } from '../dial/dialler.js';
import { reasonText } from '../reason-code.js';
import { TopicCache } from '../receive/topic-cache.js';
import { Session } from '../session.js';
import type { SessionEvents, SessionState } from '../session-options.js';
import { OutgoingPublish } from './outgoing-publish.js';
import { type OutgoingTopic, OutgoingTopics } from './outgoing-topics.js';

const WRITE_TIMEOUT_MS = 30_000;
const PACKET_BYTES_MAX = 1_048_576;

export interface SentPublish {
  readonly topic: string;
  /** Encoded, without the Property Length. */
  readonly properties: Uint8Array;
  readonly retain: boolean;
  readonly payload: Uint8Array;
}

export interface PublishSenderOptions {
  readonly access: MqttAccess;
  readonly clientId: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** How long the broker may take to answer, and then for each PUBLISH. */
  readonly timeoutMs: number;
}

interface Pending {
  readonly publish: SentPublish;
  readonly topic: OutgoingTopic;
  readonly resolve: (reasonCode: number) => void;
  readonly reject: (error: OperatingError) => void;
  readonly cancelTimeout: () => void;
}

/** Opens a sender; rejects when the broker does not accept it within `timeoutMs`. */
export async function openPublishSender(options: PublishSenderOptions): Promise<PublishSender> {
  const sender = new PublishSender(options);
  try {
    await sender.connected();
  } catch (error) {
    sender.close();
    throw error;
  }
  return sender;
}

export class PublishSender {
  readonly #options: PublishSenderOptions;
  readonly #session: Session;
  readonly #topics = new OutgoingTopics(1_024, 0);
  readonly #publish = new OutgoingPublish();
  readonly #pending = new Map<number, Pending>();
  /** Those of them that were not sent. */
  readonly #queue: number[] = [];
  #lastId = 0;
  /** Why there is no connection. */
  #reason = 'no answer';
  #onConnected: () => void = () => {};
  #onStopped: (error: OperatingError) => void = () => {};

  /** Use `openPublishSender`. */
  constructor(options: PublishSenderOptions) {
    const { access, clientId, clock, random, timeoutMs } = options;
    const { connection, credentials } = access;
    this.#options = options;
    this.#session = new Session({
      index: 0,
      clientId,
      host: connection.host,
      port: connection.port,
      keepAliveSeconds: connection.keepAliveSeconds,
      sessionExpirySeconds: 0,
      receiveMaximum: 1,
      maximumPacketSize: PACKET_BYTES_MAX,
      payloadBytesMax: PACKET_BYTES_MAX,
      topicAliasMaximum: 0,
      connectTimeoutMs: timeoutMs,
      writeTimeoutMs: WRITE_TIMEOUT_MS,
      subscriptions: [],
      publishing: [{ route: 'a replay', qos: 1 }],
      staleFilters: [],
      topics: new TopicCache(1, 0, 0),
      slab: new Uint8Array(0),
      clock,
      random,
      dial: dialler(connection, credentials),
      security: connection,
      credentials,
      events: this.#events(),
    });
  }

  /** Dials, and resolves when the broker has accepted it. */
  connected(): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => {
        reject(this.#error(`is not there: ${this.#reason}`));
      });
      this.#onConnected = () => {
        cancel();
        resolve();
      };
      this.#onStopped = (error) => {
        cancel();
        reject(error);
      };
      this.#session.start();
    });
  }

  /**
   * Resolves with the reason code of the PUBACK, where that is a success. PUBLISHes that are sent one
   * after another keep their order.
   */
  async send(publish: SentPublish): Promise<number> {
    const topic = this.#topics.find(publish.topic);
    if (topic === undefined) throw replayError(`${JSON.stringify(publish.topic)} is no topic name`);
    const { clock, timeoutMs } = this.#options;
    const id = this.#lastId++;
    const sent = new Promise<number>((resolve, reject) => {
      const cancelTimeout = clock.after(timeoutMs, () => {
        this.#end(id)?.reject(this.#error(`has sent no PUBACK within ${timeoutMs} ms`));
      });
      this.#pending.set(id, { publish, topic, resolve, reject, cancelTimeout });
      this.#queue.push(id);
    });
    this.#pump();
    return sent;
  }

  close(): void {
    this.#session.stop('closed', true);
  }

  #pump(): void {
    const { outbound } = this.#session;
    while (outbound.credit > 0) {
      const id = this.#queue.shift();
      if (id === undefined) break;
      if (!this.#fill(id, this.#publish)) continue;
      if (outbound.fits(this.#publish)) outbound.publish(this.#publish, id);
      else this.#end(id)?.reject(replayError("larger than the broker's Maximum Packet Size"));
    }
    outbound.flush();
  }

  /** False: nobody waits for it any more. */
  #fill(id: number, into: OutgoingPublish): boolean {
    const pending = this.#pending.get(id);
    if (pending === undefined) return false;
    const { publish, topic } = pending;
    into.qos = 1;
    into.retain = publish.retain && this.#session.limits?.retainAvailable !== false;
    into.topic = topic;
    into.properties = publish.properties;
    into.propertiesStart = 0;
    into.propertiesBytes = publish.properties.length;
    into.payload = publish.payload;
    into.payloadStart = 0;
    into.payloadBytes = publish.payload.length;
    return true;
  }

  #end(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.cancelTimeout();
    return pending;
  }

  #onState(state: SessionState): void {
    if (state.kind === 'waiting') this.#reason = state.reason;
    else if (state.kind === 'active') this.#onConnected();
    else if (state.kind === 'stopped') {
      const error = this.#error(`cannot be used: ${state.reason}`);
      this.#onStopped(error);
      for (const id of [...this.#pending.keys()]) this.#end(id)?.reject(error);
    }
  }

  #onPuback(id: number, reasonCode: number): void {
    const pending = this.#end(id);
    if (reasonCode < 0x80) pending?.resolve(reasonCode);
    else pending?.reject(replayError(`the broker refuses the PUBLISH: ${reasonText(reasonCode)}`));
  }

  #events(): SessionEvents {
    return {
      onBatchStart: () => {},
      onBatchEnd: () => {},
      // It has subscribed to nothing.
      onPublish: () => true,
      onOversize: () => undefined,
      onJoined: () => {},
      onPuback: (_, id, reasonCode) => this.#onPuback(id, reasonCode),
      onWritable: () => this.#pump(),
      onResend: (_, id, publish) => this.#fill(id, publish),
      onState: (_, state) => this.#onState(state),
      onLimits: () => {},
      onRefused: () => {},
      onUnsubscribed: () => {},
      onUnreadable: () => undefined,
      onWarning: () => {},
      reservePayload: () => -1,
      releasePayload: () => {},
    };
  }

  #error(what: string): OperatingError {
    const address = addressOf(this.#options.access.connection);
    return replayError(`the MQTT broker at ${address} ${what}`);
  }
}

function replayError(message: string): OperatingError {
  return new OperatingError('ERR_DEAD_LETTER_REPLAY', message);
}
