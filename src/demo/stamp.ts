/* Every payload of the demo begins with its number, by which it is known again in a PUBACK and in a
 * record. Other messages, such as those that somebody publishes to the demo's broker, have none. A
 * command has its number in its Correlation Data.
 */
const PREFIX = Buffer.from('{"demoId":');
const COMMA = 0x2c;
const DIGIT_0 = 0x30;
const DIGITS_MAX = 15;
/** node-rdkafka writes a header's value as text, so this is no place for bytes. */
const CORRELATION = /^demo-command-([1-9]\d{0,14})$/;

/** JSON with the number first; `fields` has at least one. */
export function stampedJson(id: number, fields: Readonly<Record<string, unknown>>): string {
  return `${PREFIX.toString()}${id},${JSON.stringify(fields).slice(1)}`;
}

/** The number; `undefined` for a payload that is not the demo's. */
export function readStamp(payload: Uint8Array): number | undefined {
  if (payload.length <= PREFIX.length) return undefined;
  if (PREFIX.compare(payload, 0, PREFIX.length) !== 0) return undefined;
  let id = 0;
  for (let digits = 0; digits <= DIGITS_MAX; digits++) {
    const byte = payload[PREFIX.length + digits] ?? 0;
    if (byte === COMMA) return digits === 0 ? undefined : id;
    const digit = byte - DIGIT_0;
    if (digit < 0 || digit > 9) return undefined;
    id = id * 10 + digit;
  }
  return undefined;
}

/** Correlation Data. */
export function correlationOf(id: number): Buffer {
  return Buffer.from(`demo-command-${id}`);
}

/** The number; `undefined` for what is not the demo's. */
export function readCorrelation(bytes: Buffer | undefined): number | undefined {
  const [, digits] = CORRELATION.exec(bytes?.toString('latin1') ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}
