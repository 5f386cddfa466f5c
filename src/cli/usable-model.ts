import { UsageError } from '../base/errors.js';
import type { Model } from '../config/model.js';
import { countProblems, formatProblems, type Output, wantsColor } from '../config/report.js';
import type { Validated } from '../config/validate.js';

/**
 * The model, once every problem is on `stderr`, warnings too. Throws a UsageError where there is an
 * error among them.
 */
export function usableModel(
  { model, problems }: Pick<Validated, 'model' | 'problems'>,
  stderr: Output,
): Model {
  stderr.write(formatProblems(problems, { color: wantsColor(stderr, process.env) }));
  if (model === undefined || countProblems(problems).errors > 0) {
    throw new UsageError('the configuration has errors (see above)');
  }
  return model;
}
