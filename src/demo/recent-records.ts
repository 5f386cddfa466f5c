import { bytes, printable } from './format.js';
import type { ReadRecord } from './reconcile.js';

/** Of each topic. */
export const RECENT_RECORDS = 3;
/** Of a payload: enough for a line. */
const PREVIEW_BYTES = 120;
/** A payload above this is shown by its size. */
const TEXT_BYTES_MAX = 4096;

type Recent = Omit<ReadRecord, 'payload'> & { readonly bytes: number; readonly preview: Buffer };

/** The last records of each Kafka topic, so that many do not hide few. Holds no payloads. */
export class RecentRecords {
  readonly #byTopic = new Map<string, Recent[]>();

  /** Topics that are shown first, in this order. */
  constructor(topics: readonly string[]) {
    for (const topic of topics) this.#byTopic.set(topic, []);
  }

  add({ payload, ...record }: ReadRecord): void {
    const recent = this.#byTopic.get(record.kafkaTopic) ?? [];
    this.#byTopic.set(record.kafkaTopic, recent);
    const preview = Buffer.from(payload.subarray(0, PREVIEW_BYTES));
    recent.push({ ...record, bytes: payload.length, preview });
    if (recent.length > RECENT_RECORDS) recent.shift();
  }

  /** A list for each topic that has any, the newest first. */
  lines(): string[][] {
    const some = [...this.#byTopic.values()].filter((recent) => recent.length > 0);
    return some.map((recent) => recent.toReversed().map(lineOf));
  }
}

function lineOf(record: Recent): string {
  const place = `${record.kafkaTopic}[${record.partition}]@${record.offset}`;
  const [firstLine = ''] = record.preview.toString().split('\n');
  const size = record.bytes > TEXT_BYTES_MAX ? `${bytes(record.bytes)} ` : '';
  return printable(`${place.padEnd(20)} ${record.mqttTopic.padEnd(38)} ${size}${firstLine}`);
}
