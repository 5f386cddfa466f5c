/* The rules of /livez and /readyz, as pure functions of what the parts say about themselves.
 *
 * Live: the process can still get well on its own, so that a restart would only cost time. A broker
 * or a Kafka that is away, a session that another client has taken over, a delivery that is held:
 * all live. Only an engine that has given up is not.
 *
 * Ready: everything that the configuration asks for is at work, now.
 */

export type EngineState = 'starting' | 'running' | 'draining' | 'failed';

export interface SessionHealth {
  /** The client identifier, which comes from the configuration. */
  readonly session: string;
  readonly state: 'connected' | 'subscribing' | 'connecting' | 'stopped';
  /** What went wrong last, for people; empty where nothing did. */
  readonly detail: string;
}

/** A subscription that the broker refuses. */
export interface SubscriptionHealth {
  readonly session: string;
  readonly topicFilter: string;
  /** Those that get nothing of it. */
  readonly routes: readonly string[];
  readonly detail: string;
}

export interface ShardHealth {
  readonly shard: number;
  readonly state: 'up' | 'starting' | 'down' | 'dead';
  readonly detail: string;
  /** For how long the loop of its worker has not turned, in seconds; 0 where it turns. */
  readonly silentSeconds: number;
}

export interface RouteHealth {
  readonly route: string;
  /** Kafka topics, by shard, and dead letters that are held and tried again. */
  readonly holds: number;
  readonly detail: string;
  /** What keeps it from reading; undefined where nothing does. */
  readonly trouble: string | undefined;
}

/** New values of secrets that are not in service. */
export interface CredentialsHealth {
  readonly side: 'kafka' | 'mqtt';
  readonly detail: string;
}

export interface ConnectorHealth {
  readonly connector: string;
  readonly sessions: readonly SessionHealth[];
  readonly refused: readonly SubscriptionHealth[];
  readonly shards: readonly ShardHealth[];
  readonly unansweredRecords: readonly UnansweredRecords[];
  readonly unansweredPublishes: readonly UnansweredPublishes[];
  /** Why there is no access token for Kafka, or no newer one; undefined where all is well with it. */
  readonly accessToken: string | undefined;
  readonly routes: readonly RouteHealth[];
  readonly credentials: readonly CredentialsHealth[];
}

/** Records that Kafka has had for too long without a word, over an open connection. */
export interface UnansweredRecords {
  readonly shard: number;
  readonly seconds: number;
  readonly detail: string;
}

/** The same of PUBLISHes and their broker. */
export interface UnansweredPublishes {
  readonly session: string;
  readonly seconds: number;
}

export interface HealthInput {
  readonly engine: EngineState;
  /** Why the engine has failed; left out: it has not. */
  readonly failure?: string | undefined;
  /** What kept the main thread from its work a short while ago; left out: nothing. */
  readonly stall?: string | undefined;
  readonly connectors: readonly ConnectorHealth[];
}

export interface HealthReason {
  /** Empty where the whole process is meant. */
  readonly connector: string;
  /** Such as `session my-prefix-my-connector-0`, `shard 1`, `route route1`, `engine`. */
  readonly part: string;
  readonly message: string;
}

export interface Health {
  readonly live: boolean;
  readonly ready: boolean;
  /** Why it is not ready; empty where it is. */
  readonly reasons: readonly HealthReason[];
}

/** Live and ready, with the reason for each part that is not: what `/livez` and `/readyz` answer. */
export function judgeHealth({ engine, failure, stall, connectors }: HealthInput): Health {
  const reasons = [
    ...engineReasons(engine, failure),
    ...(stall === undefined ? [] : [{ connector: '', part: 'main thread', message: stall }]),
    ...connectors.flatMap((connector) => [
      ...connector.sessions.flatMap((session) => sessionReasons(connector.connector, session)),
      ...connector.refused.map((refused) => refusedReason(connector.connector, refused)),
      ...connector.shards.flatMap((shard) => shardReasons(connector.connector, shard)),
      ...unansweredReasons(connector),
      ...accessTokenReasons(connector),
      ...connector.routes.flatMap((route) => routeReasons(connector.connector, route)),
      ...connector.credentials.map((each) => credentialsReason(connector.connector, each)),
    ]),
  ];
  return { live: engine !== 'failed', ready: reasons.length === 0, reasons };
}

