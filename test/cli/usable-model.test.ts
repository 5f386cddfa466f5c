import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { UsageError } from '../../src/base/errors.js';
import { usableModel } from '../../src/cli/usable-model.js';
import { check, connector, KAFKA, topicMap } from '../config/documents.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

function output() {
  const parts: string[] = [];
  return { write: (text: string) => parts.push(text), text: () => parts.join('') };
}

t.test('warnings are printed and do not matter', async (t) => {
  const stderr = output();
  const loaded = check(connector(`${KAFKA}\ninstances: 2`) + topicMap());
  t.equal(usableModel(loaded, stderr), loaded.model);
  t.match(stderr.text(), /warning: .*instance 0 of 2/);
});

t.test('one error among the problems is enough, and all of them are printed', async (t) => {
  const stderr = output();
  t.throws(() => usableModel(check(connector('instances: 2\nshards: x')), stderr), UsageError);
  t.match(stderr.text(), /spec\.kafkaConnection: is missing/);
  t.match(stderr.text(), /spec\.shards: is a string/);
});

t.test(
  'each command that needs a model prints what is wrong with it, and ends with 2',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-usable-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, connector('instances: x'));
    for (const args of [
      ['run'],
      ['explain', '--topic', 'a'],
      ['dead-letters', 'replay', '--all', '--data-dir', folder],
    ]) {
      const [code, stderr] = await new Promise<[unknown, string]>((resolve) => {
        execFile(process.execPath, [MAIN, ...args, '-f', file], (error, _, text) =>
          resolve([error?.code, text]),
        );
      });
      t.equal(code, 2);
      t.match(stderr, /wrong\.yaml:7: error: KafkaConnector\/c spec\.instances: is a string/);
      t.match(stderr, /\nmillrace: the configuration has errors \(see above\)\n$/);
    }
  },
);
