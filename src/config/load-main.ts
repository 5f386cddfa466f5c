/* Thread entry: loads a configuration as it is asked for by workerData, posts what was found, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import type { LoadRequest } from './load-apart.js';
import { loadModel } from './load-model.js';
import { inOrder } from './problem-list.js';
import { notYetSupported } from './rules/not-yet-supported.js';

const { paths, options } = workerData as LoadRequest;
const stdin = paths.includes('-') ? process.stdin : undefined;
const { model, problems, resources, secrets } = await loadModel(paths, { ...options, stdin });
parentPort?.postMessage({
  model,
  problems: inOrder([...problems, ...notYetSupported(resources)]),
  secrets,
});