function engineReasons(state: EngineState, failure = ''): HealthReason[] {
  if (state === 'running') return [];
  const message = {
    starting: 'starting',
    draining: 'draining: what is in flight settles, nothing new is read',
    failed: 'has given up; only a restart helps',
  }[state];
  return [{ connector: '', part: 'engine', message: because(message, failure) }];
}

function sessionReasons(connector: string, { session, state, detail }: SessionHealth) {
  if (state === 'connected') return [];
  const what = {
    subscribing: 'subscribing: the MQTT broker has not answered every SUBSCRIBE',
    connecting: 'not connected to the MQTT broker',
    stopped: 'stopped for good',
  }[state];
  return [{ connector, part: `session ${session}`, message: because(what, detail) }];
}

function refusedReason(connector: string, refused: SubscriptionHealth): HealthReason {
  const { session, topicFilter, routes, detail } = refused;
  const what =
    `the broker refuses the subscription ${JSON.stringify(topicFilter)} ` +
    `(${routes.map((route) => `route ${route}`).join(', ')}) and is asked again`;
  return { connector, part: `session ${session}`, message: because(what, detail) };
}

function shardReasons(
  connector: string,
  { shard, state, detail, silentSeconds }: ShardHealth,
): HealthReason[] {
  const part = `shard ${shard}`;
  const reasons: HealthReason[] = [];
  if (silentSeconds > 0) {
    const message = `its worker has done nothing for ${silentSeconds} s; if it stays so, it is replaced`;
    reasons.push({ connector, part, message });
  }
  if (state === 'up') return reasons;
  const what = {
    starting: 'its worker starts',
    down: 'no Kafka broker answers',
    dead: 'its worker died, and another one starts',
  }[state];
  return [...reasons, { connector, part, message: because(what, detail) }];
}

function unansweredReasons(health: ConnectorHealth): HealthReason[] {
  const { connector, unansweredRecords, unansweredPublishes } = health;
  return [
    ...unansweredRecords.map(({ shard, seconds, detail }) => {
      const what = `Kafka is connected, and has said nothing of a record for ${seconds} s`;
      return { connector, part: `shard ${shard}`, message: because(what, detail) };
    }),
    ...unansweredPublishes.map(({ session, seconds }) => {
      const message = `the MQTT broker has not acknowledged a PUBLISH for ${seconds} s; it is not sent again over this connection`;
      return { connector, part: `session ${session}`, message };
    }),
  ];
}

function accessTokenReasons({ connector, accessToken }: ConnectorHealth): HealthReason[] {
  if (accessToken === undefined) return [];
  return [{ connector, part: 'managed identity', message: accessToken }];
}

function routeReasons(
  connector: string,
  { route, holds, detail, trouble }: RouteHealth,
): HealthReason[] {
  const part = `route ${route}`;
  const reasons: HealthReason[] = [];
  if (trouble !== undefined) {
    reasons.push({ connector, part, message: `it cannot read from Kafka: ${trouble}` });
  }
  if (holds > 0) {
    const several = holds === 1 ? '' : `, for ${holds} reasons, the last`;
    const what = `messages are held and tried again${several}`;
    reasons.push({ connector, part, message: because(what, detail) });
  }
  return reasons;
}

/** Its connections work, but not with what the configuration asks for by now. */
function credentialsReason(connector: string, { side, detail }: CredentialsHealth): HealthReason {
  const whom = { kafka: 'Kafka', mqtt: 'MQTT' }[side];
  const what = 'new values are not in service, and those before are';
  return { connector, part: `credentials for ${whom}`, message: because(what, detail) };
}

function because(what: string, detail: string): string {
  return detail === '' ? what : `${what}: ${detail}`;
}
