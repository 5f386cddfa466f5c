/* MQTT topic names that are made from the record: `${key}`, `${partition}`, `${header.NAME}`, and
 * `${kafkaTopic}`, which Azure IoT Operations calls `${inputTopic}` and which is the same for every
 * record of a route. Compiled once; pure.
 */
import { writeDecimal } from './decimal.js';
import { isMqttText, MQTT_TEXT_BYTES_MAX, wildcardIn } from './mqtt-text.js';
import {
  findLastHeader,
  headerIsNull,
  headerValueBytes,
  headerValueStart,
  type RecordBytes,
} from './record-bytes.js';
import { compileParts, nameAfter } from './template-parts.js';

type Part =
  | { readonly kind: 'text'; readonly bytes: Uint8Array }
  | { readonly kind: 'key' }
  | { readonly kind: 'partition' }
  | { readonly kind: 'header'; readonly name: string; readonly bytes: Uint8Array };

export interface MqttTopicTemplate {
  readonly source: string;
  readonly parts: readonly Part[];
  /** The name, where it is the same for every record. */
  readonly constant: string | undefined;
}

const utf8 = new TextEncoder();
const FIRST_BYTES = 256;
const PARTITION_DIGITS_MAX = 10;

/** Compiles a valid template; config/rules/names.ts says which are. */
export function compileMqttTopic(source: string, kafkaTopic: string): MqttTopicTemplate {
  const parts = compileParts(source, (variable) => variableOf(variable, kafkaTopic));
  const isConstant = parts.every((part) => part.kind === 'text');
  return {
    source,
    parts: parts.map((part) =>
      part.kind === 'text' ? { kind: 'text', bytes: utf8.encode(part.text) } : part,
    ),
    constant: isConstant ? parts.map((part) => part.text).join('') : undefined,
  };
}

function variableOf(variable: string, kafkaTopic: string) {
  switch (variable) {
    case 'key':
      return { kind: 'key' } as const;
    case 'partition':
      return { kind: 'partition' } as const;
    case 'kafkaTopic':
    case 'inputTopic':
      return { kind: 'text', text: kafkaTopic } as const;
  }
  const name = nameAfter('header', variable);
  if (name === undefined) return undefined;
  return { kind: 'header', name, bytes: utf8.encode(name) } as const;
}

/** Writes topic names into memory of its own, one at a time. */
export class MqttTopicWriter {
  bytes = new Uint8Array(FIRST_BYTES);
  /** How many of `bytes` the name takes. */
  length = 0;
  /** Why the record has no topic that could be published to; after `write`, `fill` or `isTopicName` said false. */
  fault = '';
  readonly #digits = new Uint8Array(PARTITION_DIGITS_MAX);

  /** Whether `bytes` now begins with the topic name that `template` gives for the record. */
  write(template: MqttTopicTemplate, record: RecordBytes): boolean {
    return this.fill(template, record) && this.isTopicName();
  }

  /** As `write`, but whether that is a name that MQTT allows is not looked at. */
  fill(template: MqttTopicTemplate, record: RecordBytes): boolean {
    this.length = 0;
    for (const part of template.parts) if (!this.#put(part, record)) return false;
    return true;
  }

  /** What `write` has written. */
  get name(): string {
    return Buffer.from(this.bytes.buffer, 0, this.length).toString('utf8');
  }

  /** Whether what `fill` has written is a topic name. */
  isTopicName(): boolean {
    const { bytes, length } = this;
    if (length === 0) return this.#refuse('the MQTT topic would be empty');
    if (!isMqttText(bytes, 0, length)) {
      const nul = bytes.indexOf(0);
      if (nul >= 0 && nul < length) return this.#refuse('the MQTT topic would have U+0000 in it');
      return this.#refuse('the MQTT topic would not be UTF-8');
    }
    const wildcard = wildcardIn(bytes, 0, length);
    return wildcard === undefined || this.#refuse(`the MQTT topic would have ${wildcard} in it`);
  }

  #put(part: Part, record: RecordBytes): boolean {
    switch (part.kind) {
      case 'text':
        return this.#copy(part.bytes, 0, part.bytes.length);
      case 'key':
        if (record.keyBytes < 0) return this.#refuse('the record has no key');
        return this.#copy(record.bytes, record.keyStart, record.keyBytes);
      case 'partition':
        return this.#copy(this.#digits, 0, writeDecimal(this.#digits, 0, record.partition));
      case 'header':
        return this.#putHeader(part.name, part.bytes, record);
    }
  }

  #putHeader(name: string, nameBytes: Uint8Array, record: RecordBytes): boolean {
    const { bytes } = record;
    const header = findLastHeader(record, nameBytes);
    if (header < 0) return this.#refuse(`the record has no header ${JSON.stringify(name)}`);
    if (headerIsNull(bytes, header)) {
      return this.#refuse(`the header ${JSON.stringify(name)} has no value`);
    }
    return this.#copy(bytes, headerValueStart(bytes, header), headerValueBytes(bytes, header));
  }

  #copy(source: Uint8Array, start: number, count: number): boolean {
    const end = this.length + count;
    if (end > MQTT_TEXT_BYTES_MAX) {
      return this.#refuse(
        `the MQTT topic would have ${end} bytes or more; at most ${MQTT_TEXT_BYTES_MAX}`,
      );
    }
    if (end > this.bytes.length) this.#grow(end);
    const { bytes } = this;
    for (let i = 0; i < count; i++) bytes[this.length + i] = source[start + i] as number;
    this.length = end;
    return true;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.min(2 * needed, MQTT_TEXT_BYTES_MAX));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  #refuse(fault: string): false {
    this.fault = fault;
    return false;
  }
}
