/* The MQTT client of a machine: it subscribes to the commands for it, and publishes an answer to each.
 * A command is acknowledged once its answer was, so that no more are under way than
 * `RECEIVE_MAXIMUM`: the broker keeps the others.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { IPubackPacket, IPublishPacket, UserProperties } from 'mqtt-packet';
import { OperatingError } from '../base/errors.js';
import type { PublishInput } from './broker/message.js';
import { generateControlPacket, parseControlPacket } from './broker/wire/control-packet.js';
import { PacketCutter } from './broker/wire/packet-cutter.js';
import { ReasonCode } from './broker/wire/reason-code.js';
import type { ReceivedCommand } from './commands.js';

const RECEIVE_MAXIMUM = 100;
const PACKET_BYTES_MAX = 1024 * 1024;
const PACKET_ID_MAX = 65_535;
const SUBSCRIBE_ID = 1;

export interface MachineClientOptions {
  readonly port: number;
  readonly clientId: string;
  readonly topicFilter: string;
  /** The answer; undefined where there is none. */
  readonly answer: (command: ReceivedCommand) => PublishInput | undefined;
  /** The PUBACK of an answer. */
  readonly onAnswered: (correlationData: Buffer | undefined, reasonCode: number) => void;
}

interface Answer {
  /** The packet identifier of the command. */
  readonly commandId: number;
  readonly correlationData: Buffer | undefined;
}

export class MachineClient {
  readonly #options: MachineClientOptions;
  /** Answers without a PUBACK, by packet identifier. */
  readonly #pending = new Map<number, Answer>();
  #socket: Socket | undefined;
  #onSubscribed: (reasonCode: number) => void = () => {};
  #lastPacketId = SUBSCRIBE_ID;

  constructor(options: MachineClientOptions) {
    this.#options = options;
  }

  /** Resolves when the subscription is in force. */
  async connect(): Promise<void> {
    const { port, clientId } = this.#options;
    const socket = createConnection(port, '127.0.0.1');
    this.#socket = socket;
    const subscribed = new Promise<number>((resolve, reject) => {
      this.#onSubscribed = resolve;
      const ended = () =>
        reject(new OperatingError('ERR_DEMO_MACHINE', `${clientId} lost its connection`));
      // 'close' follows, and says the same after the promise is settled.
      socket.on('error', ended);
      socket.once('close', ended);
    });
    const cutter = new PacketCutter(PACKET_BYTES_MAX, (bytes) => this.#onPacket(bytes));
    socket.on('data', (chunk) => {
      if (cutter.push(chunk) !== ReasonCode.success) socket.destroy();
    });
    socket.write(
      generateControlPacket({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 5,
        clientId,
        clean: true,
        keepalive: 0,
        properties: { receiveMaximum: RECEIVE_MAXIMUM },
      }),
    );
    const reasonCode = await subscribed;
    if (reasonCode < 0x80) return;
    const hex = reasonCode.toString(16);
    throw new OperatingError('ERR_DEMO_MACHINE', `${clientId} may not subscribe: 0x${hex}`);
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return;
    const closed = once(socket, 'close');
    socket.end(generateControlPacket({ cmd: 'disconnect', reasonCode: ReasonCode.success }));
    await closed;
  }

  #onPacket(bytes: Buffer): void {
    const packet = parseControlPacket(bytes);
    switch (packet?.cmd) {
      case 'connack':
        if ((packet.reasonCode ?? 0) === 0) this.#subscribe();
        break;
      case 'suback':
        this.#onSubscribed(Number(packet.granted[0]));
        break;
      case 'publish':
        this.#onCommand(packet);
        break;
      case 'puback':
        this.#onPuback(packet);
    }
  }

  #subscribe(): void {
    const subscriptions = [{ topic: this.#options.topicFilter, qos: 1 as const }];
    this.#socket?.write(
      generateControlPacket({ cmd: 'subscribe', messageId: SUBSCRIBE_ID, subscriptions }),
    );
  }

  #onCommand({ topic, payload, properties, messageId = 0 }: IPublishPacket): void {
    const correlationData = properties?.correlationData;
    const answer = this.#options.answer({
      mqttTopic: topic,
      payload: Buffer.from(payload),
      contentType: properties?.contentType,
      responseTopic: properties?.responseTopic,
      correlationData,
      userProperties: lastValues(properties?.userProperties),
    });
    if (answer === undefined) this.#acknowledge(messageId);
    else this.#publish(answer, { commandId: messageId, correlationData });
  }

  #publish(input: PublishInput, answer: Answer): void {
    const messageId = this.#freePacketId();
    this.#pending.set(messageId, answer);
    const { topic, payload = '', contentType, correlationData, userProperties = [] } = input;
    const properties = {
      ...(contentType !== undefined && { contentType }),
      ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData) }),
      userProperties: Object.fromEntries(userProperties),
    };
    const flags = { qos: 1, dup: false, retain: false } as const;
    this.#socket?.write(
      generateControlPacket({
        cmd: 'publish',
        ...flags,
        messageId,
        topic,
        payload: Buffer.from(payload),
        properties,
      }),
    );
  }

  #onPuback({ messageId = 0, reasonCode = ReasonCode.success }: IPubackPacket): void {
    const answer = this.#pending.get(messageId);
    if (answer === undefined) return;
    this.#pending.delete(messageId);
    this.#options.onAnswered(answer.correlationData, reasonCode);
    this.#acknowledge(answer.commandId);
  }

  /** At QoS 0 there is nothing to acknowledge, and no identifier. */
  #acknowledge(messageId: number): void {
    if (messageId === 0) return;
    const reasonCode = ReasonCode.success;
    this.#socket?.write(generateControlPacket({ cmd: 'puback', messageId, reasonCode }));
  }

  #freePacketId(): number {
    do this.#lastPacketId = (this.#lastPacketId % PACKET_ID_MAX) + 1;
    while (this.#pending.has(this.#lastPacketId));
    return this.#lastPacketId;
  }
}

/** mqtt-packet gives a list for a name that is repeated. */
function lastValues(properties: UserProperties = {}): Map<string, string> {
  return new Map(
    Object.entries(properties).map(([name, value]) => [name, [value].flat().at(-1) ?? '']),
  );
}
