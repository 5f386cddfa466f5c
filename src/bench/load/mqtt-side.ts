/* The MQTT side of a run: where the generator's connections come from, and who is at their other end. */
import type { LoadConnection } from './connection.js';
import type { FeedRun } from './feed-run.js';
import type { LoadRun } from './load-run.js';

export interface MqttSide {
  /** Opens it; gives where the connector is to dial, `HOST:PORT`. Rejects where that cannot be done. */
  open(): Promise<string>;
  /** Those that may be loaded, in the order in which they are dealt to. */
  readonly connections: readonly LoadConnection[];
  /** The connector takes what is published. */
  readonly isReady: boolean;
  close(): void;
}

export interface SideContext {
  readonly loadRun: LoadRun | undefined;
  readonly feedRun: FeedRun | undefined;
  /** The Receive Maximum that this side gives. */
  readonly receiveMaximum: number;
  /** Something was settled, or it has become ready. */
  readonly onProgress: (nowMs: number) => void;
  /** A connection has closed, and is no longer among them. */
  readonly onLost: (connection: LoadConnection) => void;
  readonly onFailed: (message: string) => void;
}
