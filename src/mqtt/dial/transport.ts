/* Transport: what carries the bytes of one connection, whatever it is made of, and how one is asked for. */

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** For all that comes before the first packet: names, TCP, TLS, WebSocket. */
  readonly timeoutMs: number;
  /** The largest packet that may come. */
  readonly packetBytesMax: number;
  /** Where the next bytes shall go: never empty. */
  readonly nextBuffer: () => Uint8Array;
  /** `bytes` of them went to the start of the last `nextBuffer`. */
  readonly onBytes: (bytes: number) => void;
  /** So many bytes came that are no packets yet: a part of something larger. */
  readonly onHeard: (bytes: number) => void;
  readonly onConnected: () => void;
  /** The kernel has taken all that was written, after it had not. */
  readonly onDrained: () => void;
  /** Once, whatever came before; `error` is undefined when the other side just closed. */
  readonly onClosed: (error: Error | undefined) => void;
}

export interface Transport {
  /** Whether `onConnected` is yet to come. */
  readonly connecting: boolean;
  /** What `write` was given so far. */
  readonly bytesWritten: number;
  /** How much of that is not with the kernel. */
  readonly writableLength: number;
  /** Changes while a write is under way that the kernel takes bit by bit. */
  readonly writeQueueBytes: number;
  /** Takes bytes, which stay as they are until they are sent. */
  write(bytes: Uint8Array): void;
  /** Sends what was written, says that there is no more, and closes when the other side has. */
  end(): void;
  /** No bytes are wanted; some of those that were read already may still come. */
  pause(): void;
  resume(): void;
  destroy(error?: Error): void;
}

/** Dials; what comes of it is told by the callbacks, never before it has returned. */
export type Dial = (options: DialOptions) => Transport;
