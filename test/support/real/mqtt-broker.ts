import { runServerScript } from './program.js';

/** A real MQTT broker of this process's own, which keeps sessions on disk. */
export interface MqttBroker {
  readonly host: string;
  readonly port: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM: sessions and queues are saved. */
  shutdown(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  log(): Promise<string>;
  /** Ends it and deletes its data. For t.teardown; a second call does nothing. */
  stop(): Promise<void>;
}

/**
 * Starts one of the scripts in test/real/servers on a free port of 127.0.0.1; returns when it accepts
 * connections.
 * @param args behind `up 0 --owner PID`
 */
export async function startMqttBroker(
  script: string,
  args: readonly string[],
): Promise<MqttBroker> {
  const up = ['up', '0', '--owner', `${process.pid}`, ...args];
  const [host = '', port = ''] = (await runServerScript(script, up)).trim().split(':');
  const one = async (action: string): Promise<void> => {
    await runServerScript(script, [action, port]);
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
    log: () => runServerScript(script, ['log', port]),
    async stop() {
      stopped ??= one('down');
      await stopped;
    },
  };
}
