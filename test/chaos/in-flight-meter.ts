/* How many QoS 1 messages a broker had in flight on each connection, counted from the packets that pass a
 * proxy: what may come again when the connection ends, whatever broker and client believe. */
import type { Observer } from '../support/real/proxy.js';

/** In how many seconds before the end a PUBACK may have been sent that the broker never read. */
const UNREAD_SECONDS = 20;
const PUBLISH = 3;
const PUBACK = 4;
const QOS_BITS = 0b110;

/** Cuts one direction into MQTT packets and tells the first byte of each. [MQTT 5, 2.1.4] */
class PacketHeads {
  readonly #onHead: (head: number) => void;
  #head: number | undefined;
  #length = 0;
  #shift = 0;
  /** Of the packet at hand, still to come. */
  #left = 0;

  constructor(onHead: (head: number) => void) {
    this.#onHead = onHead;
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at);
        this.#left -= skipped;
        at += skipped;
        continue;
      }
      const byte = chunk[at++] as number;
      if (this.#head === undefined) {
        this.#head = byte;
        continue;
      }
      this.#length += (byte & 0x7f) * 2 ** this.#shift;
      this.#shift += 7;
      if (byte >= 0x80) continue;
      this.#onHead(this.#head);
      this.#left = this.#length;
      this.#head = undefined;
      this.#length = 0;
      this.#shift = 0;
    }
  }
}

/** Of one connection. */
class ConnectionMeter implements Observer {
  readonly #onClosed: (peak: number) => void;
  readonly #nowMs: () => number;
  readonly #fromServer = new PacketHeads((head) => {
    if (head >> 4 === PUBLISH && (head & QOS_BITS) !== 0) this.#count(1);
  });
  readonly #toServer = new PacketHeads((head) => {
    if (head >> 4 === PUBACK) this.#count(-1);
  });
  /** The most that was in flight in a second; those of the last while. */
  #peaks: { readonly second: number; peak: number }[] = [];
  #inFlight = 0;

  constructor(onClosed: (peak: number) => void, nowMs: () => number) {
    this.#onClosed = onClosed;
    this.#nowMs = nowMs;
  }

  fromServer(chunk: Buffer): void {
    this.#fromServer.push(chunk);
  }

  toServer(chunk: Buffer): void {
    this.#toServer.push(chunk);
  }

  closed(): void {
    this.#count(0);
    this.#onClosed(Math.max(...this.#peaks.map(({ peak }) => peak)));
  }

  #count(change: number): void {
    const second = Math.floor(this.#nowMs() / 1000);
    const last = this.#peaks.at(-1);
    const before = this.#inFlight;
    this.#inFlight += change;
    if (last?.second === second) {
      last.peak = Math.max(last.peak, this.#inFlight);
      return;
    }
    // What was in flight when the second began counts for it too.
    this.#peaks.push({ second, peak: Math.max(before, this.#inFlight) });
    this.#peaks = this.#peaks.filter((one) => one.second >= second - UNREAD_SECONDS);
  }
}

export class InFlightMeter {
  readonly #nowMs: () => number;
  #atEnds = 0;
  #most = 0;

  /** @param nowMs any clock that goes forward */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** What was in flight when connections ended, and so may have come again; summed over them. */
  get atEnds(): number {
    return this.#atEnds;
  }

  /** The most that any of them had. */
  get most(): number {
    return this.#most;
  }

  /** Begins to count on a connection. */
  observe(): Observer {
    return new ConnectionMeter((peak) => {
      this.#atEnds += peak;
      this.#most = Math.max(this.#most, peak);
    }, this.#nowMs);
  }
}
