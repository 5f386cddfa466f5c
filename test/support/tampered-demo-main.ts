/* Process entry of a demo that is lied to about one record:
 *   node tampered-demo-main.js hide|alter SECONDS RECORD [KAFKA TOPIC]
 * RECORD counts from 1, within the topic where one is given.
 */
import { demoCommand } from '../../src/cli/demo.js';
import type { ReadRecord } from '../../src/demo/reconcile.js';

const [, , manner = 'hide', seconds = '1', number = '1', topic] = process.argv;
let records = 0;

function tamper(record: ReadRecord): ReadRecord | undefined {
  if (topic !== undefined && record.kafkaTopic !== topic) return record;
  records += 1;
  if (records !== Number(number)) return record;
  if (manner === 'hide') return undefined;
  const payload = Buffer.from(record.payload);
  payload[payload.length - 1] = 0;
  return { ...record, payload };
}

const options = { seconds: Number(seconds), rate: 500, printConfig: false };
process.exitCode = await demoCommand(options, process.stdout, tamper);
