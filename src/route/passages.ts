/* What a record's header `Millrace` means for one route: which headers stand for something of MQTT, and
 * the path, with this hop behind it. Few such headers occur, so that they are known by their bytes.
 */
import { LISTED, ORIGIN } from './built-ins.js';
import { extendPath, hasPassed, parseMillraceHeader } from './origin.js';
import { sameBytes, USER_PROPERTY } from './properties.js';

/** What the header of a record says, made once for each different one. */
export interface Passage {
  /** Bits of the headers that the header lists. */
  readonly listed: number;
  /** Whether the message has come through this route before. */
  readonly looped: boolean;
  /** The user property `Millrace-Origin` as it goes on: identifier, name and value. */
  readonly origin: Uint8Array;
}

const PLACES = 256;
/** Longer headers are read anew each time. */
const KEPT_BYTES_MAX = 1_024;
/** A longer one is none of ours: 16 hops of the longest names take less. */
const HEADER_BYTES_MAX = 131_072;

interface Kept {
  readonly bytes: Uint8Array;
  readonly passage: Passage | undefined;
}

export class Passages {
  readonly #through: string;
  readonly #kept = new Array<Kept | undefined>(PLACES).fill(undefined);
  /** Of a record that says nothing of where it has been. */
  readonly first: Passage;

  /** @param through this route as a hop: route/origin.ts */
  constructor(through: string) {
    this.#through = through;
    this.first = { listed: 0, looped: false, origin: originProperty(through) };
  }

  /** What the value of a header `Millrace` says; undefined where it is none that we wrote. */
  find(bytes: Uint8Array, start: number, end: number): Passage | undefined {
    if (end - start > KEPT_BYTES_MAX) return this.#read(bytes, start, end);
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const kept = this.#kept[place];
    if (kept?.bytes.length === end - start && sameBytes(bytes, start, kept.bytes)) {
      return kept.passage;
    }
    const passage = this.#read(bytes, start, end);
    this.#kept[place] = { bytes: bytes.slice(start, end), passage };
    return passage;
  }

  #read(bytes: Uint8Array, start: number, end: number): Passage | undefined {
    if (end - start > HEADER_BYTES_MAX) return undefined;
    const header = parseMillraceHeader(textOf(bytes, start, end));
    if (header === undefined) return undefined;
    const listed = LISTED.filter(({ name }) => header.properties.includes(name));
    return this.#after(
      header.path,
      listed.reduce((set, { bit }) => set | bit, 0),
    );
  }

  /** Of a record whose path stands in a header `Millrace-Origin`, as other bridges write it. */
  afterOrigin(bytes: Uint8Array, start: number, end: number): Passage {
    if (end - start > HEADER_BYTES_MAX) return this.first;
    return this.#after(textOf(bytes, start, end), 0);
  }

  #after(path: string, listed: number): Passage {
    const origin = originProperty(extendPath(path, this.#through));
    return { listed, looped: hasPassed(path, this.#through), origin };
  }
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** A path is ASCII and short enough for a user property. */
function originProperty(path: string): Uint8Array {
  const name = ORIGIN.bytes;
  const property = Buffer.alloc(5 + name.length + path.length);
  property[0] = USER_PROPERTY;
  property.writeUInt16BE(name.length, 1);
  property.set(name, 3);
  property.writeUInt16BE(path.length, 3 + name.length);
  property.write(path, 5 + name.length, 'latin1');
  return property;
}
