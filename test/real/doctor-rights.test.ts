import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Step } from '../../src/doctor/report.js';
import { runDoctor } from '../support/real/doctor.js';
import { type Kafka, startKafka } from '../support/real/kafka.js';
import { addressOf, mountObjects, PASSWORD, USER } from '../support/real/kafka-security.js';
import { startMosquitto } from '../support/real/mosquitto.js';
import { resourcesYaml } from '../support/resources.js';

/* What `millrace doctor` says of rights at a Kafka with ACLs. */

const parties = startParties();

async function startParties() {
  const kafka = await startKafka({
    secure: true,
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    },
  });
  t.teardown(() => kafka.stop());
  const mosquitto = await startMosquitto();
  t.teardown(() => mosquitto.stop());
  for (const topic of ['may-write', 'may-read', 'hidden']) await kafka.createTopic(topic, 1);
  await allow(kafka, 'Write', ['--topic', 'may-write']);
  await allow(kafka, 'Read', ['--topic', 'may-read']);
  await allow(kafka, 'Read', ['--group', 'may-join-out']);
  // So that a coordinator of groups is there.
  const group = ['--bootstrap-server', kafka.bootstrap, '--describe', '--group', 'any'];
  await kafka.tool('consumer.group.ConsumerGroupCommand', group).catch(() => undefined);
  return { kafka, mosquitto };
}

async function allow(kafka: Kafka, operation: string, on: readonly string[]): Promise<void> {
  const server = ['--bootstrap-server', kafka.bootstrap, '--add'];
  const whom = ['--allow-principal', `User:${USER}`, '--operation', operation];
  await kafka.tool('AclCommand', [...server, ...whom, ...on]);
}

/** What is found of topics and groups, for routes to `written` and from `read`. */
async function findings(t: Test, written: string, read: string, group: string): Promise<Step[]> {
  const { kafka, mosquitto } = await parties;
  const folder = t.testdir({});
  const secrets = await mountObjects(join(folder, 'secrets'), {
    login: { username: USER, password: PASSWORD },
  });
  const file = join(folder, 'resources.yaml');
  const authType = { sasl: { saslType: 'scram-sha-256', secretName: 'login' } };
  const endpoint = addressOf(kafka, 'sasl');
  const documents = resourcesYaml({
    mqttPort: mosquitto.port,
    bootstrap: endpoint,
    connector: {
      kafkaConnection: {
        endpoint,
        tls: { tlsEnabled: false },
        authentication: { enabled: true, authType },
      },
    },
    maps: [
      {
        routes: [
          { name: 'in', mqttTopic: 'rights/#', kafkaTopic: written },
          {
            direction: 'kafkaToMqtt',
            name: 'out',
            kafkaTopic: read,
            mqttTopic: 'out',
            consumerGroupId: group,
          },
        ],
      },
    ],
  });
  await writeFile(file, documents);
  const { steps } = await runDoctor(['-f', file, '--secrets-dir', secrets, '--json']);
  const checks = ['topic', 'size', 'write', 'read', 'group'];
  return steps.filter(({ check }) => checks.includes(check));
}

const outline = (steps: readonly Step[]) =>
  steps.map(({ outcome, check, subject }) => `${outcome} ${check} ${subject}`);

t.test('what ACLs allow passes; settings that they hide cannot be told', async (t) => {
  const steps = await findings(t, 'may-write', 'may-read', 'may-join');
  t.match(outline(steps), [
    'passed topic may-write',
    'skipped size may-write',
    'passed write may-write',
    'passed topic may-read',
    'passed read may-read',
    /^passed group may-join-out$/,
  ]);
});

t.test('what ACLs do not allow fails with the ACL that is missing', async (t) => {
  const steps = await findings(t, 'may-read', 'may-write', 'may-not-join');
  t.match(outline(steps), [
    'passed topic may-read',
    'skipped size may-read',
    'failed write may-read',
    'passed topic may-write',
    'failed read may-write',
    /^failed group may-not-join/,
  ]);
  t.match(
    steps.filter(({ outcome }) => outcome === 'failed').map(({ text }) => text),
    [
      /\(route in\): add an ACL that allows our user Write on the topic$/,
      /\(route out\): add an ACL that allows our user Read on the topic$/,
      /ACL.* Read on the group.*\(route out\)$/,
    ],
  );
});

t.test('a topic that ACLs hide may be there or not', async (t) => {
  const steps = await findings(t, 'hidden', 'may-read', 'may-join');
  t.match(steps[0], {
    outcome: 'failed',
    check: 'topic',
    subject: 'hidden',
    text: /does not let us see topic hidden.*\(route in\)$/,
  });
});
