import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Embedded, numbers, startEmbedded } from '../support/embedded.js';
import { swapMounted } from '../support/mounted-object.js';
import { TokenGateway } from '../support/token-gateway.js';
import { until } from '../support/until.js';

/* New values of a mounted token, from the file to the connection, beside messages that flow. */

const SIDE = { side: 'mqtt' };
const PART = 'credentials for MQTT';

async function inService(bridge: Embedded, changes: number): Promise<void> {
  await until(
    `change ${changes} is in service`,
    async () => (await bridge.metric('millrace_credentials_changes_total', SIDE)) === changes,
    { detail: () => bridge.reasons() },
  );
  await bridge.ready();
}

t.test(
  'a token that works is in service, one that does not is said and changes nothing',
  async (t) => {
    const folder = t.testdir({});
    const mounted = join(folder, 'tokens');
    const change = (token: string) => swapMounted(mounted, { token });
    let mqttPort = 0;
    const gateway = await TokenGateway.start(t, () => ({ host: '127.0.0.1', port: mqttPort }));
    gateway.accepted.add('first').add('second');
    change('first');
    const bridge = await startEmbedded(t, {
      topics: { out: 1 },
      maps: [{ routes: [{ name: 'r', mqttTopic: 'in/#', kafkaTopic: 'out' }] }],
      localBroker: {
        endpoint: `127.0.0.1:${gateway.port}`,
        authentication: { kubernetes: {} },
      },
      mounts: { serviceAccountTokenFile: join(mounted, 'token') },
      prepare: (embedded) => {
        mqttPort = embedded.mqttPort;
      },
    });
    let sent = 0;
    const flows = async () => {
      for (const n of numbers(20, sent)) bridge.publish('in/1', n);
      sent += 20;
      await bridge.acknowledged(sent);
    };
    await flows();

    change('second');
    await inService(bridge, 1);
    t.strictSame([gateway.connections, gateway.reauthentications], [1, 1]);
    await flows();

    change('wrong');
    await bridge.notReady(PART);
    t.match(
      bridge.reasons().find(({ part }) => part === PART)?.message,
      /^new values are not in service, and those before are: .*does not accept the service account token/,
    );
    t.equal(await bridge.metric('millrace_credentials_refused', SIDE), 1);
    await flows();

    // As for a moment while files are written.
    rmSync(join(mounted, '..data'));
    gateway.accepted.add('third');
    change('third');
    await inService(bridge, 2);
    t.equal(await bridge.metric('millrace_credentials_refused', SIDE), 0);
    await flows();
    t.strictSame(await bridge.values('out'), numbers(sent));
  },
);

/** Folders that the kernel watches for this process. */
function watchedFolders(): number {
  const texts = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    } catch {
      return ''; // That of the folder itself.
    }
  });
  return texts.join('').split('inotify wd:').length - 1;
}

t.test('a stop leaves no watch behind', async (t) => {
  const secretsDir = t.testdir({});
  swapMounted(join(secretsDir, 'login'), { username: 'u', password: 'p' });
  const before = watchedFolders();
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'in/#', kafkaTopic: 'out' }] }],
    localBroker: { authentication: { usernamePassword: { secretName: 'login' } } },
    mounts: { secretsDir },
  });
  t.equal(watchedFolders(), before + 2, 'the folder of the secret and the one above');
  await bridge.stop();
  t.equal(watchedFolders(), before);
});
