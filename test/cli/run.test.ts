import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { createBroker } from '../../src/demo/broker/broker.js';
import { addon } from '../../src/kafka/addon.js';
import { startConnector } from '../support/connector.js';
import { CLIENT_ID, resourcesYaml } from '../support/resources.js';
import { until } from '../support/until.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const DEADLINE_MS = 30_000;
const maps = [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }];

/** A connector with an MQTT broker and without Kafka, which it needs not be ready for. */
async function startWithBroker(t: Test, logLevel: string, drainSeconds = '30') {
  const broker = createBroker();
  const { port: mqttPort } = await broker.listen();
  t.teardown(() => broker.close());
  const bootstrap = '127.0.0.1:1';
  const connector = await startConnector(
    t,
    { mqttPort, bootstrap, connector: { logLevel }, maps },
    ['--drain-timeout', drainSeconds],
  );
  const connected = async (times: number) => {
    await until(`it connects to MQTT ${times} times`, async () => {
      return (await connector.metric('millrace_mqtt_connects_total')) >= times;
    });
  };
  await connected(1);
  const takeOne = async () => {
    broker.publish({ topic: 'a/b', payload: '1', qos: 1 });
    await until('the message is taken', async () => {
      return (await connector.metric('millrace_deliveries_in_flight')) === 1;
    });
  };
  return { broker, connector, connected, takeOne };
}

t.test('a run outlives whoever has read its output', async (t) => {
  const { broker, connector, connected, takeOne } = await startWithBroker(t, 'trace', '0.1');
  connector.closeOutput();
  for (let times = 2; times < 5; times += 1) {
    broker.dropConnections();
    await connected(times);
  }
  // It has something to say when it is stopped.
  await takeOne();
  t.equal(await connector.terminate(), 0);
});

t.test('SIGHUP drains as SIGTERM does, also where it comes more than once', async (t) => {
  const { connector, takeOne } = await startWithBroker(t, 'warn');
  await takeOne();
  process.kill(connector.pid, 'SIGHUP');
  await until('it drains', () => connector.log().includes('1 message(s) in flight'));
  process.kill(connector.pid, 'SIGHUP');
  process.kill(connector.pid, 'SIGHUP');
  t.notOk((await connector.health()).ready);
  process.kill(connector.pid, 'SIGTERM');
  t.notOk((await connector.health()).ready, 'the first SIGTERM finds it draining');
  t.equal(await connector.terminate(), 1, 'the second ends it');
});

const crashing = fileURLToPath(new URL('../support/crashing-workers.js', import.meta.url));

t.test('workers that die again and again end it, with the cause and exit code 1', async (t) => {
  const resources = { mqttPort: 1, bootstrap: '127.0.0.1:1', connector: {}, maps };
  for (const [when, text] of [
    ['early', /a worker died before it began, of: boom\..*\(ERR_WORKER_CRASH_LOOP\)/],
    [
      'ready',
      /workers of shard 0 died 10 times within 5 minutes, the last time of: boom\..*CRASH_LOOP/,
    ],
  ] as const) {
    const connector = await startConnector(t, resources, [], {
      NODE_OPTIONS: `--import=${crashing}`,
      MILLRACE_TEST_CRASH: when,
    });
    t.equal(await connector.ended(), 1, when);
    t.match(connector.log(), text);
  }
});

