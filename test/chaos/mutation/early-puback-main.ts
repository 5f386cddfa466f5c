/* Loaded before the connector: makes it acknowledge a PUBLISH when it comes, not when Kafka has it. A
 * checker that does not turn red by that proves nothing. */
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) register('./early-puback-hooks.js', import.meta.url);
