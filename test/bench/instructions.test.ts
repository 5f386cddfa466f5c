import { spawnSync } from 'node:child_process';
import t from 'tap';
import {
  InstructionCounter,
  parsePerfStat,
  whyNoInstructions,
} from '../../src/bench/instructions.js';

/* What perf 6.1 printed, with -x, : count, unit, event, time it ran, share of the time, metric. */
const COUNTED = `Events disabled
Events enabled
Events disabled
18446744073,,instructions:u,5000123456,100.00,1.52,insn per cycle
`;
const NOT_SUPPORTED = '<not supported>,,instructions:u,0,100.00,,\n';
const NOT_COUNTED = '<not counted>,,instructions:u,0,100.00,,\n';
const FORBIDDEN = `Error:
Access to performance monitoring and observability operations is limited.
Consider adjusting /proc/sys/kernel/perf_event_paranoid setting to open
`;

t.test('the count is read, or why there is none', async (t) => {
  t.equal(parsePerfStat(COUNTED), 18_446_744_073);
  t.match(parsePerfStat(NOT_SUPPORTED), /this machine does not count instructions/);
  t.match(parsePerfStat(NOT_COUNTED), /counted no instructions/);
  t.match(parsePerfStat(FORBIDDEN), /perf_event_paranoid/);
  t.match(parsePerfStat(''), /does not say/);
});

const hasPerf = spawnSync('perf', ['--version']).status === 0;

t.test('without perf it is told so', async (t) => {
  const { PATH } = process.env;
  t.teardown(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = '/nowhere';
  t.equal(await whyNoInstructions(), 'perf is not installed');
  const counter = InstructionCounter.attach(process.pid);
  await counter.begin();
  t.match(parsePerfStat(await counter.end()), /does not say/);
});

t.test('perf counts between begin and end', { skip: !hasPerf && 'no perf' }, async (t) => {
  const spin = (ms: number) => {
    const start = process.cpuUsage();
    for (let usedUs = 0; usedUs < ms * 1000; ) {
      const { user, system } = process.cpuUsage(start);
      usedUs = user + system;
    }
  };
  // What every machine counts: CPU time, in milliseconds.
  const counter = InstructionCounter.attach(process.pid, 'task-clock:u');
  spin(600);
  await counter.begin();
  spin(200);
  const countedMs = Number(/^([\d.]+),msec,task-clock/m.exec(await counter.end())?.[1]);
  t.ok(countedMs > 100 && countedMs < 600, `${countedMs}`);
});

t.test('a counter that never began ends, too', { skip: !hasPerf && 'no perf' }, async (t) => {
  t.type(await InstructionCounter.attach(process.pid).end(), 'string');
});
