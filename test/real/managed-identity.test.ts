import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { processContext } from '../../src/cli/dead-letters.js';
import { loadModel } from '../../src/config/load-model.js';
import {
  type Played,
  type PlayedServer,
  playAppService,
  playArc,
  playEntra,
  playImds,
  startEndPoint,
  type TokenToIssue,
  unsecuredJwt,
} from '../support/azure-end-points.js';
import { LOCALHOST_KEY, LOCALHOST_PEM } from '../support/certificates.js';
import type { RunningConnector } from '../support/connector.js';
import { startBridge, startServersWithTopic } from '../support/real/bridge.js';
import {
  addressOf,
  certificateFile,
  mountObjects,
  unsecuredToken,
} from '../support/real/kafka-security.js';
import { readTopic } from '../support/real/kcat.js';
import { carrier, roundTrip } from '../support/real/round-trip.js';
import { resourcesYaml } from '../support/resources.js';
import { until } from '../support/until.js';

/* A managed identity at a real Kafka, which takes web tokens that nobody has signed. The end points of Azure
 * are played on this machine; where they are, the environment says as it does in Azure. */

const TOPIC = 'identity';
const AUDIENCE = 'https://hubs.servicebus.windows.net';
const ASSERTION = unsecuredJwt({ sub: 'system:serviceaccount:default:millrace' });
const HEADER_SECRET = 'planted-identity-header';
const HOUR_MS = 3_600_000;

const servers = startServersWithTopic(t, TOPIC, { secure: true });

/** One that Kafka takes for as long. */
const goodToken = (lifeMs = HOUR_MS): TokenToIssue => unsecuredToken('millrace', lifeMs);

const played = (issue: () => TokenToIssue = () => goodToken()): Played => ({
  audience: AUDIENCE,
  issue,
});

/** @param folder for the CA */
async function connection(folder: string) {
  const { kafka } = await servers;
  const configMaps = { ca: { 'ca.pem': await certificateFile(kafka, 'ca.pem') } };
  const configMapsDir = await mountObjects(join(folder, 'config-maps'), configMaps);
  const kafkaConnection = {
    endpoint: addressOf(kafka, 'oauthTls'),
    tls: { tlsEnabled: true, caConfigMap: 'ca' },
    authentication: {
      enabled: true,
      authType: { systemAssignedManagedIdentity: { audience: AUDIENCE } },
    },
  };
  return { kafkaConnection, configMapsDir };
}

async function start(t: Test, name: string, environment: NodeJS.ProcessEnv, folder = t.testdir()) {
  const { kafkaConnection, configMapsDir } = await connection(folder);
  const both = await servers;
  return startBridge(t, both, {
    clientIdPrefix: name,
    connector: { kafkaConnection, logLevel: 'trace' },
    maps: [roundTrip(name, TOPIC)],
    args: ['--config-maps-dir', configMapsDir],
    environment,
  });
}

const reasonsOf = async (bridge: RunningConnector) =>
  (await bridge.health()).reasons.map(({ part, message }) => `${part}: ${message}`);

const imdsAt = ({ url }: PlayedServer) => ({ AZURE_POD_IDENTITY_AUTHORITY_HOST: url });

interface Source {
  readonly server: PlayedServer;
  readonly environment: NodeJS.ProcessEnv;
}

