/* A scale report as `--json` prints it: it begins as every result does. */
import { type ResultHead, resultHead } from '../report/result.js';
import type { ScaleReport } from './scale.js';
import { isScaleValid } from './text.js';

export interface ScaleResult extends ResultHead, ScaleReport {}

/** @param millrace its version */
export function scaleResultOf(report: ScaleReport, millrace: string): ScaleResult {
  return { ...resultHead('scale', millrace, isScaleValid(report)), ...report };
}
