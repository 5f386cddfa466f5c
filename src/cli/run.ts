import { loadModel } from '../config/load-model.js';
import type { Model } from '../config/model.js';
import { inOrder } from '../config/problem-list.js';
import type { Output } from '../config/report.js';
import { notYetSupported } from '../config/rules/not-yet-supported.js';
import { Engine } from '../engine/engine.js';
import { stopSignal } from './stop-signal.js';
import { usableModel } from './usable-model.js';
import { millraceVersion } from './version.js';

export interface RunOptions {
  readonly files: readonly string[];
  readonly secretsDir?: string | undefined;
  readonly configMapsDir?: string | undefined;
  readonly instanceId: number;
  readonly dataDir: string;
  readonly adminAddress: string;
  readonly drainTimeoutSeconds: number;
}

/** Runs until SIGTERM or SIGINT. Resolves with the exit code. */
export async function runCommand(options: RunOptions): Promise<number> {
  const model = await loadRunnable(options, process.stderr);
  const engine = new Engine({
    model,
    dataDir: options.dataDir,
    adminAddress: options.adminAddress,
    version: millraceVersion(),
  });
  const stopped = stopSignal();
  await engine.start();
  const routes = model.connectors.flatMap(({ topicMaps }) => topicMaps.flatMap((m) => m.routes));
  process.stderr.write(
    `millrace ${millraceVersion()}: ${model.connectors.length} connector(s), ${routes.length} route(s); ` +
      `http://${engine.adminAddress}/metrics\n`,
  );
  await stopped;
  if (engine.inFlight > 0) {
    process.stderr.write(
      `millrace: stopping; up to ${options.drainTimeoutSeconds} s for ${engine.inFlight} message(s) in flight ` +
        '(a second signal ends it at once)\n',
    );
  }
  const left = await engine.stop(options.drainTimeoutSeconds * 1000);
  if (left > 0) {
    process.stderr.write(
      `millrace: ${left} message(s) were not settled within ${options.drainTimeoutSeconds} s; ` +
        'those of QoS 1 come again, from the broker and from Kafka\n',
    );
  }
  return 0;
}

/** The model; a UsageError where the configuration has errors or what `run` cannot do yet. */
export async function loadRunnable(
  options: Pick<RunOptions, 'files' | 'secretsDir' | 'configMapsDir' | 'instanceId'>,
  stderr: Output,
): Promise<Model> {
  const { files, secretsDir, configMapsDir, instanceId } = options;
  const loaded = await loadModel(files, {
    secretsDir,
    configMapsDir,
    instanceId,
    stdin: process.stdin,
  });
  const { model, problems } = loaded;
  const later = notYetSupported(loaded.resources);
  return usableModel({ model, problems: inOrder([...problems, ...later]) }, stderr);
}