const SOURCES: Readonly<Record<string, (t: Test, folder: string) => Promise<Source>>> = {
  imds: async (t) => {
    const server = await startEndPoint(t, { answer: playImds(played()) });
    return { server, environment: imdsAt(server) };
  },
  'app-service': async (t) => {
    const answer = playAppService({ ...played(), secret: HEADER_SECRET });
    const server = await startEndPoint(t, { answer });
    const environment = {
      IDENTITY_ENDPOINT: `${server.url}/msi/token`,
      IDENTITY_HEADER: HEADER_SECRET,
    };
    return { server, environment };
  },
  'workload-identity': async (t, folder) => {
    const answer = playEntra({
      ...played(),
      tenantId: 'tenant-1',
      clientId: 'client-1',
      trusts: (assertion) => assertion === ASSERTION,
    });
    const tls = { key: LOCALHOST_KEY, cert: LOCALHOST_PEM };
    const server = await startEndPoint(t, { answer, tls });
    const files = { token: join(folder, 'token'), ca: join(folder, 'login-ca.pem') };
    await Promise.all([writeFile(files.token, ASSERTION), writeFile(files.ca, LOCALHOST_PEM)]);
    const environment = {
      AZURE_FEDERATED_TOKEN_FILE: files.token,
      AZURE_CLIENT_ID: 'client-1',
      AZURE_TENANT_ID: 'tenant-1',
      AZURE_AUTHORITY_HOST: server.url,
      NODE_EXTRA_CA_CERTS: files.ca,
    };
    return { server, environment };
  },
};

for (const [name, source] of Object.entries(SOURCES)) {
  t.test(`${name}: a message goes to Kafka and back`, async (t) => {
    const folder = t.testdir();
    const { server, environment } = await source(t, folder);
    const bridge = await start(t, name, environment, folder);
    await bridge.ready();
    const carry = await carrier(t, (await servers).mosquitto, name, bridge);
    await carry(`by ${name}`);
    t.equal(server.requests.length, 1, 'one token is enough for all shards and clients');
    t.equal(await bridge.metric('millrace_access_tokens_total'), 1);
    const leftS = await bridge.metric('millrace_access_token_expiry_seconds');
    t.ok(leftS > 3_000 && leftS <= 3_600, `${leftS}`);
    t.notMatch(bridge.log(), /eyJ|planted/, 'no token and no secret in a log at trace level');
    t.equal(await bridge.terminate(), 0);
  });
}

t.test('an agent that asks for another file than its keys gets nothing', async (t) => {
  const keyFile = '/etc/passwd';
  const server = await startEndPoint(t, { answer: playArc({ ...played(), keyFile, key: 'key' }) });
  const url = `${server.url}/metadata/identity/oauth2/token`;
  const bridge = await start(t, 'arc', { IDENTITY_ENDPOINT: url, IMDS_ENDPOINT: server.url });
  await until('it says so', async () =>
    (await reasonsOf(bridge)).includes(
      `managed identity: there is no access token yet: the end point of Azure Arc at ${url}, asks for a file ` +
        'that is not one of its keys, /var/opt/azcmagent/tokens/NAME.key; nothing was read',
    ),
  );
  t.equal(await bridge.terminate(), 0);
});

t.test('tokens of some seconds are renewed while messages flow, and none is lost', async (t) => {
  const name = 'short-lived';
  const server = await startEndPoint(t, { answer: playImds(played(() => goodToken(6_000))) });
  const bridge = await start(t, name, imdsAt(server));
  await bridge.ready();
  const carry = await carrier(t, (await servers).mosquitto, name, bridge);
  let sent = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < 20_000) {
    await carry(`${name} ${sent++}`);
  }
  t.ok(server.requests.length >= 4, `${server.requests.length} tokens`);
  const { kafka } = await servers;
  const values = (await readTopic(kafka.bootstrap, TOPIC)).map(({ value }) => `${value}`);
  const own = values.filter((value) => value.startsWith(name));
  t.strictSame(
    own,
    Array.from({ length: sent }, (_, n) => `${name} ${n}`),
    'once each, in order',
  );
  t.strictSame(await reasonsOf(bridge), []);
  t.equal(await bridge.metric('millrace_access_token_failures_total'), 0);
  const refusals = { side: 'kafka', reason: 'authentication' };
  t.equal(
    await bridge.metric('millrace_connection_losses_total', refusals),
    0,
    'in time for Kafka',
  );
  t.equal(await bridge.terminate(), 0);
});

