import type { ByteSource } from '../config/load.js';
import type { Surroundings } from '../config/load-model.js';
import { loadModel } from '../config/load-model.js';
import type { Model } from '../config/model.js';
import {
  countProblems,
  formatProblems,
  formatProblemsAsJson,
  type Output,
  wantsColor,
} from '../config/report.js';

export interface ValidateCommandOptions extends Omit<Surroundings, 'serviceAccountTokenFile'> {
  readonly files: readonly string[];
  readonly json: boolean;
}

export interface ValidateStreams {
  readonly stdin: ByteSource;
  readonly stdout: Output;
}

const EXIT_VALID = 0;
const EXIT_WRONG = 2;

/** Checks as `run` does and starts nothing. Resolves with the exit code. */
export async function validateCommand(
  options: ValidateCommandOptions,
  streams: ValidateStreams,
): Promise<number> {
  const { files, secretsDir, configMapsDir, instanceId } = options;
  const loaded = await loadModel(files, {
    secretsDir,
    configMapsDir,
    instanceId,
    stdin: streams.stdin,
  });
  const { problems } = loaded;
  const { stdout } = streams;
  if (options.json) stdout.write(formatProblemsAsJson(problems));
  else {
    stdout.write(formatProblems(problems, { color: wantsColor(stdout, process.env) }));
    if (loaded.model !== undefined) stdout.write(`valid: ${describe(loaded.model)}\n`);
  }
  return countProblems(problems).errors === 0 ? EXIT_VALID : EXIT_WRONG;
}

function describe({ connectors }: Model): string {
  const maps = connectors.flatMap(({ topicMaps }) => topicMaps);
  const routes = maps.flatMap((map) => map.routes);
  return `connectors ${connectors.length}, topic maps ${maps.length}, routes ${routes.length}`;
}
