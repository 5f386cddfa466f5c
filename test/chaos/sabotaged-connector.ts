import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { RunningConnector } from '../support/connector.js';
import { type BridgeOptions, type BridgeServers, startBridge } from '../support/real/bridge.js';
import { SABOTAGE_DONE, SABOTAGE_SOCKET, type Sabotage } from './sabotage.js';

/* `millrace run` that can be stopped, and be told to do something to itself (sabotage-main.ts). */

interface Teardown {
  teardown(callback: () => Promise<void>): void;
}

export interface SabotagedOptions extends BridgeOptions {
  /** Where its socket is made. */
  readonly folder: string;
  /** Modules that are loaded before the connector, beside the saboteur. */
  readonly preload?: readonly URL[];
}

const SABOTEUR = new URL('./sabotage-main.js', import.meta.url);
/** What a worker fills until it dies of it, MiB: the default of a large machine is several thousand. */
const HEAP_MIB = 200;

export class SabotagedConnector {
  readonly #connector: RunningConnector;
  readonly #socketPath: string;
  /** Exit codes of processes that were told to stop and did not end with 0, and ends that nobody asked for. */
  readonly #wrongEnds: string[] = [];
  #meantToRun = true;

  constructor(connector: RunningConnector, socketPath: string) {
    this.#connector = connector;
    this.#socketPath = socketPath;
  }

  get wrongEnds(): readonly string[] {
    return this.#wrongEnds;
  }

  ready(): Promise<void> {
    return this.#connector.ready();
  }

  /** Ready, and nothing is in flight. */
  async isIdle(): Promise<boolean> {
    const { ready } = await this.#connector.health();
    return ready && (await this.#connector.metric('millrace_deliveries_in_flight')) === 0;
  }

  log(): string {
    return this.#connector.log();
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.look();
    this.#meantToRun = false;
    await this.#connector.kill();
  }

  /** SIGTERM; it is to end with 0. */
  async terminate(): Promise<void> {
    this.look();
    this.#meantToRun = false;
    const code = await this.#connector.terminate();
    if (code !== 0) this.#wrongEnds.push(`SIGTERM: exit code ${code}; ${this.log()}`);
  }

  async start(): Promise<void> {
    await this.#connector.start();
    this.#meantToRun = true;
  }

  /** SIGSTOP. */
  pause(): void {
    this.look();
    process.kill(this.#connector.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.#connector.pid, 'SIGCONT');
  }

  /** Resolves when it is on its way. */
  async sabotage(sabotage: Sabotage): Promise<void> {
    this.look();
    const socket = connect(this.#socketPath);
    await once(socket, 'connect');
    socket.write(JSON.stringify(sabotage));
    const answer = await text(socket);
    if (answer !== SABOTAGE_DONE) throw new Error(`no ${sabotage.act}: ${answer}`);
  }

  /** Whether it still runs, where it is meant to. */
  look(): void {
    const { exit } = this.#connector;
    if (!this.#meantToRun || exit === undefined) return;
    this.#wrongEnds.push(`it ended by itself: ${exit}; ${this.log()}`);
    throw new Error(`the connector ended by itself with ${exit}`);
  }
}

/** Starts the connector; returns when its admin server listens. Ends with `t`. */
export async function startSabotaged(
  t: Teardown,
  servers: BridgeServers,
  { folder, preload = [], ...options }: SabotagedOptions,
): Promise<SabotagedConnector> {
  const socketPath = join(folder, 'sabotage.socket');
  const imports = [SABOTEUR, ...preload].map((url) => `--import=${url.href}`);
  const connector = await startBridge(t, servers, {
    ...options,
    environment: {
      ...options.environment,
      NODE_OPTIONS: [...imports, `--max-old-space-size=${HEAP_MIB}`].join(' '),
      [SABOTAGE_SOCKET]: socketPath,
    },
  });
  return new SabotagedConnector(connector, socketPath);
}
