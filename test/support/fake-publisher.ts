import { type IPublishPacket, parser } from 'mqtt-packet';
import { type ServerLimits, serverLimits } from '../../src/mqtt/connack.js';
import { Outbound, type OutboundEvents } from '../../src/mqtt/send/outbound.js';
import { Output } from '../../src/mqtt/send/output.js';
import type { Session } from '../../src/mqtt/session.js';

/* A session as far as one that only publishes needs it: the true Outbound over a socket that the test
 * reads. The broker at its other end is the test. */

export interface Sent {
  readonly packetId: number;
  readonly topic: string;
  readonly payload: string;
  readonly dup: boolean;
  readonly retain: boolean;
  readonly qos: number;
}

const LIMITS = serverLimits({ cmd: 'connack', sessionPresent: false });

export class FakePublisher {
  readonly outbound: Outbound;
  readonly warnings: string[] = [];
  limits: ServerLimits | undefined;
  #sent: Sent[] = [];
  #socket = 0;
  /** Bytes that the socket has not passed on. */
  unsentBytes = 0;

  /** @param events what the session's owner does with them */
  constructor(
    events: Omit<OutboundEvents, 'onWritable' | 'onWarning'> & {
      readonly onWritable: (session: Session) => void;
    },
    [firstPacketId, lastPacketId]: readonly [number, number] = [1, 65_535],
  ) {
    this.outbound = new Outbound({
      firstPacketId,
      lastPacketId,
      events: {
        onPuback: (delivery, reasonCode) => events.onPuback(delivery, reasonCode),
        onWritable: () => events.onWritable(this.session),
        onResend: (delivery, publish) => events.onResend(delivery, publish),
        onWarning: (text) => this.warnings.push(text),
      },
    });
  }

  get session(): Session {
    return this as unknown as Session;
  }

  connect(limits: Partial<ServerLimits> = {}): void {
    const socket = ++this.#socket;
    const reader = parser({ protocolVersion: 5 });
    reader.on('packet', (packet) => {
      if (socket === this.#socket) this.#sent.push(sentOf(packet as IPublishPacket));
    });
    const output = new Output(
      (bytes) => {
        // The socket would read it later; what is borrowed is looked at now.
        reader.parse(Buffer.from(bytes));
      },
      () => this.unsentBytes,
    );
    this.limits = { ...LIMITS, ...limits };
    if (!this.limits.sessionPresent) this.outbound.onSessionLost();
    this.outbound.onConnected(output, this.limits);
  }

  disconnect(): void {
    this.#socket++;
    this.outbound.onDisconnected();
  }

  /** The PUBLISHes since the last time, in order. */
  takeSent(): Sent[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  payloads(): string[] {
    return this.takeSent().map(({ payload }) => payload);
  }

  /** PUBACKs that come in one read. */
  puback(packetIds: readonly number[], reasonCode = 0): void {
    for (const packetId of packetIds) this.outbound.onPuback(packetId, reasonCode);
    this.outbound.onBatchEnd();
  }

  /** PUBACKs for everything that was sent since the last time. */
  pubackSent(reasonCode = 0): string[] {
    const sent = this.takeSent();
    this.puback(
      sent.map(({ packetId }) => packetId),
      reasonCode,
    );
    return sent.map(({ payload }) => payload);
  }
}

function sentOf(packet: IPublishPacket): Sent {
  const { messageId = 0, topic, payload, dup, retain, qos } = packet;
  return { packetId: messageId, topic, payload: `${payload}`, dup, retain, qos };
}
