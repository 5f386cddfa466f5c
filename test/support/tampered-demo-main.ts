/* Process entry of a demo that is lied to about one record:
 *   node tampered-demo-main.js hide|alter SECONDS
 */
import { demoCommand } from '../../src/cli/demo.js';
import type { ReadRecord } from '../../src/demo/reconcile.js';

const TAMPERED_RECORD = 100;

const [, , manner = 'hide', seconds = '1'] = process.argv;
let records = 0;

function tamper(record: ReadRecord): ReadRecord | undefined {
  records += 1;
  if (records !== TAMPERED_RECORD) return record;
  if (manner === 'hide') return undefined;
  const payload = Buffer.from(record.payload);
  payload[payload.length - 1] = 0;
  return { ...record, payload };
}

const options = { seconds: Number(seconds), rate: 500, printConfig: false };
process.exitCode = await demoCommand(options, process.stdout, tamper);
