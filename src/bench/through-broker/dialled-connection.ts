/* One connection of the generator to a real broker: an MQTT v5 client that publishes its part of a load,
 * and subscribes to its part of a feed. Its session ends with it.
 *
 *   dialling --connected--> connecting --CONNACK--> subscribing --SUBACK--> open --> closed
 *                                          \------- nothing to read ------>/
 */
import { connect, type Socket } from 'node:net';
import type { IConnackPacket, ISubackPacket, Packet } from 'mqtt-packet';
import { OperatingError } from '../../base/errors.js';
import { LoadConnection } from '../load/connection.js';
import type { SideContext } from '../load/mqtt-side.js';
import type { Broker } from '../protocol.js';
import {
  type BrokerLimits,
  lackOf,
  limitsOf,
  type Needs,
  refusalOf,
  refusalOfSubscription,
} from './answers.js';

/** For all that has to be answered before a connection is open. */
const ANSWER_TIMEOUT_MS = 5_000;
/** No PUBLISH is in flight yet. */
const SUBSCRIBE_PACKET_ID = 1;

export interface DialOptions {
  readonly broker: Broker;
  readonly clientId: string;
  /** What the broker has to allow. */
  readonly needs: Needs;
  /** What it reads: all topics that begin with `topics`, which ends with a slash; undefined: it only
   * publishes. */
  readonly subscription: { readonly topics: string; readonly qos: 0 | 1 } | undefined;
}

type State = 'dialling' | 'connecting' | 'subscribing' | 'open' | 'closed';

export class DialledConnection {
  readonly connection: LoadConnection;
  readonly #options: DialOptions;
  readonly #context: SideContext;
  readonly #socket: Socket;
  readonly #opening: Promise<BrokerLimits>;
  /** For people. */
  readonly #name: string;
  #state: State = 'dialling';
  #limits: BrokerLimits | undefined;
  /** Why the socket closed, where anybody said so: a whole sentence, or the socket's own words. */
  #failure: string | undefined;
  #socketError: string | undefined;
  #resolve: (limits: BrokerLimits) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #timer: NodeJS.Timeout;

  /** Begins to dial. */
  constructor(options: DialOptions, context: SideContext) {
    this.#options = options;
    this.#context = context;
    this.#name = `the broker at ${options.broker.host}:${options.broker.port}`;
    this.#opening = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // An IPv6 address stands in brackets.
    this.#socket = connect(options.broker.port, options.broker.host.replace(/^\[|\]$/g, ''));
    this.#socket.on('error', (error) => {
      this.#socketError = error.message;
    });
    this.connection = new LoadConnection(this.#socket, {
      loadRun: context.loadRun,
      feedRun: context.feedRun,
      feedTopics: options.subscription?.topics ?? '',
      peer: this.#name,
      onPacket: (packet) => this.#handle(packet),
      onSettled: context.onProgress,
      onFailed: (message) => this.#fail(message),
    });
    this.#socket.once('connect', () => this.#connect());
    this.#socket.once('close', () => this.#closed());
    this.#timer = setTimeout(() => this.#fail(this.#unanswered()), ANSWER_TIMEOUT_MS);
  }

  /** Resolves when the broker has accepted it, and its subscription; rejects within seconds with an
   * OperatingError that says why not. */
  async opened(): Promise<BrokerLimits> {
    return await this.#opening;
  }

  /** Ends connection and session. */
  close(): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    clearTimeout(this.#timer);
    if (wasOpen) this.connection.send({ cmd: 'disconnect', reasonCode: 0 });
    this.connection.end();
  }

  #connect(): void {
    this.#state = 'connecting';
    this.connection.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clientId: this.#options.clientId,
      clean: true,
      keepalive: 0,
      properties: { sessionExpiryInterval: 0, receiveMaximum: this.#context.receiveMaximum },
    });
  }

  #handle(packet: Packet): void {
    if (packet.cmd === 'connack' && this.#state === 'connecting') this.#connack(packet);
    else if (packet.cmd === 'suback' && this.#state === 'subscribing') this.#suback(packet);
    else if (packet.cmd === 'disconnect')
      this.#fail(`${this.#name} ${refusalOf('ended a connection', packet)}`);
    else if (packet.cmd !== 'pingresp') {
      this.#fail(`${this.#name} sent ${packet.cmd}, which answers nothing; does it speak MQTT v5?`);
    }
  }

  #connack(packet: IConnackPacket): void {
    const code = packet.reasonCode ?? packet.returnCode ?? 0;
    if (code !== 0) {
      this.#fail(`${this.#name} ${refusalOf('refuses the connection', packet)}`);
      return;
    }
    const limits = limitsOf(packet);
    this.#limits = limits;
    const { subscription, needs } = this.#options;
    const lack = lackOf(limits, needs);
    if (lack !== undefined) {
      this.#fail(`${this.#name} ${lack}`);
      return;
    }
    if (subscription === undefined) {
      this.#open(limits);
      return;
    }
    this.#state = 'subscribing';
    this.connection.send({
      cmd: 'subscribe',
      messageId: SUBSCRIBE_PACKET_ID,
      subscriptions: [
        { topic: `${subscription.topics}#`, qos: subscription.qos, nl: false, rap: false, rh: 2 },
      ],
    });
  }

  #suback({ granted }: ISubackPacket): void {
    const { subscription } = this.#options;
    const refusal = refusalOfSubscription(granted, subscription?.qos ?? 0);
    if (refusal === undefined) this.#open(this.#limits as BrokerLimits);
    else this.#fail(`${this.#name} ${refusal} ${subscription?.topics}#`);
  }

  #open(limits: BrokerLimits): void {
    clearTimeout(this.#timer);
    this.#state = 'open';
    this.#resolve(limits);
  }

  #fail(message: string): void {
    this.#failure ??= message;
    this.#socket.destroy();
  }

  #closed(): void {
    clearTimeout(this.#timer);
    const state = this.#state;
    if (state === 'closed') return;
    this.#state = 'closed';
    const why = this.#failure ?? this.#closedBy(state);
    if (state === 'open') this.#context.onFailed(why);
    else this.#reject(new OperatingError('ERR_BENCH_BROKER', why));
  }

  /** What it means that the socket closed in this state. */
  #closedBy(state: State): string {
    const { host, port } = this.#options.broker;
    if (state === 'dialling')
      return `no MQTT broker answers at ${host}:${port}: ${this.#socketError}`;
    if (state !== 'open')
      return `${this.#name} closed a connection at once: does it speak MQTT v5?`;
    const words = this.#socketError === undefined ? '' : `: ${this.#socketError}`;
    return `${this.#name} closed a connection that was in use${words}`;
  }

  #unanswered(): string {
    const seconds = ANSWER_TIMEOUT_MS / 1000;
    const { host, port } = this.#options.broker;
    if (this.#state === 'dialling')
      return `no MQTT broker answers at ${host}:${port} within ${seconds} s`;
    return `${this.#name} did not answer within ${seconds} s: does it speak MQTT v5, without TLS?`;
  }
}
