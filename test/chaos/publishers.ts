/* Publishers that number their messages, in a journal for each key. Each has a connection of its own,
 * made anew whenever it ends, on which it sends again, in order, what was not acknowledged. They wait
 * for nobody: what is due while the broker is away is sent when it is back. Shares no code with src/. */
import { connect, type Socket } from 'node:net';
import mqtt, { type IConnackPacket, type IPubackPacket } from 'mqtt-packet';
import { KeyJournal, payloadOf } from './journal.js';

export interface PublishersOptions {
  readonly host: string;
  readonly port: number;
  /** Keys are `prefix/0` and so on; each belongs to one publisher. */
  readonly prefix: string;
  readonly keys: number;
  readonly publishers: number;
  /** Of all together. */
  readonly messagesPerSecond: number;
  /** How long the next payload is to be. */
  readonly nextBytes: () => number;
}

interface Message {
  readonly journal: KeyJournal;
  readonly number: number;
  readonly bytes: number;
}

const PORTION_MS = 20;
const RECONNECT_MS = 100;
/** What one publisher has sent and not seen acknowledged. */
const WINDOW = 500;
/** And what waits behind it; beyond this no new numbers are opened. */
const WAITING_MAX = 200_000;
const VERSION = { protocolVersion: 5 } as const;
/** [MQTT-3.4.2.1]: the broker took it, and somebody is there who gets it. */
const TAKEN = 0;

export class Publishers {
  readonly #each: Publisher[];

  constructor(options: PublishersOptions) {
    const { keys, publishers, prefix } = options;
    const all = Array.from({ length: keys }, (_, key) => new KeyJournal(`${prefix}/${key}`));
    this.#each = Array.from({ length: publishers }, (_, index) => {
      const journals = all.filter((_, key) => key % publishers === index);
      return new Publisher(options, journals, `${prefix}-publisher-${index}`);
    });
  }

  get journals(): readonly KeyJournal[] {
    return this.#each.flatMap(({ journals }) => journals);
  }

  /** Messages that the broker had no use for, or refused; the reason codes of their PUBACKs. */
  get refused(): readonly number[] {
    return this.#each.flatMap(({ refused }) => refused);
  }

  get published(): number {
    return this.journals.reduce((sum, { count }) => sum + count, 0);
  }

  /** Connections that were made, of all publishers. */
  get connections(): number {
    return this.#each.reduce((sum, { connections }) => sum + connections, 0);
  }

  start(): void {
    for (const publisher of this.#each) publisher.start();
  }

  /** Opens no more numbers; resolves when every one is acknowledged. */
  async finish(): Promise<void> {
    await Promise.all(this.#each.map((publisher) => publisher.finish()));
  }

  /** Ends them at once. */
  close(): void {
    for (const publisher of this.#each) publisher.close();
  }
}

class Publisher {
  readonly journals: readonly KeyJournal[];
  readonly refused: number[] = [];
  connections = 0;
  readonly #options: PublishersOptions;
  readonly #clientId: string;
  readonly #inFlight = new Map<number, Message>();
  #waiting: Message[] = [];
  #socket: Socket | undefined;
  #connected = false;
  /** What may be in flight on this connection: ours, or the broker's Receive Maximum [MQTT-3.3.4-7]. */
  #window = 0;
  #packetId = 0;
  #opened = 0;
  #closed = false;
  #pace: NodeJS.Timeout | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: PublishersOptions, journals: readonly KeyJournal[], clientId: string) {
    this.#options = options;
    this.journals = journals;
    this.#clientId = clientId;
  }

  start(): void {
    const perMs = this.#options.messagesPerSecond / this.#options.publishers / 1000;
    const startMs = performance.now();
    this.#connect();
    this.#pace = setInterval(() => {
      const due = Math.floor((performance.now() - startMs) * perMs);
      for (; this.#opened < due && this.#waiting.length < WAITING_MAX; this.#opened++) this.#open();
      this.#send();
    }, PORTION_MS);
  }

  finish(): Promise<void> {
    clearInterval(this.#pace);
    return new Promise((resolve) => {
      this.#onEmpty = () => {
        this.close();
        resolve();
      };
      this.#look();
    });
  }

  close(): void {
    clearInterval(this.#pace);
    this.#closed = true;
    this.#socket?.destroy();
  }

  #open(): void {
    const journal = this.journals[this.#opened % this.journals.length] as KeyJournal;
    const bytes = this.#options.nextBytes();
    this.#waiting.push({ journal, number: journal.next(), bytes });
  }

  #connect(): void {
    const { host, port } = this.#options;
    const socket = connect(port, host);
    const parser = mqtt.parser(VERSION);
    this.#socket = socket;
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connack') this.#onConnack(packet);
      else if (packet.cmd === 'puback') this.#onPuback(packet);
    });
    parser.on('error', () => socket.destroy());
    socket.on('data', (chunk) => parser.parse(chunk));
    socket.on('error', () => {});
    socket.once('close', () => this.#onClose());
    const session = {
      cmd: 'connect',
      clientId: this.#clientId,
      clean: true,
      keepalive: 30,
    } as const;
    socket.write(mqtt.generate({ protocolId: 'MQTT', ...VERSION, ...session }, VERSION));
  }

  #onConnack(packet: IConnackPacket): void {
    if (packet.reasonCode !== 0) throw new Error(`CONNACK with ${packet.reasonCode}`);
    this.connections++;
    this.#connected = true;
    this.#window = Math.min(WINDOW, packet.properties?.receiveMaximum ?? WINDOW);
    this.#send();
  }

  #onPuback({ messageId = 0, reasonCode = TAKEN }: IPubackPacket): void {
    const message = this.#inFlight.get(messageId);
    if (message === undefined) return;
    this.#inFlight.delete(messageId);
    if (reasonCode === TAKEN) message.journal.acknowledge(message.number);
    else this.refused.push(reasonCode);
    this.#send();
    this.#look();
  }

  #onClose(): void {
    this.#connected = false;
    // A map has them in the order in which they were sent.
    this.#waiting = [...this.#inFlight.values(), ...this.#waiting];
    this.#inFlight.clear();
    if (this.#closed) return;
    setTimeout(() => {
      if (!this.#closed) this.#connect();
    }, RECONNECT_MS);
  }

  #send(): void {
    if (!this.#connected || this.#socket === undefined) return;
    const count = Math.min(this.#window - this.#inFlight.size, this.#waiting.length);
    if (count <= 0) return;
    const packets = this.#waiting.splice(0, count).map((message) => this.#encode(message));
    this.#socket.write(Buffer.concat(packets));
  }

  #encode(message: Message): Buffer {
    const { journal, number, bytes } = message;
    do this.#packetId = (this.#packetId % 65_535) + 1;
    while (this.#inFlight.has(this.#packetId));
    this.#inFlight.set(this.#packetId, message);
    const payload = payloadOf(
      { key: journal.key, number, attempt: journal.attempt(number) },
      bytes,
    );
    const publish = {
      cmd: 'publish',
      topic: journal.key,
      qos: 1,
      dup: false,
      retain: false,
    } as const;
    return mqtt.generate({ ...publish, payload, messageId: this.#packetId }, VERSION);
  }

  #look(): void {
    if (this.#inFlight.size + this.#waiting.length === 0) this.#onEmpty?.();
  }
}
