import { join } from 'node:path';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import t from 'tap';
import { loadApart } from '../../src/config/load-apart.js';
import { loadModel } from '../../src/config/load-model.js';
import { readObject } from '../../src/secrets/secret-source.js';
import { connector, KAFKA, topicMap } from './documents.js';

const none = Readable.from([]);

t.test('a thread of its own gives the same model, frozen', async (t) => {
  const file = join(
    t.testdir({ 'all.yaml': connector(`${KAFKA}\ninstances: 2`) + topicMap() }),
    'all.yaml',
  );
  const { model, problems } = await loadApart({ paths: [file], options: { instanceId: 1 } }, none);
  const here = await loadModel([file], { instanceId: 1 });
  t.ok(model);
  t.same({ model, problems }, { model: here.model, problems: here.problems });
  t.ok(Object.isFrozen(model?.connectors[0]?.topicMaps[0]?.routes));
});

t.test('standard input goes to that thread', async (t) => {
  const text = Readable.from([connector(), topicMap()]);
  const { model } = await loadApart({ paths: ['-'], options: { instanceId: 0 } }, text);
  t.equal(model?.connectors[0]?.topicMaps.length, 1);
});

t.test('problems come back', async (t) => {
  const wrong = `${connector()}${topicMap()}---\nkind: Nothing\n`;
  const file = join(t.testdir({ 'all.yaml': wrong }), 'all.yaml');
  const { model, problems } = await loadApart({ paths: [file], options: { instanceId: 0 } }, none);
  t.equal(model, undefined);
  const messages = problems.map(({ message }) => message).join('\n');
  t.match(messages, /Nothing/);
});

const LOGIN = `---
apiVersion: v1
kind: Secret
metadata: { name: s }
data: { username: JENvbm5lY3Rpb25TdHJpbmc=, password: bm8= }
stringData: { password: hunter2-planted }
`;

t.test(
  'the values of Secrets come with the model, and are in nothing that is printed',
  async (t) => {
    const folder = t.testdir({ 'all.yaml': connector() + topicMap() + LOGIN });
    const loaded = await loadApart({ paths: [folder], options: { instanceId: 0 } }, none);
    const secret = await readObject(loaded.secrets, 'Secret', 's');
    t.equal(secret.get('username'), '$ConnectionString');
    t.equal(secret.get('password'), 'hunter2-planted', 'stringData wins');
    t.notMatch(JSON.stringify(loaded), /hunter2|aHVudGVy|ConnectionString/);
    t.notMatch(inspect(loaded, { depth: 20 }), /hunter2|aHVudGVy|ConnectionString/);
  },
);
