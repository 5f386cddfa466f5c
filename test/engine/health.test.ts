import t from 'tap';
import { type ConnectorHealth, judgeHealth, type ShardHealth } from '../../src/engine/health.js';

const well: ConnectorHealth = {
  connector: 'my-connector',
  sessions: [{ session: 'session-0', state: 'connected', detail: '' }],
  refused: [],
  shards: [{ shard: 0, state: 'up', detail: '', silentSeconds: 0 }],
  unansweredRecords: [],
  unansweredPublishes: [],
  accessToken: undefined,
  routes: [{ route: 'route1', holds: 0, detail: '', trouble: undefined }],
  credentials: [],
};

function shardIs(ill: Partial<ShardHealth>): Partial<ConnectorHealth> {
  return { shards: [{ shard: 1, state: 'up', detail: '', silentSeconds: 0, ...ill }] };
}

/** What is ill, and the reason that it makes. */
const cases: [Partial<ConnectorHealth>, string, string][] = [
  [
    { sessions: [{ session: 'session-0', state: 'subscribing', detail: '' }] },
    'session session-0',
    'subscribing: the MQTT broker has not answered every SUBSCRIBE',
  ],
  [
    { sessions: [{ session: 'session-0', state: 'connecting', detail: 'ECONNREFUSED' }] },
    'session session-0',
    'not connected to the MQTT broker: ECONNREFUSED',
  ],
  [
    { sessions: [{ session: 'session-0', state: 'stopped', detail: 'Session taken over' }] },
    'session session-0',
    'stopped for good: Session taken over',
  ],
  [
    {
      refused: [
        {
          session: 'session-0',
          topicFilter: 'plant/#',
          routes: ['route1', 'route2'],
          detail: '0x87 Not authorized',
        },
      ],
    },
    'session session-0',
    'the broker refuses the subscription "plant/#" (route route1, route route2) and is asked again: ' +
      '0x87 Not authorized',
  ],
  [
    { accessToken: 'there is no access token yet: nobody listens' },
    'managed identity',
    'there is no access token yet: nobody listens',
  ],
  [shardIs({ state: 'starting' }), 'shard 1', 'its worker starts'],
  [
    shardIs({ state: 'down', detail: 'all brokers down' }),
    'shard 1',
    'no Kafka broker answers: all brokers down',
  ],
  [
    shardIs({ state: 'dead', detail: 'boom' }),
    'shard 1',
    'its worker died, and another one starts: boom',
  ],
  [
    { unansweredRecords: [{ shard: 2, seconds: 31, detail: 'kafka:9092 does not answer' }] },
    'shard 2',
    'Kafka is connected, and has said nothing of a record for 31 s: kafka:9092 does not answer',
  ],
  [
    { unansweredPublishes: [{ session: 'session-0', seconds: 31 }] },
    'session session-0',
    'the MQTT broker has not acknowledged a PUBLISH for 31 s; it is not sent again over this connection',
  ],
  [
    shardIs({ silentSeconds: 7 }),
    'shard 1',
    'its worker has done nothing for 7 s; if it stays so, it is replaced',
  ],
  [
    { routes: [{ route: 'route1', holds: 1, detail: 'not authorised', trouble: undefined }] },
    'route route1',
    'messages are held and tried again: not authorised',
  ],
  [
    { routes: [{ route: 'route1', holds: 3, detail: 'not authorised', trouble: undefined }] },
    'route route1',
    'messages are held and tried again, for 3 reasons, the last: not authorised',
  ],
  [
    { routes: [{ route: 'route1', holds: 0, detail: '', trouble: 'unknown topic' }] },
    'route route1',
    'it cannot read from Kafka: unknown topic',
  ],
];

t.test('it is ready when everything is connected and nothing is held', async (t) => {
  t.same(judgeHealth({ engine: 'running', connectors: [well] }), {
    live: true,
    ready: true,
    reasons: [],
  });
});

t.test('it is ready without any connector to run', async (t) => {
  t.equal(judgeHealth({ engine: 'running', connectors: [] }).ready, true);
});

t.test('each part that is not well makes it unready and says why, and it stays live', async (t) => {
  for (const [ill, part, message] of cases) {
    const health = judgeHealth({ engine: 'running', connectors: [{ ...well, ...ill }] });
    t.same(health, {
      live: true,
      ready: false,
      reasons: [{ connector: 'my-connector', part, message }],
    });
  }
});

t.test('an engine that starts or drains is live and not ready', async (t) => {
  for (const engine of ['starting', 'draining'] as const) {
    const health = judgeHealth({ engine, connectors: [well] });
    t.equal(health.live, true);
    t.equal(health.ready, false);
    t.equal(health.reasons[0]?.part, 'engine');
  }
});

t.test('only an engine that has given up is not live', async (t) => {
  const failure = 'the worker of shard 0 died 10 times';
  t.same(judgeHealth({ engine: 'failed', failure, connectors: [well] }), {
    live: false,
    ready: false,
    reasons: [
      {
        connector: '',
        part: 'engine',
        message: `has given up; only a restart helps: ${failure}`,
      },
    ],
  });
});

t.test('a stall of the main thread makes it unready for a while, and it stays live', async (t) => {
  t.same(judgeHealth({ engine: 'running', stall: 'did nothing for 3 s', connectors: [well] }), {
    live: true,
    ready: false,
    reasons: [{ connector: '', part: 'main thread', message: 'did nothing for 3 s' }],
  });
});

t.test('the reasons of all connectors are told', async (t) => {
  const ill = { ...well, ...shardIs({ state: 'down' }) };
  const connectors = [
    { ...ill, connector: 'a' },
    { ...ill, connector: 'b' },
  ];
  t.same(
    judgeHealth({ engine: 'running', connectors }).reasons.map(({ connector }) => connector),
    ['a', 'b'],
  );
});

t.test(
  'new values that do not work make it unready, although everything is connected',
  async (t) => {
    const connector: ConnectorHealth = {
      ...well,
      credentials: [{ side: 'mqtt', detail: 'CONNECT refused: 0x86' }],
    };
    t.match(judgeHealth({ engine: 'running', connectors: [connector] }), {
      live: true,
      ready: false,
      reasons: [
        {
          connector: 'my-connector',
          part: 'credentials for MQTT',
          message: 'new values are not in service, and those before are: CONNECT refused: 0x86',
        },
      ],
    });
  },
);
