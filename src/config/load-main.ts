/* Thread entry: loads a configuration as it is asked for by workerData, posts what was found, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import type { LoadRequest } from './load-apart.js';
import { loadModel } from './load-model.js';

const { paths, options } = workerData as LoadRequest;
const stdin = paths.includes('-') ? process.stdin : undefined;
const { model, problems, secrets } = await loadModel(paths, { ...options, stdin });
parentPort?.postMessage({ model, problems, secrets });
