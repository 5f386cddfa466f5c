/* Writes commands to Kafka with node-rdkafka, as any other program would: what MQTT is to make
 * properties of are headers.
 */
import kafka from 'node-rdkafka';
import { OperatingError } from '../base/errors.js';
import type { Command } from './commands.js';
import type { CommandWriter } from './operator.js';

const CONNECT_TIMEOUT_MS = 10_000;
const FLUSH_TIMEOUT_MS = 1_000;
/** How often delivery reports are asked for. */
const POLL_MS = 20;

type OnReport = (isWritten: boolean) => void;

export class KafkaWriter implements CommandWriter {
  readonly #topic: string;
  readonly #producer: kafka.Producer;

  constructor(bootstrapServers: string, topic: string) {
    this.#topic = topic;
    const settings = { 'bootstrap.servers': bootstrapServers, dr_cb: true };
    this.#producer = new kafka.Producer(settings, { acks: -1 });
  }

  async connect(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#producer.connect({ timeout: CONNECT_TIMEOUT_MS }, (error) => {
        if (error) reject(new OperatingError('ERR_DEMO_WRITER', error.message));
        else resolve();
      });
    });
    this.#producer.setPollInterval(POLL_MS);
    this.#producer.on('delivery-report', (error, { opaque }) => {
      (opaque as OnReport)(!error);
    });
  }

  write(command: Command, onReport: OnReport): void {
    const { key, payload, contentType, responseTopic, correlationData, operator } = command;
    const headers = [
      { 'Content Type': contentType },
      { 'Response Topic': responseTopic },
      { 'Correlation Data': correlationData },
      { operator },
    ];
    const value = Buffer.from(payload);
    try {
      this.#producer.produce(this.#topic, null, value, key, null, onReport, headers);
    } catch {
      // Its queue is full.
      onReport(false);
    }
  }

  async close(): Promise<void> {
    if (!this.#producer.isConnected()) return;
    await new Promise<void>((resolve) => this.#producer.flush(FLUSH_TIMEOUT_MS, () => resolve()));
    await new Promise<void>((resolve) => this.#producer.disconnect(() => resolve()));
  }
}
