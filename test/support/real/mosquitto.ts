import { runServerScript } from './program.js';

export interface MosquittoOptions {
  /** Further lines of mosquitto.conf, such as `max_packet_size 1000`. */
  readonly settings?: readonly string[];
  /** With the listeners of mosquitto-security.ts beside the plain one. */
  readonly secure?: boolean;
}

/** A real mosquitto of this process's own. It queues without a limit and keeps sessions on disk. */
export interface Mosquitto {
  readonly host: string;
  readonly port: number;
  /** SIGKILL. What mosquitto has not saved yet is lost, also what it has acknowledged. */
  kill(): Promise<void>;
  /** SIGTERM: sessions and queues are saved. */
  shutdown(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** SIGHUP: passwords and certificates are read again; whoever is not let in any more is cut off. */
  reload(): Promise<void>;
  log(): Promise<string>;
  /** Ends it and deletes its data. For t.teardown; a second call does nothing. */
  stop(): Promise<void>;
}

/** Starts mosquitto on a free port of 127.0.0.1; returns when it accepts connections. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const settings = (options.settings ?? []).flatMap((line) => ['--set', line]);
  const args = ['up', '0', '--owner', `${process.pid}`, ...settings];
  if (options.secure === true) args.push('--secure');
  const [host = '', port = ''] = (await runServerScript('mosquitto', args)).trim().split(':');
  const one = async (action: string): Promise<void> => {
    await runServerScript('mosquitto', [action, port]);
  };
  let stopped: Promise<void> | undefined;
  return {
    host,
    port: Number(port),
    kill: () => one('kill'),
    shutdown: () => one('stop'),
    start: () => one('start'),
    pause: () => one('pause'),
    resume: () => one('resume'),
    reload: () => one('reload'),
    log: () => runServerScript('mosquitto', ['log', port]),
    async stop() {
      stopped ??= one('down');
      await stopped;
    },
  };
}
