// Prints where node-rdkafka built librdkafka, for binding.gyp: the folder relative to the project's
// root, or with `rpath` relative to the addon, so that the tree can be moved as a whole.
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(join(root, 'package.json'));
const deps = join(dirname(require.resolve('node-rdkafka/package.json')), 'build', 'deps');
const fromAddon = relative(join(root, 'build', 'Release'), deps);
console.log(process.argv[2] === 'rpath' ? `$$ORIGIN/${fromAddon}` : deps);
