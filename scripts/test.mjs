// Runs the compiled tests.
//   node scripts/test.mjs embedded|real [FILTER]
// `real` is test/real/, with real servers; `embedded` is everything else. FILTER is a part of the
// path. Each test file is run as a plain program and its TAP is read here: tap's own command would
// load its TypeScript loader into every file and every worker thread, and compile what is compiled.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Parser } from 'tap-parser';
import { stringify } from 'yaml';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const SUITES = {
  embedded: { jobs: 2, fileSeconds: 300, has: (path) => !path.startsWith('real/') },
  real: { jobs: 1, fileSeconds: 1200, has: (path) => path.startsWith('real/') },
};
const SERVERS = ['kafka', 'mosquitto', 'hivemq'];
const OUTPUT_CHARS_MAX = 20_000;
const running = new Set();

const [suiteName = '', filter = ''] = process.argv.slice(2);
const suite = SUITES[suiteName];
if (suite === undefined) {
  console.error('usage: node scripts/test.mjs embedded|real [FILTER]');
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => abort(signal));
process.exitCode = await main();

async function main() {
  // The sweep is for what a run left behind that was killed.
  if (suiteName === 'real' && !(servers('install') && servers('sweep'))) {
    console.error('the real servers could not be installed (see above)');
    return 1;
  }
  const queue = testFiles().filter((path) => suite.has(path) && path.includes(filter));
  const total = { passed: 0, failed: 0, skipped: 0 };
  const lane = async () => {
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      const result = await runFile(path);
      report(path, result);
      for (const key of Object.keys(total)) total[key] += result[key];
      if (suiteName === 'real') servers('sweep');
    }
  };
  await Promise.all(Array.from({ length: suite.jobs }, lane));
  if (total.skipped > 0) console.log(`${total.skipped} skipped`);
  if (total.passed + total.failed === 0) console.log(`no test ran (${suiteName}, '${filter}')`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

/** From the sources, so that what was compiled from a deleted test no longer counts. */
function testFiles() {
  const folder = join(root, 'test');
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .map((path) => path.replace(/\.ts$/, '.js'))
    .sort();
}

/** `install`: what the servers need. `sweep`: ends those whose test is gone. */
function servers(command) {
  return SERVERS.every(
    (name) =>
      spawnSync(join(root, 'test/real/servers', name), [command], { stdio: ['ignore', 2, 2] })
        .status === 0,
  );
}

async function runFile(path) {
  const file = join(root, 'dist/test', path);
  const result = { passed: 0, failed: 0, skipped: 0, seconds: 0, problems: [], output: '' };
  if (!existsSync(file)) {
    return { ...result, failed: 1, problems: ['it is not compiled: node scripts/build.mjs'] };
  }
  const startedAt = performance.now();
  // A process group of its own: whatever a test leaves behind ends with it.
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd: root,
    env: { ...process.env, TAP_TIMEOUT: `${suite.fileSeconds}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  let late = false;
  // tap ends a file that takes too long by itself, unless its event loop hangs.
  const timer = setTimeout(
    () => {
      late = true;
      killGroup(child);
    },
    (suite.fileSeconds + 20) * 1000,
  );
  const tap = readTap(child, result);
  // `exit`, not `close`: a process left behind would hold the pipes open.
  const [code, signal] = await new Promise((resolve) => {
    child.once('exit', (...end) => resolve(end));
    child.once('error', (error) => resolve([error.message, null]));
  });
  clearTimeout(timer);
  killGroup(child);
  running.delete(child);
  const tapOk = await tap;
  if (late) result.problems.push(`it was killed after ${suite.fileSeconds + 20} s`);
  else if (code !== 0 && result.failed === 0)
    result.problems.push(`it ended with ${code ?? signal}`);
  else if (!tapOk && result.failed === 0) result.problems.push('its TAP is not complete');
  if (result.passed + result.failed + result.skipped === 0)
    result.problems.push('no test in it ran');
  // A file that fails as a whole counts once, beside the assertions that failed in it.
  if (result.problems.length > 0) result.failed += 1;
  result.seconds = (performance.now() - startedAt) / 1000;
  return result;
}

/** Counts the assertions, not the subtests that hold them. Resolves to whether the TAP is sound. */
function readTap(child, result) {
  const keep = (text) => {
    result.output = (result.output + text).slice(-OUTPUT_CHARS_MAX);
  };
  child.stderr.setEncoding('utf8').on('data', keep);
  return new Promise((resolve) => {
    const parser = new Parser((results) => resolve(results.ok));
    parser.on('pass', () => {
      result.passed += 1;
    });
    for (const event of ['skip', 'todo']) {
      parser.on(event, () => {
        result.skipped += 1;
      });
    }
    parser.on('fail', (assertion) => {
      result.failed += 1;
      keep(`\nnot ok: ${assertion.fullname}\n${describe(assertion.diag)}`);
    });
    parser.on('bailout', (reason) => keep(`\nbail out: ${reason}\n`));
    parser.on('extra', keep);
    child.stdout.pipe(parser);
  });
}

function describe(diagnostics) {
  return diagnostics ? stringify(diagnostics, { lineWidth: 0 }).replace(/^/gm, '  ') : '';
}

function report(path, { passed, failed, skipped, seconds, problems, output }) {
  const skips = skipped > 0 ? `, ${skipped} skipped` : '';
  const counts = `${passed} passed, ${failed} failed${skips}, ${seconds.toFixed(1)} s`;
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} test/${path.replace(/\.js$/, '.ts')} (${counts})`);
  if (failed === 0) return;
  const text = [...problems, output.trim()].filter((part) => part !== '').join('\n');
  console.log(`${text.replace(/^/gm, '     ')}\n`);
}

function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing of the group is left.
  }
}

function abort(signal) {
  for (const child of running) killGroup(child);
  if (suiteName === 'real') servers('sweep');
  console.error(`stopped by ${signal}`);
  process.exit(1);
}
