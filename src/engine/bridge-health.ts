/* What the parts of one bridge last said about themselves, for /readyz. */
import type { RouteCounters } from '../metrics/counters.js';
import type {
  ConnectorHealth,
  CredentialsHealth,
  SessionHealth,
  ShardHealth,
  SubscriptionHealth,
} from './health.js';

export class BridgeHealth {
  readonly #connector: string;
  readonly #sessions = new Map<string, SessionHealth>();
  readonly #shards = new Map<number, ShardHealth>();
  readonly #unanswered = new Map<number, ConnectorHealth['unansweredRecords'][number]>();
  readonly #pubacks = new Map<string, ConnectorHealth['unansweredPublishes'][number]>();
  /** Workers that do nothing, and for how many seconds. */
  readonly #silent = new Map<number, number>();
  /** By session, then by topic filter: what the broker refuses. */
  readonly #refused = new Map<string, Map<string, SubscriptionHealth>>();
  /** By route. */
  readonly #troubles = new Map<string, string>();
  #accessToken: string | undefined;
  readonly #credentials = new Map<CredentialsHealth['side'], string>();

  constructor(connector: string) {
    this.#connector = connector;
  }

  sessionConnected(session: string): void {
    this.#sessions.set(session, { session, state: 'connected', detail: '' });
  }

  /** Connected, but the broker has not said yet what it grants. */
  sessionSubscribing(session: string): void {
    this.#sessions.set(session, { session, state: 'subscribing', detail: '' });
  }

  sessionConnecting(session: string, detail: string): void {
    this.#refused.delete(session);
    this.#sessions.set(session, { session, state: 'connecting', detail });
  }

  sessionStopped(session: string, detail: string): void {
    this.#refused.delete(session);
    this.#sessions.set(session, { session, state: 'stopped', detail });
  }

  subscriptionRefused(subscription: SubscriptionHealth): void {
    const { session, topicFilter } = subscription;
    const refused = this.#refused.get(session) ?? new Map<string, SubscriptionHealth>();
    this.#refused.set(session, refused.set(topicFilter, subscription));
  }

  subscriptionGranted(session: string, topicFilter: string): void {
    this.#refused.get(session)?.delete(topicFilter);
  }

  /** What keeps a route from reading; undefined: nothing does any more. */
  routeTrouble(route: string, detail: string | undefined): void {
    if (detail === undefined) this.#troubles.delete(route);
    else this.#troubles.set(route, detail);
  }

  /** Why there is no access token, or no newer one; undefined: all is well. */
  accessTokenTrouble(detail: string | undefined): void {
    this.#accessToken = detail;
  }

  /** Why new values are not in service; undefined: the newest are. */
  credentialsTrouble(side: CredentialsHealth['side'], detail: string | undefined): void {
    if (detail === undefined) this.#credentials.delete(side);
    else this.#credentials.set(side, detail);
  }

  /** It is nobody's concern any more. */
  sessionRetired(session: string): void {
    this.#pubacks.delete(session);
    this.#sessions.delete(session);
  }

  shardStarting(shard: number): void {
    this.#shardIs(shard, 'starting', '');
  }

  shardUp(shard: number): void {
    this.#shardIs(shard, 'up', '');
  }

  /** No Kafka broker answers it. */
  shardDown(shard: number, detail: string): void {
    this.#shardIs(shard, 'down', detail);
  }

  /** Its worker died. */
  shardDead(shard: number, detail: string): void {
    this.#unanswered.delete(shard);
    this.#shardIs(shard, 'dead', detail);
  }

  /** Its worker has done nothing for so many seconds; 0: it does again. */
  shardSilent(shard: number, seconds: number): void {
    if (seconds === 0) this.#silent.delete(shard);
    else this.#silent.set(shard, seconds);
  }

  /** For how long Kafka has said nothing of a record of it, in seconds; 0: it does. */
  shardUnanswered(shard: number, seconds: number, detail: string): void {
    if (seconds === 0) this.#unanswered.delete(shard);
    else this.#unanswered.set(shard, { shard, seconds, detail });
  }

  /** The same of the broker of a session and a PUBLISH. */
  sessionUnanswered(session: string, seconds: number): void {
    if (seconds === 0) this.#pubacks.delete(session);
    else this.#pubacks.set(session, { session, seconds });
  }

  #shardIs(shard: number, state: ShardHealth['state'], detail: string): void {
    this.#shards.set(shard, { shard, state, detail, silentSeconds: 0 });
  }

  report(routes: readonly RouteCounters[]): ConnectorHealth {
    return {
      connector: this.#connector,
      sessions: [...this.#sessions.values()],
      refused: [...this.#refused.values()].flatMap((refused) => [...refused.values()]),
      shards: [...this.#shards.values()].map((each) => ({
        ...each,
        silentSeconds: this.#silent.get(each.shard) ?? 0,
      })),
      unansweredRecords: [...this.#unanswered.values()],
      unansweredPublishes: [...this.#pubacks.values()],
      accessToken: this.#accessToken,
      routes: routes.map(({ route, holdsNow, heldDetail }) => ({
        route,
        holds: holdsNow,
        detail: heldDetail,
        trouble: this.#troubles.get(route),
      })),
      credentials: [...this.#credentials].map(([side, detail]) => ({ side, detail })),
    };
  }
}
