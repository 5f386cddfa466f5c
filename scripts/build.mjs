// Installs and builds what is missing, and says what the machine lacks. Plain JavaScript without
// dependencies: it is the first thing that runs on a fresh clone.
//   node scripts/build.mjs [install]    `install`: only the packages and the addon
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(join(root, 'package.json'));
const addon = join(root, 'build/Release/millrace.node');
const FEATURES = ['ssl', 'gzip', 'snappy', 'lz4', 'sasl_scram', 'sasl_oauthbearer'];
const PACKAGES = {
  ssl: 'libssl-dev',
  gzip: 'zlib1g-dev',
  sasl_scram: 'libssl-dev',
  sasl_oauthbearer: 'libssl-dev',
};

function fail(message) {
  console.error(`millrace: ${message}`);
  process.exit(1);
}

function has(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** A header file counts as there when the compiler finds it. */
function hasHeader(header) {
  const source = `#include <${header}>\n`;
  return (
    spawnSync('g++', ['-E', '-x', 'c++', '-'], {
      input: source,
      stdio: ['pipe', 'ignore', 'ignore'],
    }).status === 0
  );
}

function checkPrerequisites() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 18)) {
    fail(`Node.js 20.18 or newer is needed; this is ${process.versions.node}.`);
  }
  const missing = [];
  if (!has('python3', ['--version'])) missing.push('python3');
  if (!has('make', ['--version'])) missing.push('make');
  if (!has('g++', ['--version'])) missing.push('g++');
  else {
    if (!hasHeader('openssl/ssl.h')) missing.push('libssl-dev');
    if (!hasHeader('zlib.h')) missing.push('zlib1g-dev');
  }
  if (missing.length > 0) {
    fail(
      `librdkafka and the addon are built from source, which needs: ${missing.join(', ')}.\n` +
        `  Debian, Ubuntu:  sudo apt-get install -y ${missing.join(' ')}\n` +
        '  Then run the same command again.',
    );
  }
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) fail(`\`${command} ${args.join(' ')}\` failed (see above).`);
}

function newest(folder, ending) {
  let time = 0;
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && ending.test(entry.name)) {
      time = Math.max(time, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
    }
  }
  return time;
}

function stampOf(file) {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

function installPackages() {
  const lock = join(root, 'node_modules/.package-lock.json');
  const librdkafka = join(root, 'node_modules/node-rdkafka/build/deps/librdkafka.so.1');
  if (stampOf(lock) >= stampOf(join(root, 'package-lock.json')) && existsSync(librdkafka)) return;
  checkPrerequisites();
  console.error(
    'millrace: installing packages; librdkafka is compiled from source (about 3 minutes)',
  );
  run('npm', ['ci', '--no-audit', '--no-fund']);
}

function buildAddon() {
  const sources = Math.max(newest('src/native', /\.(cc|h)$/), stampOf(join(root, 'binding.gyp')));
  if (stampOf(addon) >= sources) return;
  checkPrerequisites();
  console.error('millrace: building the addon');
  run('npm', ['run', '--silent', 'build:addon']);
  checkFeatures();
}

/** Without libssl-dev and zlib1g-dev librdkafka's build leaves TLS and gzip out and says nothing. */
function checkFeatures() {
  const features = new Set(require(addon).builtinFeatures().split(','));
  const missing = FEATURES.filter((feature) => !features.has(feature));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((feature) => PACKAGES[feature] ?? 'g++'))].join(' ');
  fail(
    `librdkafka was built without: ${missing.join(', ')}.\n` +
      `  Debian, Ubuntu:  sudo apt-get install -y ${packages} && rm -rf node_modules build\n` +
      '  Then run the same command again.',
  );
}

function compile() {
  const sources = Math.max(
    ...['src', 'test', 'native-bench'].map((folder) => newest(folder, /\.ts$/)),
    stampOf(join(root, 'tsconfig.json')),
  );
  const built = join(root, 'dist/.tsbuildinfo');
  if (stampOf(built) >= sources) return;
  execFileSync(process.execPath, [require.resolve('typescript/bin/tsc')], {
    cwd: root,
    stdio: [0, 2, 2],
  });
}

installPackages();
buildAddon();
if (process.argv[2] !== 'install') {
  try {
    compile();
  } catch {
    fail('the TypeScript did not compile (see above).');
  }
}
