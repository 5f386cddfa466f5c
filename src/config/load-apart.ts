/* Configuration for `run`, loaded in a thread that ends with it. The parser, the schemas and their
 * compiler take some 10 MB that a bridge at work never needs again, and a large configuration would
 * hold up for a moment whatever else the thread has to do.
 */
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { deepFreeze } from '../base/deep-freeze.js';
import type { Problem } from '../base/errors.js';
import type { SecretSource } from '../secrets/secret-source.js';
import type { Surroundings } from './load-model.js';
import type { Model } from './model.js';

/** main -> thread, as workerData */
export interface LoadRequest {
  readonly paths: readonly string[];
  readonly options: Surroundings;
}

/** thread -> main */
export interface Runnable {
  /** Undefined where there are errors among the problems. */
  readonly model: Model | undefined;
  readonly problems: readonly Problem[];
  /** For whoever makes the connections of the model. */
  readonly secrets: SecretSource;
}

/**
 * Loads and validates what `paths` name, `-` being `stdin`, as loadModel does; the model is frozen.
 * Rejects only where the thread itself fails.
 */
export async function loadApart(request: LoadRequest, stdin: Readable): Promise<Runnable> {
  const readsStdin = request.paths.includes('-');
  const file = new URL('./load-main.js', import.meta.url);
  const worker = new Worker(file, { workerData: request, stdin: readsStdin });
  if (readsStdin && worker.stdin !== null) stdin.pipe(worker.stdin);
  const ended = once(worker, 'exit');
  // Where the thread fails, waiting for its message says so.
  ended.catch(() => undefined);
  const [{ model, problems, secrets }] = (await once(worker, 'message')) as [Runnable];
  // Standard input may go on for ever; what is read of it is bounded.
  if (readsStdin) await worker.terminate();
  await ended;
  return { model: model && deepFreeze(model), problems, secrets };
}
