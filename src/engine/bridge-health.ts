/* What the parts of one bridge last said about themselves, for /readyz. */
import type { RouteCounters } from '../metrics/counters.js';
import type { ConnectorHealth, SessionHealth, ShardHealth } from './health.js';

export class BridgeHealth {
  readonly #connector: string;
  readonly #sessions = new Map<string, SessionHealth>();
  readonly #shards = new Map<number, ShardHealth>();

  constructor(connector: string) {
    this.#connector = connector;
  }

  sessionConnected(session: string): void {
    this.#sessions.set(session, { session, state: 'connected', detail: '' });
  }

  sessionConnecting(session: string, detail: string): void {
    this.#sessions.set(session, { session, state: 'connecting', detail });
  }

  sessionStopped(session: string, detail: string): void {
    this.#sessions.set(session, { session, state: 'stopped', detail });
  }

  /** It is nobody's concern any more. */
  sessionRetired(session: string): void {
    this.#sessions.delete(session);
  }

  shardStarting(shard: number): void {
    this.#shards.set(shard, { shard, state: 'starting', detail: '' });
  }

  shardUp(shard: number): void {
    this.#shards.set(shard, { shard, state: 'up', detail: '' });
  }

  shardDown(shard: number, detail: string): void {
    this.#shards.set(shard, { shard, state: 'down', detail });
  }

  report(routes: readonly RouteCounters[]): ConnectorHealth {
    return {
      connector: this.#connector,
      sessions: [...this.#sessions.values()],
      shards: [...this.#shards.values()],
      routes: routes.map(({ route, deliveriesHeldNow, heldDetail }) => ({
        route,
        deliveriesHeld: deliveriesHeldNow,
        detail: heldDetail,
      })),
    };
  }
}