t.test('a worker that cannot be ended does not keep the process, which says why', async (t) => {
  const pipe = join(t.testdir(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const resources = { mqttPort: 1, bootstrap: '127.0.0.1:1', connector: {}, maps };
  const connector = await startConnector(t, resources, [], {
    NODE_OPTIONS: `--import=${crashing}`,
    MILLRACE_TEST_CRASH: 'ready',
    MILLRACE_TEST_PIPE: pipe,
  });
  await until('it is told', async () => {
    const { reasons } = await connector.health();
    return reasons.some(({ message }) => /its worker has done nothing for \d+ s/.test(message));
  });
  t.equal(await connector.ended(), -1, 'by SIGKILL');
  t.match(
    connector.log(),
    /shard 0 has been stuck for 300 s outside of JavaScript.*ERR_WORKER_STUCK/,
  );
});

t.test('SIGUSR1 opens no debugger and SIGUSR2 ends nothing', async (t) => {
  const { connector } = await startWithBroker(t, 'warn');
  process.kill(connector.pid, 'SIGUSR1');
  process.kill(connector.pid, 'SIGUSR2');
  await connector.health();
  t.equal(await connector.terminate(), 0);
  t.notMatch(connector.log(), /debugger/i);
});

t.test('a data folder that is none is told at once', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-run-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'resources.yaml');
  await writeFile(file, resourcesYaml({ mqttPort: 1, bootstrap: '127.0.0.1:1', maps }));
  const run = (dataDir: string) =>
    new Promise<{ code: unknown; stderr: string }>((resolve) => {
      const args = ['run', '-f', file, '--admin-address', '127.0.0.1:0', '--data-dir', dataDir];
      execFile(process.execPath, [MAIN, ...args], { timeout: DEADLINE_MS }, (error, _, stderr) =>
        resolve({ code: error?.code, stderr }),
      );
    });
  t.match(await run(''), { code: 2, stderr: /--data-dir <dir>.* is invalid\. a folder is needed/ });
  t.match(await run('/proc/millrace'), {
    code: 1,
    stderr: /^millrace: dead-letter store \/proc\/millrace\/.* cannot be opened: .*_IO\)$/m,
  });
  t.match(await run(file), { code: 1, stderr: /^millrace: .* cannot be opened: ENOTDIR/m });
});

t.test('a secret that is missing, or cannot be used, ends the start and is named', async (t) => {
  const folder = t.testdir({
    secrets: { login: { username: 'u', password: 'hunter2\0' } },
  });
  const file = join(folder, 'resources.yaml');
  const kafkaConnection = {
    endpoint: '127.0.0.1:1',
    tls: { tlsEnabled: true },
    authentication: {
      enabled: true,
      authType: { sasl: { saslType: 'plain', secretName: 'login' } },
    },
  };
  const resources = { mqttPort: 1, bootstrap: '', maps, connector: { kafkaConnection } };
  await writeFile(file, resourcesYaml(resources));
  const run = (...more: string[]) =>
    new Promise<{ code: unknown; stderr: string }>((resolve) => {
      const where = ['--admin-address', '127.0.0.1:0', '--data-dir', join(folder, 'data')];
      const args = ['run', '-f', file, ...where, ...more];
      execFile(process.execPath, [MAIN, ...args], { timeout: DEADLINE_MS }, (error, _, stderr) =>
        resolve({ code: error?.code, stderr }),
      );
    });
  t.match(await run(), {
    code: 2,
    stderr: /^millrace: Secret login is not here, .*name its folder with --secrets-dir$/m,
  });
  const unusable = await run('--secrets-dir', join(folder, 'secrets'));
  t.match(unusable, {
    code: 2,
    stderr: /^millrace: Secret login, key password is no text in UTF-8$/m,
  });
  t.notMatch(unusable.stderr, /hunter2/);
});

t.test(
  'a run that is stopped without Kafka says what it waits for, and what was left',
  async (t) => {
    const broker = createBroker();
    const { port: mqttPort } = await broker.listen();
    const kafka = new addon.MockCluster(1);
    t.teardown(async () => {
      await broker.close();
      kafka.close();
    });
    const connector = await startConnector(
      t,
      {
        mqttPort,
        bootstrap: kafka.bootstrapServers,
        connector: { logLevel: 'warn' },
        maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
      },
      ['--drain-timeout', '1'],
    );
    await connector.ready();
    kafka.setBrokerUp(1, false);
    for (const payload of ['1', '2', '3']) broker.publish({ topic: 'a/b', payload, qos: 1 });
    await until('they are taken', async () => {
      return (await connector.metric('millrace_deliveries_in_flight')) === 3;
    });
    t.equal(await connector.terminate(), 0);
    const log = connector.log();
    t.match(log, /stopping; up to 1 s for 3 message\(s\) in flight/);
    const told = new RegExp(
      `"deliveries":3,"publishes":0,"routes":\\{"r":3\\},"sessions":\\{"${CLIENT_ID}":3\\},.*waits for `,
    );
    t.match(log, told);
    t.match(log, /"deliveries":3.*not settled in time/);
    t.match(log, /3 message\(s\) were not settled within 1 s/);
  },
);
