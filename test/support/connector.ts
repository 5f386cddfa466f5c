import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { metricOf } from './prometheus.js';
import { tail } from './real/program.js';
import { type ResourcesInput, resourcesYaml } from './resources.js';
import { until } from './until.js';

/* The connector as a user starts it: `millrace run` as a process of its own, seen through its admin
 * server, its exit code and the command line. */

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const START_MS = 30_000;
const STOP_MS = 60_000;

export interface HealthReason {
  readonly connector: string;
  readonly part: string;
  readonly message: string;
}

export interface RunningConnector {
  readonly dataDir: string;
  readonly pid: number;
  /** How it ended, exit code or signal; undefined while it runs. */
  readonly exit: number | string | undefined;
  /** Until /readyz says so. */
  ready(): Promise<void>;
  /** What /readyz says. */
  health(): Promise<{ readonly ready: boolean; readonly reasons: readonly HealthReason[] }>;
  /** Sum over the series of a metric that have these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  rssBytes(): Promise<number>;
  /** SIGTERM, or another; resolves with the exit code, -1 where a signal ended it. */
  terminate(signal?: NodeJS.Signals): Promise<number>;
  /** Resolves with the exit code once it has ended by itself. */
  ended(): Promise<number>;
  /** Nobody reads any more what it writes to standard output and standard error. */
  closeOutput(): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again, after `terminate` or `kill`, on the same resources and data folder. */
  start(): Promise<void>;
  /** The end of what it wrote to standard error. */
  log(): string;
  /** Runs another command on its data folder, such as `dead-letters list`. */
  command(...args: string[]): Promise<string>;
}

interface Teardown {
  teardown(callback: () => Promise<void>): void;
}

/**
 * Starts `millrace run`; returns when its admin server listens. Ends with the test.
 * @param environment beside that of this process
 */
export async function startConnector(
  t: Teardown,
  resources: ResourcesInput,
  args: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<RunningConnector> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  const file = join(folder, 'resources.yaml');
  await writeFile(file, resourcesYaml(resources));
  const dataDir = join(folder, 'data');
  const connector = new ConnectorProcess({
    dataDir,
    args: ['run', '-f', file, '--admin-address', '127.0.0.1:0', '--data-dir', dataDir, ...args],
    env: { ...process.env, ...environment },
  });
  t.teardown(async () => {
    await connector.kill();
    await rm(folder, { recursive: true, force: true });
  });
  await connector.start();
  return connector;
}

interface ProcessOptions {
  readonly dataDir: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

class ConnectorProcess implements RunningConnector {
  readonly dataDir: string;
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #address = '';
  #log: () => string = () => '';

  constructor({ dataDir, args, env }: ProcessOptions) {
    this.dataDir = dataDir;
    this.#args = args;
    this.#env = env;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get exit(): number | string | undefined {
    return this.#child?.exitCode ?? this.#child?.signalCode ?? undefined;
  }

  log(): string {
    return this.#log();
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, ...this.#args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#env,
    });
    child.stdout.resume();
    this.#child = child;
    this.#log = tail(child.stderr);
    const address = /http:\/\/([^/\s]+)\/metrics/;
    await until(
      'the connector starts',
      () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${this.#log()}`);
        return address.test(this.#log());
      },
      { deadlineMs: START_MS, detail: () => this.#log() },
    );
    this.#address = address.exec(this.#log())?.[1] ?? '';
  }

  async ready(): Promise<void> {
    let reasons: readonly HealthReason[] = [];
    await until(
      'the connector is ready',
      async () => {
        const health = await this.health();
        reasons = health.reasons;
        return health.ready;
      },
      { pollMs: 50, detail: () => ({ reasons, log: this.#log() }) },
    );
  }

  async health(): Promise<{ ready: boolean; reasons: readonly HealthReason[] }> {
    const response = await fetch(`http://${this.#address}/readyz`);
    return (await response.json()) as { ready: boolean; reasons: HealthReason[] };
  }

  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const response = await fetch(`http://${this.#address}/metrics`);
    return metricOf(await response.text(), name, labels);
  }

  async rssBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) * 1024;
  }

  terminate(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    return this.#end(signal);
  }

  async ended(): Promise<number> {
    const child = this.#child;
    if (child === undefined) return -1;
    await until('it ends', () => child.exitCode !== null || child.signalCode !== null, {
      deadlineMs: STOP_MS,
      detail: () => this.#log(),
    });
    return child.exitCode ?? -1;
  }

  closeOutput(): void {
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async command(...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [MAIN, ...args, '--data-dir', this.dataDir], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#env,
    });
    const output = tail(child.stdout);
    const errors = tail(child.stderr);
    const [code] = (await once(child, 'close')) as [number];
    if (code !== 0) throw new Error(`millrace ${args.join(' ')}: ${code}\n${errors()}`);
    return output();
  }

  async #end(signal: NodeJS.Signals): Promise<number> {
    const child = this.#child;
    if (child === undefined) return -1;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(timer);
    }
    return child.exitCode ?? -1;
  }
}
