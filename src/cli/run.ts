import type { OperatingError } from '../base/errors.js';
import { loadApart } from '../config/load-apart.js';
import type { Surroundings } from '../config/load-model.js';
import { Engine } from '../engine/engine.js';
import { stopSignal } from './stop-signal.js';
import { usableModel } from './usable-model.js';
import { millraceVersion } from './version.js';

export interface RunOptions extends Surroundings {
  readonly files: readonly string[];
  readonly dataDir: string;
  readonly adminAddress: string;
  readonly drainTimeoutSeconds: number;
}

/** Runs until SIGTERM or SIGINT. Resolves with the exit code. */
export async function runCommand(options: RunOptions): Promise<number> {
  const { files, secretsDir, configMapsDir, serviceAccountTokenFile, instanceId } = options;
  const request = {
    paths: files,
    options: { secretsDir, configMapsDir, serviceAccountTokenFile, instanceId },
  };
  const loaded = await loadApart(request, process.stdin);
  const model = usableModel(loaded, process.stderr);
  const engine = new Engine({
    model,
    secrets: loaded.secrets,
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
  const failure = await Promise.race([stopped, engine.failed]);
  if (failure !== undefined) process.stderr.write(`millrace: stopping: ${failure.message}\n`);
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
  if (failure !== undefined) giveUp(failure);
  return 0;
}

/** What is thrown is printed, and makes the exit code 1. */
function giveUp(failure: OperatingError): never {
  if (failure.code === 'ERR_WORKER_STUCK') {
    process.stderr.write(`millrace: ${failure.message} (${failure.code})\n`);
    // An exit would wait for that worker too.
    process.kill(process.pid, 'SIGKILL');
  }
  throw failure;
}
