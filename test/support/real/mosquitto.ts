import { type MqttBroker, startMqttBroker } from './mqtt-broker.js';
import { runServerScript } from './program.js';

export interface MosquittoOptions {
  /** Further lines of mosquitto.conf, such as `max_packet_size 1000`. */
  readonly settings?: readonly string[];
  /** With the listeners of mosquitto-security.ts beside the plain one. */
  readonly secure?: boolean;
}

/**
 * A real mosquitto. It queues without a limit and keeps sessions on disk, but what it has not saved yet is
 * lost when it is killed, also what it has acknowledged.
 */
export interface Mosquitto extends MqttBroker {
  /** SIGHUP: passwords and certificates are read again; whoever is not let in any more is cut off. */
  reload(): Promise<void>;
}

/** Starts mosquitto on a free port of 127.0.0.1; returns when it accepts connections. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const args = (options.settings ?? []).flatMap((line) => ['--set', line]);
  if (options.secure === true) args.push('--secure');
  const broker = await startMqttBroker('mosquitto', args);
  return {
    ...broker,
    async reload() {
      await runServerScript('mosquitto', ['reload', `${broker.port}`]);
    },
  };
}
