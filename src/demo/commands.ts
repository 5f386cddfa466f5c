/* Commands: every command that the operator writes to Kafka, by number, until a machine has received
 * and answered it and the answer was read back from Kafka. Nothing here is estimated.
 *
 * 1. Numbers are given in order, so a number below the next that is not open is settled: a command
 *    that comes with it is a duplicate. Memory holds the open commands only, which the operator bounds.
 * 2. A command counts as received once, and only where topic, payload and every property are those
 *    that were written to Kafka as key, value and headers.
 * 3. Commands of one machine are in order where their numbers only rise.
 * 4. An answer counts by its Correlation Data, which went the whole way: Kafka, MQTT, machine, MQTT, Kafka.
 */
import { LatencyTrack } from './latency.js';
import { readCorrelation } from './stamp.js';

export interface Command {
  /** The key of the record. */
  readonly key: string;
  /** Where the machine is to receive it. */
  readonly mqttTopic: string;
  readonly payload: string;
  readonly contentType: string;
  readonly responseTopic: string;
  readonly correlationData: Buffer;
  /** Who gave it: a header, and a user property. */
  readonly operator: string;
}

/** A command as it reaches a machine. */
export interface ReceivedCommand {
  readonly mqttTopic: string;
  readonly payload: Buffer;
  readonly contentType: string | undefined;
  readonly responseTopic: string | undefined;
  readonly correlationData: Buffer | undefined;
  readonly userProperties: ReadonlyMap<string, string>;
}

export interface CommandTally {
  /** Given to the Kafka client. */
  sent: number;
  /** Acknowledged by Kafka. */
  written: number;
  /** By the machines. */
  received: number;
  /** The answer was acknowledged to the machine. */
  answered: number;
  /** The answer was read back from Kafka. */
  readBack: number;
}

/** What must not happen. */
export interface CommandFaults {
  /** Commands that Kafka refused, and answers with a PUBACK of 0x80 or above. */
  refused: number;
  /** Commands that a machine received before. */
  duplicates: number;
  /** Commands that differ from what was written. */
  altered: number;
  /** Commands that came after a later one of the same machine. */
  outOfOrder: number;
}

interface Open {
  readonly command: Command;
  readonly sentMs: number;
  receivedMs: number | undefined;
  written: boolean;
  answered: boolean;
  readBack: boolean;
}

export class Commands {
  readonly tally: CommandTally = { sent: 0, written: 0, received: 0, answered: 0, readBack: 0 };
  readonly faults: CommandFaults = { refused: 0, duplicates: 0, altered: 0, outOfOrder: 0 };
  /** Commands that the operator has not written. */
  foreign = 0;
  /** From the operator to the machine. */
  readonly toMachine: LatencyTrack;
  /** From there to the reader: the answer. */
  readonly toReader: LatencyTrack;
  readonly #open = new Map<number, Open>();
  readonly #lastOfKey = new Map<string, number>();
  #nextId = 1;

  constructor(nowMs: number) {
    this.toMachine = new LatencyTrack(nowMs);
    this.toReader = new LatencyTrack(nowMs);
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** Commands whose answer was not read back yet, or that have gone wrong. */
  get open(): number {
    return this.#open.size;
  }

  /** Whether every command was written, received and answered. */
  get areAnswered(): boolean {
    const { sent, written, received, answered } = this.tally;
    return written === sent && received === sent && answered === sent;
  }

  /** Before a command with `nextId` is given to the Kafka client. Returns its number. */
  onSend(command: Command, nowMs: number): number {
    const id = this.#nextId;
    const nothingYet = { receivedMs: undefined, written: false, answered: false, readBack: false };
    this.#open.set(id, { command, sentMs: nowMs, ...nothingYet });
    this.#nextId += 1;
    this.tally.sent += 1;
    return id;
  }

  /** A delivery report. */
  onReport(id: number, isWritten: boolean): void {
    const open = this.#open.get(id);
    if (!isWritten) this.faults.refused += 1;
    if (!isWritten || open === undefined || open.written) return;
    open.written = true;
    this.tally.written += 1;
    this.#closeWhenDone(id, open);
  }

  /** Returns whether the machine is to answer. */
  onReceived(received: ReceivedCommand, nowMs: number): boolean {
    const id = readCorrelation(received.correlationData);
    if (id === undefined || id >= this.#nextId) {
      this.foreign += 1;
      return true;
    }
    const open = this.#open.get(id);
    if (open === undefined || open.receivedMs !== undefined) {
      this.faults.duplicates += 1;
      return false;
    }
    if (!isSame(received, open.command)) {
      this.faults.altered += 1;
      return false;
    }
    open.receivedMs = nowMs;
    this.tally.received += 1;
    this.toMachine.add(nowMs - open.sentMs, nowMs);
    this.#checkOrder(open.command.key, id);
    return true;
  }

  /** A PUBACK for an answer. */
  onAnswered(correlationData: Buffer | undefined, reasonCode: number): void {
    const id = readCorrelation(correlationData);
    const open = id === undefined ? undefined : this.#open.get(id);
    if (id === undefined || open === undefined || open.answered) return;
    if (reasonCode >= 0x80) {
      this.faults.refused += 1;
      return;
    }
    open.answered = true;
    this.tally.answered += 1;
    this.#closeWhenDone(id, open);
  }

  /** An answer that is in Kafka as it was published. */
  onAnswerRead(correlationData: Buffer | undefined, nowMs: number): void {
    const id = readCorrelation(correlationData);
    const open = id === undefined ? undefined : this.#open.get(id);
    if (id === undefined || open?.receivedMs === undefined || open.readBack) return;
    open.readBack = true;
    this.tally.readBack += 1;
    this.toReader.add(nowMs - open.receivedMs, nowMs);
    this.#closeWhenDone(id, open);
  }

  #checkOrder(key: string, id: number): void {
    if (id < (this.#lastOfKey.get(key) ?? 0)) this.faults.outOfOrder += 1;
    else this.#lastOfKey.set(key, id);
  }

  #closeWhenDone(id: number, { written, answered, readBack }: Open): void {
    if (written && answered && readBack) this.#open.delete(id);
  }
}

function isSame(received: ReceivedCommand, command: Command): boolean {
  return (
    received.mqttTopic === command.mqttTopic &&
    received.payload.equals(Buffer.from(command.payload)) &&
    received.contentType === command.contentType &&
    received.responseTopic === command.responseTopic &&
    received.userProperties.get('operator') === command.operator &&
    received.userProperties.get('Key') === command.key
  );
}
