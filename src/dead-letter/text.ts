/* Letters as text for a terminal. What devices have sent may hold control characters that move the
 * cursor, change the title or turn the direction of writing: every such character is escaped.
 */
import type { KafkaHeader, StoredMeta } from './letter.js';
import type { LetterSummary, OpenLetter } from './reader.js';

/** Controls, formatting (which turns writing round), line separators, lone surrogates, private. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const cellCharactersMax = 60;
const hexLineBytes = 16;

/** One line, with nothing in it that a terminal acts upon; a backslash is doubled. */
export function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replace(unsafe, (character) => {
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
    return known ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** JSON that a terminal shows as it is. */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(unsafe, (character) =>
    // JSON.stringify has escaped what is below U+0020 in strings; these newlines are its own.
    character === '\n' ? character : [...utf16(character)].map(jsonEscape).join(''),
  );
}

/** A table with a line for each letter, newline at the end, safe for a terminal. */
export function letterTable(letters: readonly LetterSummary[]): string {
  const rows = letters.map((letter) => {
    if (letter.state === 'damaged') {
      const time = new Date(Number(letter.id.slice(0, 14))).toISOString();
      return [letter.id, time, '', '', '', String(letter.fileBytes), `damaged: ${letter.problem}`];
    }
    const { meta, payloadBytes } = letter;
    const topic = cameFrom(meta);
    const reason = `${meta.reason.code}: ${meta.reason.message}`;
    const time = isoTime(meta.timeMs);
    return [letter.id, time, meta.connector, meta.route ?? '', topic, String(payloadBytes), reason];
  });
  const head = ['ID', 'TIME', 'CONNECTOR', 'ROUTE', 'TOPIC', 'BYTES', 'REASON'];
  const cells = [head, ...rows.map((row) => row.map((cell) => clip(escapeText(cell))))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, n) => cell.padEnd(widths[n] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** For `list --json`. */
export function letterJson(letter: LetterSummary): unknown {
  const { id, fileBytes, state } = letter;
  if (letter.state === 'damaged') return { id, fileBytes, state, problem: letter.problem };
  const { meta, payloadBytes } = letter;
  const { timeMs, connector, route, direction, reason, mqtt, kafka } = meta;
  const record = kafka && {
    topic: kafka.topic,
    partition: kafka.partition,
    ...(direction === 'mqttToKafka'
      ? { acks: kafka.acks }
      : { offset: kafka.offset, timestampMs: kafka.timestampMs }),
  };
  const time = isoTime(timeMs);
  const origin = { connector, route, direction, reason, mqtt, kafka: record };
  return { id, time, fileBytes, state, payloadBytes, ...origin };
}

/** Everything but the payload. */
export function letterText(letter: OpenLetter): string {
  const { id, meta, payloadBytes } = letter;
  const { mqtt, kafka } = meta;
  const lines: [string, string][] = [
    ['id', id],
    ['time', isoTime(meta.timeMs)],
    ['connector', meta.connector],
    ['route', meta.route ?? '-'],
    ['direction', meta.direction],
    ['reason', `${meta.reason.code}: ${meta.reason.message}`],
  ];
  if (mqtt !== undefined) {
    lines.push(['MQTT topic', mqtt.topic], ['QoS', String(mqtt.qos)]);
    lines.push(['retain', String(mqtt.retain)]);
    if (mqtt.packetId !== undefined) lines.push(['packet identifier', String(mqtt.packetId)]);
  }
  if (kafka !== undefined) {
    lines.push(['Kafka topic', kafka.topic]);
    if (meta.direction === 'mqttToKafka') lines.push(['acks', kafka.acks]);
    lines.push(['partition', kafka.partition === undefined ? 'by key' : String(kafka.partition)]);
    if (kafka.offset !== undefined) lines.push(['offset', String(kafka.offset)]);
    if (kafka.timestampMs !== undefined) lines.push(['timestamp', isoTime(kafka.timestampMs)]);
    lines.push(['key', kafka.key === null ? '(none)' : shortBytes(kafka.key)]);
  }
  lines.push(...(kafka?.headers ?? []).map(headerLine));
  lines.push(['payload bytes', String(payloadBytes)]);
  return lines.map(([name, value]) => `${`${name}:`.padEnd(19)}${escapeText(value)}\n`).join('');
}

/** `head` is the beginning of a payload of `payloadBytes`: text where it is text, else hex. */
export function payloadText(head: Uint8Array, payloadBytes: number): string {
  const text = printable(head, head.byteLength < payloadBytes);
  const shown = text === undefined ? hexDump(head) : escapeLines(text);
  const end = shown === '' || shown.endsWith('\n') ? '' : '\n';
  const more = payloadBytes - head.byteLength;
  return `${shown}${end}${more > 0 ? `... and ${more} bytes more; --raw writes all of them\n` : ''}`;
}

/** Sixteen bytes a line: offset, hex, ASCII; empty for no bytes. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let start = 0; start < bytes.byteLength; start += hexLineBytes) {
    const slice = [...bytes.subarray(start, start + hexLineBytes)];
    const hex = slice.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = slice.map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    );
    const offset = start.toString(16).padStart(8, '0');
    lines.push(`${offset}  ${hex.padEnd(hexLineBytes * 3)} ${text.join('')}\n`);
  }
  return lines.join('');
}

function headerLine([name, value]: KafkaHeader): [string, string] {
  return ['header', `${name} = ${value === null ? '(null)' : shortBytes(value)}`];
}

/** What the message was read from. */
function cameFrom({ direction, mqtt, kafka }: StoredMeta): string {
  if (direction === 'mqttToKafka') return mqtt?.topic ?? kafka?.topic ?? '';
  if (kafka === undefined) return mqtt?.topic ?? '';
  return `${kafka.topic}[${kafka.partition ?? '?'}] offset ${kafka.offset ?? '?'}`;
}

function shortBytes(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 1024);
  const text = printable(head, head.byteLength < bytes.byteLength);
  const shown = text ?? `0x${Buffer.from(head).toString('hex')}`;
  return head.byteLength < bytes.byteLength ? `${shown}... (${bytes.byteLength} bytes)` : shown;
}

/** UTF-8 without control characters other than of white space; a last character may be cut off. */
function printable(bytes: Uint8Array, cut: boolean): string | undefined {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const text = decoder.decode(bytes, { stream: cut });
    return /[^\P{Cc}\t\n\r]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function escapeLines(text: string): string {
  return text.split('\n').map(escapeText).join('\n');
}

/** A stored time can be any number. */
function isoTime(timeMs: number): string {
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : String(timeMs);
}

function clip(text: string): string {
  return text.length <= cellCharactersMax ? text : `${text.slice(0, cellCharactersMax - 3)}...`;
}

function* utf16(character: string): Generator<number> {
  for (let index = 0; index < character.length; index += 1) yield character.charCodeAt(index);
}

function jsonEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
