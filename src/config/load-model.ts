import { availableParallelism } from 'node:os';
import type { Problem } from '../base/errors.js';
import type { SecretSource } from '../secrets/secret-source.js';
import { sealInlineObjects } from './inline-objects.js';
import { type ByteSource, loadDocuments } from './load.js';
import { inOrder } from './problem-list.js';
import { type Mounted, readMounted } from './secrets.js';
import { type Validated, validate } from './validate.js';

/** What a command is told beside the documents themselves. */
export interface Surroundings {
  /** Holds <secret>/<key>, as Kubernetes mounts it. */
  readonly secretsDir?: string | undefined;
  readonly configMapsDir?: string | undefined;
  readonly serviceAccountTokenFile?: string | undefined;
  readonly instanceId: number;
}

export interface LoadOptions extends Surroundings {
  /** Of the machine, where the caller does not say. */
  readonly cores?: number | undefined;
  /** What `-` reads. */
  readonly stdin?: ByteSource | undefined;
}

export interface LoadedModel extends Validated {
  /** For whoever makes the connections of the model. */
  readonly secrets: SecretSource;
}

/** The one way from the command line's paths to a model. */
export async function loadModel(
  paths: readonly string[],
  options: LoadOptions,
): Promise<LoadedModel> {
  const loaded = await loadDocuments(paths, options.stdin);
  const problems: Problem[] = [...loaded.problems];
  const secrets = await mounted(options.secretsDir, problems);
  const configMaps = await mounted(options.configMapsDir, problems);
  const { instanceId, cores = availableParallelism() } = options;
  const isIncomplete = problems.length > 0;
  const checked = validate(loaded.documents, {
    instanceId,
    cores,
    secrets,
    configMaps,
    isIncomplete,
  });
  return {
    model: isIncomplete ? undefined : checked.model,
    problems: inOrder([...problems, ...checked.problems]),
    secrets: {
      secretsDir: options.secretsDir,
      configMapsDir: options.configMapsDir,
      serviceAccountTokenFile: options.serviceAccountTokenFile,
      inline: sealInlineObjects(loaded.documents),
    },
  };
}

async function mounted(
  folder: string | undefined,
  problems: Problem[],
): Promise<Mounted | undefined> {
  return folder === undefined ? undefined : await readMounted(folder, problems);
}