t.test(
  'a token that Kafka refuses is said to be refused, and another one is asked for',
  async (t) => {
    const name = 'refused';
    let isGood = false;
    const issue = () => {
      const good = goodToken();
      return isGood
        ? good
        : { ...good, value: unsecuredJwt({ oid: 'nobody', exp: 4_000_000_000 }) };
    };
    const server = await startEndPoint(t, { answer: playImds(played(issue)) });
    const bridge = await start(t, name, imdsAt(server));
    const { kafka } = await servers;
    const reason =
      `shard 0: no Kafka broker answers: ${addressOf(kafka, 'oauthTls')} refuses the token of the managed ` +
      'identity: the identity must have a role there (of Event Hubs: Azure Event Hubs Data Owner, or Data Sender ' +
      `and Data Receiver), and the audience ${AUDIENCE} must be what the server expects`;
    await until('it is said', async () => (await reasonsOf(bridge)).includes(reason), {
      detail: () => bridge.log(),
    });
    isGood = true;
    await bridge.ready();
    t.ok(server.requests.length >= 2);
    const carry = await carrier(t, (await servers).mosquitto, name, bridge);
    await carry('after the refusal');
    t.notMatch(bridge.log(), /eyJ/);
    t.equal(await bridge.terminate(), 0);
  },
);

t.test('an end point that is away at the start is asked until it is there', async (t) => {
  const name = 'away';
  const first = await startEndPoint(t, { answer: playImds(played()) });
  await first.stop();
  const bridge = await start(t, name, imdsAt(first));
  const reason =
    "managed identity: there is no access token yet: IMDS, the end point of Azure's virtual machines at " +
    `${first.url}, is not there: nobody listens (ECONNREFUSED); it was asked because the environment names no ` +
    'other: AZURE_FEDERATED_TOKEN_FILE (workload identity) and IDENTITY_ENDPOINT (App Service, Azure Arc) are ' +
    'not set; is this a machine in Azure?';
  await until('it says so', async () => (await reasonsOf(bridge)).includes(reason), {
    detail: () => bridge.log(),
  });
  await until(
    'it asks again',
    async () => (await bridge.metric('millrace_access_token_failures_total')) >= 2,
  );
  t.equal(bridge.log().split('no access token could be had').length, 2, 'logged once');
  const port = Number(new URL(first.url).port);
  await startEndPoint(t, { answer: playImds(played()), port });
  await bridge.ready();
  const carry = await carrier(t, (await servers).mosquitto, name, bridge);
  await carry('after all');
  t.match(bridge.log(), /access tokens can be had again/);
  t.equal(await bridge.terminate(), 0);
});

t.test('an environment that is half complete ends the start with exit code 2', async (t) => {
  const environment = { AZURE_FEDERATED_TOKEN_FILE: '/nowhere', AZURE_CLIENT_ID: 'client-1' };
  await t.rejects(start(t, 'half', environment), { message: /but AZURE_TENANT_ID is not set/ });
});

t.test('dead letters are replayed with a token', async (t) => {
  const server = await startEndPoint(t, { answer: playImds(played()) });
  const folder = t.testdir();
  const { kafkaConnection, configMapsDir } = await connection(folder);
  const { kafka, mosquitto } = await servers;
  const file = join(folder, 'resources.yaml');
  const yaml = resourcesYaml({
    mqttPort: mosquitto.port,
    bootstrap: kafka.bootstrap,
    connector: { kafkaConnection },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a', kafkaTopic: TOPIC }] }],
  });
  await writeFile(file, yaml);
  const loaded = await loadModel([file], { instanceId: 0, configMapsDir });
  const [connector] = loaded.model?.connectors ?? [];
  if (connector === undefined) throw new Error(JSON.stringify(loaded.problems));
  Object.assign(process.env, imdsAt(server));
  t.teardown(() => delete process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST);
  const sender = await processContext.openSender(connector.kafka, loaded.secrets, 60_000);
  t.teardown(() => sender.close());
  const value = Buffer.from('replayed with a token');
  await sender.send({ topic: TOPIC, partition: undefined, key: null, headers: [], value });
  const values = (await readTopic(kafka.bootstrap, TOPIC)).map((record) => `${record.value}`);
  t.ok(values.includes('replayed with a token'));
});
